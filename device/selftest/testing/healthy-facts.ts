import type { SelfTestFacts } from '../facts.ts';

const day = 24 * 3_600_000;
export const now = Date.parse('2026-03-01T12:00:00Z');

/** A unit of which everything was tested, and is well. */
export const healthyFacts: SelfTestFacts = {
  camera: {
    kind: 'seen',
    seconds: 3,
    frames: 90,
    damaged: 0,
    nominal: 30,
    size: { width: 1280, height: 720 },
    scene: { width: 1280, height: 720 },
  },
  picture: { mean: 120, spread: 45, black: 0.01, white: 0.005, blur: 0.35 },
  reference: { kind: 'compared', patches: 12, seen: 11, agreeing: 11, shiftPx: 0.3, allowedPx: 2, detail: 0.95 },
  lines: {
    kind: 'open',
    watchedMs: 600_000,
    lines: [
      { name: 'red', direction: 'input', role: 'red of main', active: true, changes: 12 },
      { name: 'green', direction: 'input', role: 'green of main', active: false, changes: 11 },
      { name: 'door', direction: 'input', role: 'door', active: false, changes: 2 },
      { name: 'beacon', direction: 'output', role: 'beacon', pulsed: true },
    ],
    unknown: [],
    heads: [{ head: 'main', red: 'red', green: 'green' }],
  },
  clock: { utc: now, synchronised: true, errorBoundMs: 30, estimatedErrorMs: 2, newestEntry: now - 60_000 },
  storage: {
    kind: 'measured',
    p50Ms: 1.2,
    p99Ms: 12,
    megabytesPerSecond: 38,
    freeBytes: 20e9,
    totalBytes: 32e9,
    reserveBytes: 64e6,
  },
  machine: { wearPercent: 20, temperatureC: 55, throttled: false, underVoltage: false },
  network: { addresses: 2, route: true, host: 'broker.example' },
  broker: { kind: 'connected', roundTripMs: 80, heardAgoMs: 4000 },
  certificates: {
    kind: 'read',
    utc: now,
    certificates: [{ name: 'of the unit', from: now - 30 * day, until: now + 335 * day }],
  },
  detector: { kind: 'looked', inferenceMs: 40, found: 4, due: 4, beside: false },
  evidence: {
    kind: 'sealed',
    sequence: 7,
    id: 'unit-7-000000007',
    tookMs: 12,
    pictureBytes: 21_000,
    authority: true,
    faults: [],
  },
};
