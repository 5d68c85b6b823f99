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
