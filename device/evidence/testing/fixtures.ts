import type { CaptureTime, Frame, Picture } from '../../capture/frame.ts';
import { pictureBytes } from '../../capture/frame.ts';
import { keptFrame } from '../../capture/kept-frame.ts';
import type { Infraction } from '../../judge/infraction.ts';
import type { RawPoint } from '../../judge/raw-data.ts';
import { fraction, milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { CalibrationRecord } from '../../scene/calibration-record.ts';
import type { SealContext } from '../evidence-store.ts';
import { makeStills, type StillContext } from '../pictures/stills.ts';

export const timeOf = (sequence: number): CaptureTime => ({
  utc: utcMilliseconds(1_700_000_000_000 + sequence * 40),
  elapsed: milliseconds(sequence * 40),
  clock: { source: 'system', synchronised: true, dated: true, intervalError: milliseconds(0.5) },
});

/** A small picture that differs from frame to frame, in the format that is asked for. */
export function frameOf(sequence: number, format: Picture['format'] = 'rgb24', width = 64, height = 48): Frame {
  const data = new Uint8Array(new SharedArrayBuffer(pictureBytes(format, width, height)));
  for (let i = 0; i < data.byteLength; i += 1) data[i] = 40 + ((i + sequence * 7) % 160);
  const picture: Picture =
    format === 'rgb24' ? { format, width, height, data } : { format, width, height, data, range: 'limited' };
  return { sequence, time: timeOf(sequence), picture, original: undefined };
}

/** The same with the bytes of a camera that delivers JPEG. */
export async function jpegFrameOf(sequence: number): Promise<Frame> {
  const frame = frameOf(sequence);
  const [context] = await makeStills({ at: keptFrame(frame) }, infractionAt(sequence), 'camera', {
    track: [],
    marks: [],
  });
  return { ...frame, original: context?.content };
}

export const framesAround = (sequence: number) => ({
  before: keptFrame(frameOf(sequence - 5)),
  at: keptFrame(frameOf(sequence)),
  after: keptFrame(frameOf(sequence + 5)),
});

export function infractionAt(frame: number): Infraction {
  return {
    rule: 'red-light',
    frame,
    time: timeOf(frame),
    track: frame % 100,
    class: 'car',
    lane: undefined,
    box: { x: 10.5, y: 8.25, width: 20, height: 15 },
    measured: { rule: 'red-light', head: 'main', line: 'stop', redForS: 1.25, speedKmh: 41.5 },
    findings: [
      { name: 'phase-at-line', value: 'red', limit: 'green', says: 'The head showed red.' },
      { name: 'red-for', value: 1.25, unit: 's', limit: 0.3, says: 'Red had lasted longer than the grace.' },
    ],
  };
}

/** Of a scene without a map of the road. */
const calibration: CalibrationRecord = {
  scene: 'high-street',
  picture: { width: 64, height: 48 },
  timeZone: 'Europe/London',
  boxOvershoot: 0,
  ground: null,
  speed: null,
  lanes: [],
  stopLines: [],
  noStopping: [],
  boxJunctions: [],
  ignore: [],
};

const digest = (letter: string) => letter.repeat(64);

export function contextAt(frame: number): SealContext & StillContext {
  const track = [frame - 2, frame - 1, frame].map(
    (sequence): RawPoint => ({
      frame: sequence,
      time: timeOf(sequence),
      box: { x: 10.5 - (frame - sequence) * 0.7, y: 8.25, width: 20, height: 15 },
      score: fraction(0.8),
      measured: sequence !== frame - 1,
      track: frame % 100,
      use: sequence === frame - 1 ? 'predicted' : 'held',
    }),
  );
  return {
    track,
    raw: {
      points: track,
      omitted: 0,
      votes: new Map([['car', 1]]),
      phases: [{ phase: 'red', fromMs: (frame - 40) * 40, source: 'schedule' }],
    },
    calibration,
    provenance: {
      site: { id: 'site-1', name: 'High Street, northbound' },
      software: { version: '0.1.0' },
      configuration: { sha256: digest('c') },
      scene: { name: 'high-street', sha256: digest('5') },
      model: { id: 'ssdlite-mobilenetv2', version: '1', sha256: digest('d') },
    },
    marks: [
      {
        name: 'stop',
        closed: false,
        points: [
          { x: 0, y: 30 },
          { x: 60, y: 34 },
        ],
      },
    ],
  };
}
