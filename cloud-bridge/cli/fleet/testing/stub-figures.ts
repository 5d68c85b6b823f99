import { createHash } from 'node:crypto';

const iso = (ms: number) => new Date(ms).toISOString();
const hash = (content: string) => createHash('sha256').update(content).digest('hex');

/** Figures of a unit. */
export const figures = {
  uptimeS: 3600,
  machine: { cpuLoad: 0.42, temperatureC: 61, memoryUsedBytes: 3e9, memoryTotalBytes: 4e9, diskFreeBytes: 12.3e9 },
  pipeline: { framesPerSecond: 14.9 },
  sync: { queued: { alert: 0, infraction: 2, telemetry: 5 } },
};

/** Files of an evidence as the centre holds them, and the headers of which the key file is made. */
export const contents: Readonly<Record<string, string>> = {
  keys: 'age-header-1age-header-2',
  'context.jpg': 'body one',
  'clip.mjpeg': 'body two',
};
const headers = ['age-header-1', 'age-header-2'];

/** An entry of a ledger whose record names the contents. */
export const entry = {
  record: {
    schema: 'atalaya/evidence/3',
    id: 'north-1-7',
    unit: 'north-1',
    sequence: 7,
    files: ['context.jpg', 'clip.mjpeg'].map((name, i) => {
      const whole = `${headers[i]}${contents[name]}`;
      return { name, bytes: whole.length, sha256: hash(whole), header: 12, body: hash(contents[name] ?? '') };
    }),
    sealing: { format: 'age-encryption.org/v1', keys: { bytes: 24, sha256: hash(headers.join('')) } },
  },
  signature: Buffer.from('a signature').toString('base64'),
};

/** Alerts of the two units; one of them tries to clear the screen. */
export const alerts = (now: number) => [
  {
    id: 'disk-nearly-full-1',
    unit: 'north-1',
    name: 'disk-nearly-full',
    state: 'raised',
    since: iso(now - 3_600_000),
    raised: iso(now - 3_600_000),
    from: 'unit',
    detail: '8 GB are free of 120 GB; evidence is refused below 2 GB\u001b[2J',
  },
  {
    id: 'camera-lost-77',
    unit: 'north-2',
    name: 'camera-lost',
    state: 'critical',
    since: iso(now - 120_000),
    raised: iso(now - 120_000),
    from: 'unit',
    detail: 'no frame for 110 s',
  },
];

const archived = '2026-03-01T12:00:00.000Z';

/** Records of infractions in a list, as the centre has them of the two units, the latest first. */
export const infractions = [
  {
    ...{ unit: 'north-1', evidence: 'north-1-7', sequence: 7, time: '2026-03-01T11:59:58.120Z', archived },
    ...{ rule: 'speeding', class: 'car', lane: 'left' },
    measured: {
      rule: 'speeding',
      speedKmh: 92.44,
      limitKmh: 60,
      uncertaintyKmh: 1.1,
      toleranceKmh: 5,
      chargedKmh: 87.4,
    },
    files: { here: 0, all: 3, state: 'not-asked' },
  },
  {
    ...{ unit: 'north-2', evidence: 'north-2-000000012', sequence: 12, time: '2026-03-01T09:00:00.000Z', archived },
    ...{ rule: 'red-light', class: 'truck', lane: null },
    measured: { rule: 'red-light', head: 'main', line: 'stop', redForS: 1.23 },
    files: { here: 4, all: 11, state: 'failed', reason: 'blob-mismatch: clip.mjpeg\u001b[2J' },
  },
  {
    ...{ unit: 'north-1', evidence: 'north-1-3', sequence: 3, time: '2026-02-28T23:00:00.000Z', archived },
    ...{ rule: 'of-tomorrow', lane: 'right' },
    files: { here: 0, all: 0, state: 'none' },
  },
];

/** The chain of acts, the first first: of before acts said what they are about, and since; of the person, and of the centre. */
export const acts = (now: number, key: string) => {
  const zeros = '0'.repeat(64);
  const signed = (method: string, path: string) => ({ method, path, signature: { key, value: 'x' } });
  const outcome = 'allowed: Ana, supervisor';
  const all = [
    { act: signed('PUT', '/v1/layers/fleet'), outcome },
    { act: signed('POST', '/v1/commands'), outcome, about: 'command reboot for north-1, id act-00000001' },
    { act: { duty: 'rollout' }, outcome: 'done' },
    { act: signed('PUT', '/v1/config/north-2'), outcome, about: 'configuration 7 for north-2: quieter' },
  ];
  return all.map((one, i) => ({ number: i + 1, time: iso(now), previous: zeros, hash: zeros, ...one }));
};

/** What a unit says of itself when it is told to test itself. */
export const selfTest = {
  ...{ status: 'degraded', at: archived, unit: 'north-1', software: '0.1.0' },
  problems: ['disk: 8 GB are free', 'throttled (raised since 2026-03-01T11:00:00.000Z): the processor is held back'],
  probes: {
    camera: { state: 'good', detail: '15 frames/s' },
    disk: { state: 'degraded', detail: '8 GB are free' },
    broker: { state: 'unknown', detail: 'not configured' },
  },
};
