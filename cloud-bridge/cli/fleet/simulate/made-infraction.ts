import type { EvidenceParts } from '../../../../device/evidence/record/make-record.ts';
import type { Finding, Measurement } from '../../../../device/judge/infraction.ts';
import type { RawPoint } from '../../../../device/judge/raw-data.ts';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { sha256 } from '../../../../device/kernel/hash.ts';
import { fraction, milliseconds, utcMilliseconds } from '../../../../device/kernel/units.ts';
import type { CalibrationRecord } from '../../../../device/scene/calibration-record.ts';
import type { SeenInfraction } from '../../../simulate/traffic.ts';

/** Frames between two points, at 15 a second. */
const stepMs = 66;
const points = 12;
const picture = { width: 1280, height: 720 };

/**
 * What a made-up vehicle did, in the words of an evidence record: whole, and of the schema of real ones; site, software and model say that
 * it is simulated, and there are no pictures.
 */
export function madeInfraction(seen: SeenInfraction, unit: string, site: string, clock: Clock): EvidenceParts {
  const { rule, track, frame, lane } = seen;
  const now = { utc: clock.utc(), elapsed: clock.monotonic(), clock: clock.state() };
  const trail = Array.from({ length: points }, (_, i): RawPoint => {
    const ago = points - 1 - i;
    return {
      frame: Math.max(0, frame - ago),
      time: {
        ...now,
        utc: utcMilliseconds(now.utc - ago * stepMs),
        elapsed: milliseconds(now.elapsed - ago * stepMs),
      },
      box: { x: 300 + i * 14.5, y: 200 + i * 22.25, width: 80 + i * 4, height: 60 + i * 3 },
      score: fraction(0.82),
      measured: true,
      track,
      use: 'held',
    };
  });
  const last = trail.at(-1) as RawPoint;
  return {
    infraction: {
      ...{ rule, frame, track, class: seen.class, lane, time: now, box: last.box },
      ...chargeOf(seen),
    },
    files: [],
    sealing: null,
    provenance: {
      site: { id: unit, name: site },
      software: { version: 'simulated' },
      configuration: { sha256: sha256(`configuration of ${unit}`) },
      scene: { name: 'simulated', sha256: sha256(JSON.stringify(calibration)) },
      model: { id: 'simulated', sha256: sha256('simulated') },
    },
    raw: {
      points: trail,
      omitted: 0,
      votes: new Map([[seen.class, 1]]),
      phases:
        rule === 'red-light' ? [{ phase: 'red', fromMs: now.elapsed - seen.figure * 1000, source: 'schedule' }] : [],
    },
    calibration,
  };
}

function chargeOf({ rule, lane, figure }: SeenInfraction): {
  readonly measured: Measurement;
  readonly findings: readonly Finding[];
} {
  switch (rule) {
    case 'red-light':
      return {
        measured: { rule, head: 'main', line: 'stop', redForS: figure },
        findings: [
          { name: 'phase-at-line', value: 'red', limit: 'green', says: 'The head showed red.' },
          { name: 'red-for', value: figure, unit: 's', limit: 0.3, says: 'Red had lasted longer than the grace.' },
        ],
      };
    case 'restricted-lane':
      return {
        measured: { rule, lane, allowed: ['bus', 'bicycle'], insideS: figure },
        findings: [
          { name: 'inside-for', value: figure, unit: 's', limit: 0.4, says: 'It was in the lane for longer.' },
        ],
      };
    case 'blocked-box':
      return {
        measured: { rule, zone: 'box', standingS: figure, allowedS: 5 },
        findings: [
          { name: 'standing-for', value: figure, unit: 's', limit: 5, says: 'It stood in the box for longer.' },
        ],
      };
    case 'wrong-way':
      return {
        measured: { rule, lane, againstDeg: 172, distancePx: figure },
        findings: [{ name: 'against', value: 172, unit: 'deg', limit: 120, says: 'It went against the lane.' }],
      };
  }
}

const corners = (left: number, right: number) => [
  { x: left, y: 100 },
  { x: right, y: 100 },
  { x: right + 60, y: 700 },
  { x: left - 60, y: 700 },
];

/** A scene without a map of the road, in which nothing is measured in metres. */
const calibration: CalibrationRecord = {
  scene: 'simulated',
  picture,
  timeZone: 'UTC',
  boxOvershoot: 0,
  ground: null,
  speed: null,
  lanes: (['left', 'right'] as const).map((name, i) => ({
    name,
    polygon: corners(300 + i * 300, 600 + i * 300),
    direction: [
      { x: 450 + i * 300, y: 100 },
      { x: 450 + i * 300, y: 700 },
    ],
    limitKmh: null,
    limitSource: null,
    restriction: null,
  })),
  stopLines: [
    {
      name: 'stop',
      points: [
        { x: 240, y: 420 },
        { x: 960, y: 440 },
      ],
      direction: { x: 0, y: 1 },
      signal: 'main',
      lanes: ['left', 'right'],
      graceS: 0.3,
      standS: 1,
    },
  ],
  noStopping: [],
  boxJunctions: [{ name: 'box', polygon: corners(320, 900), allowedS: 5, when: null, classes: ['car', 'truck'] }],
  ignore: [],
};
