import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pictureBytes } from '../capture/frame.ts';
import { recordingClock } from '../capture/frame-times.ts';
import { createIdentity } from '../evidence/sealing/identity.ts';
import { parseRecipients } from '../evidence/sealing/recipients.ts';
import type { Infraction } from '../judge/infraction.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { benchKeystore, evidenceFigure, median, openBenchStore, timed } from './evidence-parts.ts';
import type { BenchContext, Figure } from './figure.ts';

/** Frames of the clip: three seconds before and three after, at five a second. */
const clipFrames = 30;

/** Whole infractions of 1280x720 pixels: stills, operator's copy and clip made, encrypted, durable, the record sealed. */
export async function benchSeals({ scratch }: BenchContext): Promise<readonly Figure[]> {
  const { recipient } = await createIdentity();
  const recipients = parseRecipients([recipient], []);
  const store = await openBenchStore(join(scratch, 'store'), benchKeystore(), { recipients, randomBytes });
  const frames = Array.from({ length: clipFrames }, (_, i) => frame(i));
  const at = frame(15);
  const stills = await timed(10, (i) => store.seal(infraction(i), { at }, context));
  const clip = { ...context, clip: { frames, thinned: false } };
  const whole = await timed(5, (i) => store.seal(infraction(i), { before: frame(10), at, after: frame(20) }, clip));
  await store.close();
  return [
    evidenceFigure('seal of a 1280x720 infraction, one frame', median(stills), 'ms'),
    evidenceFigure(`seal of the same with three frames and a clip of ${clipFrames}`, median(whole), 'ms'),
  ];
}

function timeOf(i: number) {
  const elapsed = milliseconds(i * 200);
  return { utc: utcMilliseconds(1.7e12 + elapsed), elapsed, clock: recordingClock };
}

function frame(i: number) {
  const [width, height] = [1280, 720];
  const data = new Uint8Array(new SharedArrayBuffer(pictureBytes('yuv420p', width, height)));
  for (let at = 0; at < data.length; at += 1) data[at] = 60 + (((at >> 3) + (at >> 9) + i * 5) & 127);
  const picture = { format: 'yuv420p', width, height, data, range: 'limited' } as const;
  return { kind: 'pixels', sequence: i, time: timeOf(i), picture } as const;
}

function infraction(i: number): Infraction {
  return {
    rule: 'wrong-way',
    frame: 15,
    time: timeOf(15),
    track: i + 1,
    class: 'car',
    lane: 'lane 1',
    box: { x: 500, y: 300, width: 200, height: 150 },
    measured: { rule: 'wrong-way', lane: 'lane 1', againstDeg: 178, distancePx: 120 },
    findings: [],
  };
}

const digest = '0'.repeat(64);
const context = {
  provenance: {
    site: { id: 'bench', name: 'bench' },
    software: { version: 'bench' },
    configuration: { sha256: digest },
    scene: { name: 'bench', sha256: digest },
    model: { id: 'bench', sha256: digest },
  },
  raw: { points: [], omitted: 0, votes: new Map(), phases: [] },
  calibration: {
    scene: 'bench',
    picture: { width: 1280, height: 720 },
    timeZone: 'UTC',
    boxOvershoot: 0,
    ground: null,
    speed: null,
    lanes: [],
    stopLines: [],
    noStopping: [],
    boxJunctions: [],
    ignore: [],
  },
  marks: [],
};
