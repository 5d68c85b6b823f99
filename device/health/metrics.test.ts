import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { telemetry } from '../../cloud-bridge/contract/events.ts';
import { milliseconds, seconds, utcMilliseconds } from '../kernel/units.ts';
import { alertNames } from './alert-rules.ts';
import { healthReport } from './contract/health-report.ts';
import { measureNames } from './degrade-measures.ts';
import { type HealthFacts, usualLimits } from './health-facts.ts';
import { judgeHealth } from './judge-health.ts';
import { type MetricsSource, unitMetrics } from './metrics.ts';
import { makeTelemetry } from './telemetry.ts';

const utc = utcMilliseconds(Date.UTC(2026, 2, 1, 12));
const working: HealthFacts = {
  camera: { silent: milliseconds(40) },
  disk: { freeBytes: 9e9, totalBytes: 1e10 },
  memory: { usedBytes: 1e9, totalBytes: 4e9 },
  clock: { dated: true, synchronised: true },
  broker: {},
};
type Alerts = Parameters<typeof judgeHealth>[0]['alerts'];

const reportOf = (facts: HealthFacts, alerts: Alerts = []) =>
  judgeHealth({ unit: 'u-1', software: '0.1.0', utc, facts, limits: usualLimits, alerts });

const source = (more: Partial<MetricsSource> = {}): MetricsSource => ({
  telemetry: makeTelemetry({ uptime: seconds(60) }),
  health: reportOf(working),
  alerts: [],
  logDropped: 0,
  ...more,
});

/** Samples by name and labels, without the unit's own. */
async function samples(of: MetricsSource): Promise<Map<string, number>> {
  const { text } = await unitMetrics('u-1', of);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      const name = line
        .slice(0, at)
        .replace(/,?unit="u-1"/, '')
        .replace('{}', '');
      return [name, Number(line.slice(at + 1))];
    }),
  );
}

const everything = makeTelemetry({
  uptime: seconds(60),
  machine: {
    cpuLoad: 0.5,
    temperatureC: 61,
    throttled: true,
    memoryUsedBytes: 1,
    memoryTotalBytes: 2,
    processBytes: 3,
    diskFreeBytes: 4,
    diskTotalBytes: 5,
    diskWearPercent: 30,
    networkReceivedBytes: 6,
    networkSentBytes: 7,
    powerVolts: 5.1,
    underVoltage: false,
  },
  pipeline: {
    framesProcessed: 100,
    framesSkipped: 10,
    framesDamaged: 1,
    framesPerSecond: 14.5,
    inferenceMs: 23,
    tracksLive: 4,
    infractions: 5,
    lost: 0,
    platesRead: 3,
    detections: 40,
    platesUnread: 2,
  },
  sync: { queued: { alert: 1, infraction: 2, telemetry: 3 }, dropped: 8, reconnects: 9, sentBytes: 10, refused: 11 },
  degraded: ['plates-not-read'],
});

test('every figure of the contract has a sample, in base units and under a conventional name', async (t) => {
  const read = await samples(source({ telemetry: everything, logDropped: 12 }));
  t.is(read.get('atalaya_cpu_load_ratio'), 0.5);
  t.is(read.get('atalaya_cpu_temperature_celsius'), 61);
  t.is(read.get('atalaya_disk_wear_ratio'), 0.3);
  t.is(read.get('atalaya_inference_seconds'), 0.023);
  t.is(read.get('atalaya_frames_total{outcome="skipped"}'), 10);
  t.is(read.get('atalaya_plates_total{outcome="read"}'), 3);
  t.is(read.get('atalaya_outbox_events{lane="infraction"}'), 2);
  t.is(read.get('atalaya_network_sent_bytes_total'), 7);
  t.is(read.get('atalaya_log_lines_dropped_total'), 12);
  t.is(read.get('atalaya_cpu_throttled'), 1);
  const figures = (part: keyof typeof telemetry.shape) => {
    const schema = telemetry.shape[part];
    const inner = 'unwrap' in schema ? schema.unwrap() : schema;
    return 'shape' in inner ? Object.keys(inner.shape) : [];
  };
  const contract = (['machine', 'pipeline', 'sync'] as const).flatMap(figures);
  t.is(contract.length, 29);
  t.is(read.get('atalaya_degraded{measure="plates-not-read"}'), 1);
  t.is(read.get('atalaya_degraded{measure="clips-not-made"}'), 0);
  // Each figure one sample, of the queue one a lane; uptime, 5 probes, each measure and alert, dropped lines and the build.
  t.is(read.size, contract.length - 1 + 3 + 1 + 5 + measureNames.length + alertNames.length + 1 + 1);
});

test('the text is the exposition format: help, type, unit, and _total for counters alone', async (t) => {
  const { text, contentType } = await unitMetrics('u-1', source({ telemetry: everything }));
  t.regex(contentType, /^text\/plain; version=0\.0\.4/);
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind]) => ({ name, kind }));
  t.true(types.length > 25);
  for (const { name, kind } of types) {
    t.regex(name, /^atalaya_[a-z_]+$/);
    t.is(name.endsWith('_total'), kind === 'counter', name);
    t.notRegex(name, /(_ms|_percent|_minutes|_megabytes)/);
    t.true(text.includes(`# HELP ${name} `));
  }
  for (const line of text.split('\n')) if (line !== '' && !line.startsWith('#')) t.regex(line, /unit="u-1"/);
});

test('what is not known has no sample, though it had one before', async (t) => {
  t.true((await samples(source({ telemetry: everything }))).has('atalaya_cpu_load_ratio'));
  const read = await samples(source());
  t.false(read.has('atalaya_cpu_load_ratio') || read.has('atalaya_frames_total{outcome="skipped"}'));
  t.is(read.get('atalaya_uptime_seconds'), 60);
});

test('probes and alerts are levels; of several subjects the worst counts', async (t) => {
  const read = await samples(
    source({
      health: reportOf({ ...working, clock: { dated: false, synchronised: false }, camera: undefined as never }),
      alerts: [
        { name: 'certificate-expiring', state: 'critical' },
        { name: 'certificate-expiring', state: 'raised' },
        { name: 'throttled', state: 'raised' },
      ],
    }),
  );
  t.is(read.get('atalaya_probe_good{probe="clock"}'), 0);
  t.is(read.get('atalaya_probe_good{probe="disk"}'), 1);
  t.false(read.has('atalaya_probe_good{probe="camera"}'));
  t.is(read.get('atalaya_alert_level{alert="certificate-expiring"}'), 2);
  t.is(read.get('atalaya_alert_level{alert="throttled"}'), 1);
  t.is(read.get('atalaya_alert_level{alert="camera-lost"}'), 0);
});

test('health: every probe with its state, and the worst of it all', (t) => {
  const report = reportOf(working);
  t.deepEqual(healthReport.parse(report), report);
  t.deepEqual([report.status, report.problems], ['good', []]);
  t.is(report.probes.broker.detail, 'connected');
  const alert = {
    name: 'temperature-high',
    state: 'raised',
    since: '2026-03-01T11:00:00.000Z',
    detail: '79 degrees',
  } as const;
  const said = 'temperature-high (raised since 2026-03-01T11:00:00.000Z): ';
  t.deepEqual(reportOf(working, [alert]).problems, [`${said}79 degrees`]);
  t.deepEqual(reportOf(working, [{ ...alert, now: '85 degrees' }]).problems, [`${said}85 degrees`], 'as it is now');
  const cases: readonly [HealthFacts, keyof typeof report.probes, string, string][] = [
    [{ camera: { silent: milliseconds(11_000), detail: 'no route' } }, 'camera', 'failed', 'failed'],
    [{ clock: { dated: true, synchronised: false } }, 'clock', 'degraded', 'degraded'],
    [{ clock: { dated: false, synchronised: false } }, 'clock', 'degraded', 'degraded'],
    [{ disk: { freeBytes: 1e9, totalBytes: 1e10 } }, 'disk', 'degraded', 'degraded'],
    [{ disk: { freeBytes: 1e8, totalBytes: 1e10 } }, 'disk', 'failed', 'failed'],
    [{ memory: { usedBytes: 92, totalBytes: 100 } }, 'memory', 'degraded', 'degraded'],
    [{ broker: { offline: milliseconds(9e9), detail: 'unknown host' } }, 'broker', 'degraded', 'degraded'],
  ];
  for (const [facts, name, state, status] of cases) {
    const { probes, problems, ...rest } = reportOf({ ...working, ...facts });
    t.deepEqual([probes[name].state, rest.status], [state, status]);
    t.is(problems.length, 1);
    t.true(problems[0]?.startsWith(`${name}: `));
  }
  t.is(reportOf({}).status, 'good');
  t.true(Object.values(reportOf({}).probes).every(({ state }) => state === 'unknown'));
});

test('open alerts make a unit degraded, and failed where it seals or judges nothing; a watch list says nothing of it', (t) => {
  const status = (name: 'throttled' | 'detector-failed' | 'watch-list', state: 'raised' | 'critical') =>
    reportOf(working, [{ name, state, detail: 'x' }]).status;
  t.is(status('throttled', 'raised'), 'degraded');
  t.is(status('throttled', 'critical'), 'degraded');
  t.is(status('detector-failed', 'critical'), 'failed');
  t.is(status('watch-list', 'critical'), 'good');
});

test('the page about health names every metric and every alert, and no other', async (t) => {
  const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const { text } = await unitMetrics('u-1', source({ telemetry: everything }));
  const made = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const told = [...page.matchAll(/`(atalaya_[a-z_]*[a-z])`/g)].map(([, name]) => name);
  t.deepEqual(told.toSorted(), made.toSorted());
  const rows = [...page.slice(page.indexOf('## Alerts'), page.indexOf('## Metrics')).matchAll(/^\| `([a-z-]+)`/gm)];
  t.deepEqual(
    rows.map(([, name]) => name),
    [...alertNames],
  );
});
