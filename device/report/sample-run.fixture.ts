import type { CaptureTime } from '../capture/frame.ts';
import type { Box, ObjectClass } from '../detect/detection.ts';
import type { Crossing, Finding, Infraction, Measurement } from '../judge/infraction.ts';
import { kilometresPerHour, milliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { RunRecord, SampledPoint, SealedInfraction, TrackSummary } from './run-record.ts';
import type { TrueVehicle, Truth } from './truth-schema.ts';

/** A run of 20 s as a unit would record it, and the truth that it was made from: for tests of what a person sees. */

const rate = 15;
const frames = 300;
const began = Date.UTC(2026, 2, 1, 12, 0, 0);

export function timeOf(frame: number): CaptureTime {
  const elapsed = milliseconds((frame * 1000) / rate);
  return {
    utc: utcMilliseconds(Math.round(began + elapsed)),
    elapsed,
    clock: { source: 'recording', synchronised: false, dated: true, intervalError: milliseconds(1) },
  };
}

interface Part {
  readonly id: string;
  readonly class: ObjectClass;
  readonly lane: string;
  readonly kmh: number;
  readonly from: number;
  readonly to: number;
  readonly x: number;
  /** Error of the measured speed, km/h; undefined where none is stated. */
  readonly error: number | undefined;
}

const parts: readonly Part[] = [
  { id: 'parked', class: 'car', lane: 'kerb', kmh: 0, from: 0, to: 299, x: 60, error: undefined },
  { id: 'wrong-way', class: 'car', lane: 'A1', kmh: 40, from: 4, to: 70, x: 420, error: -0.2 },
  { id: 'away-1', class: 'car', lane: 'A2', kmh: 44, from: 0, to: 58, x: 560, error: 0.3 },
  { id: 'bus-1', class: 'bus', lane: 'BUS', kmh: 41, from: 8, to: 96, x: 720, error: 0.7 },
  { id: 'towards-1', class: 'car', lane: 'B1', kmh: 45, from: 0, to: 49, x: 240, error: -0.4 },
  { id: 'away-2', class: 'car', lane: 'A2', kmh: 46, from: 40, to: 108, x: 560, error: 0.1 },
  { id: 'bus-lane-car', class: 'car', lane: 'BUS', kmh: 45, from: 62, to: 141, x: 720, error: -0.3 },
  { id: 'towards-2', class: 'car', lane: 'B1', kmh: 43, from: 48, to: 121, x: 240, error: 0.2 },
  { id: 'speeder-1', class: 'car', lane: 'A1', kmh: 78, from: 95, to: 146, x: 420, error: 0.5 },
  { id: 'speeder-2', class: 'car', lane: 'A2', kmh: 67, from: 112, to: 170, x: 560, error: -0.6 },
  { id: 'away-3', class: 'car', lane: 'A1', kmh: 48, from: 132, to: 212, x: 420, error: 0.0 },
  { id: 'towards-4', class: 'motorcycle', lane: 'B1', kmh: 42, from: 150, to: 224, x: 240, error: 0.9 },
  { id: 'waits-1', class: 'car', lane: 'A2', kmh: 45, from: 160, to: 299, x: 560, error: undefined },
  { id: 'red-runner', class: 'car', lane: 'A1', kmh: 45, from: 208, to: 284, x: 420, error: -0.1 },
];

/** Drives up the picture and shrinks; the parked one stands still. */
function boxAt(part: Part, frame: number): Box {
  const share = part.kmh === 0 ? 0.2 : (frame - part.from) / (part.to - part.from);
  const size = 130 - 90 * share;
  return { x: part.x + 40 * share, y: 420 - 330 * share, width: size, height: size * 0.8 };
}

const trueRules: Readonly<Record<string, readonly [rule: Infraction['rule'], timeS: number]>> = {
  parked: ['stopping', 10],
  'wrong-way': ['wrong-way', 1.5],
  'bus-lane-car': ['restricted-lane', 5.2],
  'speeder-1': ['speeding', 7.9],
  'speeder-2': ['speeding', 9.3],
  'red-runner': ['red-light', 15.85],
};

export const sampleTruth: Truth = {
  frameRate: rate,
  vehicles: parts.map((part): TrueVehicle => {
    const committed = trueRules[part.id];
    const boxes = new Map<number, Box>();
    for (let frame = part.from; frame <= part.to; frame += 1) boxes.set(frame, boxAt(part, frame));
    return {
      id: part.id,
      class: part.class,
      lane: part.lane,
      plate: undefined,
      constantKmh: part.kmh,
      speeds: new Map(),
      boxes,
      infractions: committed === undefined ? [] : [{ rule: committed[0], timeS: committed[1] }],
    };
  }),
};

function trackOf(part: Part, index: number): TrackSummary {
  const [from, to] = [Math.min(part.from + 2, part.to), part.to - 1];
  const points: SampledPoint[] = [];
  for (let frame = from; frame <= to; frame += 5) {
    const box = boxAt(part, frame);
    points.push([frame, box.x + 1.5, box.y - 1, box.width + 2, box.height - 1]);
  }
  return {
    id: index + 1,
    class: part.class,
    lane: part.lane === 'kerb' ? undefined : part.lane,
    from: { frame: from, elapsed: timeOf(from).elapsed },
    to: { frame: to, elapsed: timeOf(to).elapsed },
    speed:
      part.error === undefined
        ? { stated: false, reason: part.kmh === 0 ? 'it does not move' : 'it braked over the whole stretch' }
        : {
            stated: true,
            speed: kilometresPerHour(part.kmh + part.error),
            uncertainty: kilometresPerHour(0.3 + part.kmh / 150),
            fromFrame: from,
            toFrame: to,
          },
    points,
  };
}

const measurements: Readonly<Record<string, readonly [frame: number, measured: Measurement, findings: Finding[]]>> = {
  'wrong-way': [
    24,
    { rule: 'wrong-way', lane: 'A1', againstDeg: 178, distancePx: 96, distanceM: 12.4 },
    [
      { name: 'direction', value: 178, unit: '°', limit: 120, says: 'It moved against the direction of lane A1.' },
      { name: 'distance', value: 12.4, unit: 'm', limit: 8, says: 'It kept to that direction long enough to be sure.' },
    ],
  ],
  'bus-lane-car': [
    81,
    { rule: 'restricted-lane', lane: 'BUS', allowed: ['bus'], insideS: 1.5 },
    [
      { name: 'class', value: 'car', limit: 'bus', says: 'Lane BUS is for buses at this time; a car was in it.' },
      { name: 'inside', value: 1.5, unit: 's', limit: 1, says: 'Both axles stayed inside the lane for this long.' },
    ],
  ],
  'speeder-1': [
    119,
    { rule: 'speeding', speedKmh: 78.5, uncertaintyKmh: 0.82, limitKmh: 50, toleranceKmh: 3, chargedKmh: 75.5 },
    [
      { name: 'measured-speed', value: 78.5, unit: 'km/h', says: 'A robust fit over 34 positions on the road.' },
      { name: 'tolerance', value: 3, unit: 'km/h', says: 'Up to 100 km/h 3 km/h are deducted.' },
      { name: 'charged-speed', value: 75.5, unit: 'km/h', limit: 50, says: 'What remains is above the limit.' },
      {
        name: 'uncertainty',
        value: 0.82,
        unit: 'km/h',
        limit: 3,
        says: 'The tolerance covers three standard uncertainties.',
      },
    ],
  ],
  'speeder-2': [
    140,
    { rule: 'speeding', speedKmh: 66.4, uncertaintyKmh: 0.75, limitKmh: 50, toleranceKmh: 3, chargedKmh: 63.4 },
    [
      { name: 'measured-speed', value: 66.4, unit: 'km/h', says: 'A robust fit over 38 positions on the road.' },
      {
        name: 'charged-speed',
        value: 63.4,
        unit: 'km/h',
        limit: 50,
        says: 'What remains after the tolerance is above the limit.',
      },
    ],
  ],
  parked: [
    151,
    { rule: 'stopping', zone: 'no-stopping', standingS: 10.1, allowedS: 10 },
    [
      {
        name: 'standing',
        value: 10.1,
        unit: 's',
        limit: 10,
        says: 'It stood in zone no-stopping longer than allowed.',
      },
      { name: 'phase-known', value: true, says: 'No red light of this street made it wait.' },
    ],
  ],
  'red-runner': [
    238,
    { rule: 'red-light', head: 'main', line: 'stop', redForS: 3.87, speedKmh: 44.9 },
    [
      {
        name: 'phase-at-line',
        value: 'red',
        says: 'Signal main had been red for 3.87 s when the wheels passed the line.',
      },
      {
        name: 'red-for',
        value: 3.87,
        unit: 's',
        limit: 0.5,
        says: 'The light was red for longer than the period of grace.',
      },
      { name: 'went-on', value: true, says: 'It went on 5.2 m beyond the line and did not stop there.' },
    ],
  ],
};

const sealed: readonly SealedInfraction[] = parts
  .flatMap((part, index): Infraction[] => {
    const seen = measurements[part.id];
    if (seen === undefined) return [];
    const [frame, measured, findings] = seen;
    const lane = part.lane === 'kerb' ? undefined : part.lane;
    const box = boxAt(part, frame);
    const who = { track: index + 1, class: part.class, lane, box };
    return [{ rule: measured.rule, frame, time: timeOf(frame), ...who, measured, findings }];
  })
  .toSorted((a, b) => a.frame - b.frame)
  .map((infraction, i) => {
    const evidence = `unit-1-${String(i + 1).padStart(6, '0')}`;
    const pictures = { context: 'context.jpg', closeUp: 'close-up.jpg', annotated: 'annotated.jpg' };
    return { infraction, evidence, pictures };
  });

const crossings: readonly Crossing[] = parts.flatMap((part, index): Crossing[] => {
  if (part.kmh === 0 || part.id === 'waits-1') return [];
  const frame = Math.round((part.from + part.to) / 2);
  const direction = part.lane === 'B1' || part.id === 'wrong-way' ? 'towards' : 'away';
  return [{ frame, time: timeOf(frame), track: index + 1, class: part.class, line: 'near', direction }];
});

export const sampleRun: RunRecord = {
  source: { name: 'street.mjpeg', width: 960, height: 540 },
  scene: {
    name: 'street',
    lanes: ['A1', 'A2', 'BUS', 'B1'].map((name) => ({ name, limitKmh: 50 })),
    lines: ['near', 'far'],
  },
  started: utcMilliseconds(Date.UTC(2026, 4, 4, 9, 30, 0)),
  ended: utcMilliseconds(Date.UTC(2026, 4, 4, 9, 30, 21, 400)),
  watched: { from: timeOf(0), to: timeOf(frames - 1) },
  outcome: { kind: 'source-ended' },
  counts: { frames, skipped: 0, damaged: 1, lost: 0, alerts: 0, detections: 1874, peakMemoryBytes: 241_000_000 },
  infractions: sealed,
  crossings,
  tracks: parts.map(trackOf),
  phases: [
    {
      head: 'main',
      spans: [
        { phase: 'green', from: milliseconds(0), to: milliseconds(9000) },
        { phase: 'amber', from: milliseconds(9000), to: milliseconds(12_000) },
        { phase: 'red', from: milliseconds(12_000), to: milliseconds(19_933) },
      ],
    },
  ],
  versions: {
    software: '0.1.0',
    runtime: '24.21.0',
    model: { id: 'ssdlite-mobilenet-v2', version: '1.0.0', engine: 'onnxruntime int8', sha256: 'a1'.repeat(32) },
    sceneSha256: 'b2'.repeat(32),
    configSha256: 'c3'.repeat(32),
  },
};
