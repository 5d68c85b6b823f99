import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { referenceOf } from '../kernel/schema-reference.ts';
import { applies } from './apply.ts';
import { configSchema } from './config-schema.ts';
import { configFields } from './fields.ts';
import { defaultConfig, locateConfig } from './load-config.ts';
import { publishedConfigSchema } from './published-config-schema.ts';

const here = dirname(fileURLToPath(import.meta.url));

test('every field says what it means and when a new value takes effect', (t) => {
  const fields = referenceOf(configSchema);
  t.true(fields.length > 80);
  for (const { path, type, apply, says } of fields) {
    t.not(says, '', path);
    if (type === 'section') t.is(apply, undefined, path);
    else t.true((applies as readonly (string | undefined)[]).includes(apply), path);
  }
});

test('a figure with a unit in its name says its unit', (t) => {
  for (const { path, unit, type } of referenceOf(configSchema)) {
    if (!/number/.test(type)) continue;
    const name = path.split('.').at(-1) ?? '';
    if (/Megabytes$/.test(name)) t.is(unit, 'MB', path);
    else if (/Ms$/.test(name)) t.is(unit, 'ms', path);
    else if (/[a-z]S$/.test(name)) t.is(unit, 's', path);
    else if (/Days$/.test(name)) t.is(unit, 'd', path);
    else if (/Minutes$/.test(name)) t.is(unit, 'min', path);
  }
});

test('who is believed, what signs and where data lie is set at the unit only', (t) => {
  const own = [...configFields].flatMap(([path, kind]) => (kind === 'unit' ? [path] : []));
  t.deepEqual(own.sort(), [
    'cloud.ca',
    'cloud.cert',
    'cloud.key',
    'cloud.rootKey',
    'cloud.sessionSecret',
    'cloud.trust',
    'evidence.data',
    'evidence.signing.keyFile',
    'evidence.signing.tpm',
    'evidence.signing.tpmHandle',
    'log.folder',
    'plates.listKey',
    'references',
    'scene',
    ...['driver', 'inputs', 'outputs', 'sensors.door', 'sensors.loops', 'sensors.settleMs', 'sensors.tamper'].map(
      (field) => `signal.lines.${field}`,
    ),
    'source.atEnd',
    'source.camera.device',
    'source.camera.index',
    'source.camera.kind',
    'source.camera.passwordFile',
    'source.camera.program',
    'source.camera.sensor',
    'source.camera.url',
    'source.camera.user',
    'source.ffmpeg',
    'source.ffprobe',
    'source.path',
    'source.startedAt',
    'status.listen',
    'unit.id',
    'unit.reboot',
    'updates.clock',
    'updates.directorRoot',
    'updates.imageRoot',
  ]);
});

test('without a broker nothing else of the cloud is needed, and every flag is on', (t) => {
  const { cloud, flags, status, log } = defaultConfig();
  t.deepEqual(cloud, {
    protocol: 'auto',
    keepAliveS: 30,
    window: 64,
    resendAfterS: 30,
    evidence: 'on-request',
    telemetryS: 60,
    telemetryQueueMegabytes: 64,
  });
  t.deepEqual(flags, { announceCounts: true, sendTelemetry: true, strobe: true, watchLists: true });
  t.deepEqual(status, {});
  t.deepEqual(log, { level: 'info', keepDays: 14 });
});

test('a broker is reached over TLS with a certificate, but on this very machine', (t) => {
  const pair = { cert: 'unit.pem', key: 'unit.key' };
  const fits = (cloud: object) => configSchema.safeParse({ cloud }).success;
  t.true(fits({ broker: 'mqtts://broker.example', ...pair }));
  t.true(fits({ broker: 'mqtts://[2001:db8::7]:8883', ...pair }));
  t.true(fits({ broker: 'mqtt://localhost:1883' }));
  t.true(fits({ broker: 'mqtt://[::1]' }));
  t.false(fits({ broker: 'mqtt://localhost.example:1883' }));
  t.false(fits({ broker: 'mqtt://10.0.0.1' }));
  t.false(fits({ broker: 'mqtts://broker.example' }));
  t.false(fits({ broker: 'mqtts://broker.example', cert: 'unit.pem' }));
  t.false(fits({ broker: 'mqtts://me:secret@broker.example', ...pair }));
  t.false(fits({ broker: 'wss://broker.example', ...pair }));
  t.false(fits({ trust: 'trust.json' }));
  t.true(fits({ trust: 'trust.json', rootKey: 'root.pem' }));
});

test('a unit is not named as a bridge', (t) => {
  const named = (id: string) => configSchema.safeParse({ unit: { id } });
  for (const id of ['north-1', 'bridge', 'bridge7', 'a-bridge-1', 'unit-0']) t.true(named(id).success, id);
  for (const id of ['bridge-1', 'bridge-', 'bridge-north-1']) {
    const { error } = named(id);
    t.is(error?.issues[0]?.path.join('.'), 'unit.id');
    t.regex(error?.issues[0]?.message ?? '', /^begins with bridge-: brokers let whoever is named so/, id);
  }
});

test('paths start at the folder of the file', (t) => {
  const cloud = { trust: 'trust.json', rootKey: 'keys/root.pem', ca: '/etc/ca.pem' };
  const located = locateConfig(configSchema.parse({ cloud, log: { folder: 'logs' } }), '/etc/atalaya');
  t.is(located.cloud.trust, '/etc/atalaya/trust.json');
  t.is(located.cloud.rootKey, '/etc/atalaya/keys/root.pem');
  t.is(located.cloud.ca, '/etc/ca.pem');
  t.is(located.cloud.cert, undefined);
  t.is(located.log.folder, '/etc/atalaya/logs');
});

test('the published JSON Schema is the one that files are checked by', (t) => {
  const { file, text } = publishedConfigSchema();
  t.is(readFileSync(join(here, 'schema', file), 'utf8'), text);
  const schema = JSON.parse(text);
  t.like(schema.properties.signal.properties.beacon.properties.onMs, { apply: 'live', unit: 'ms', maximum: 600_000 });
});

test('a recording is repeated at its own pace alone', (t) => {
  const atEnd = 'repeat';
  t.is(configSchema.parse({ source: { atEnd, pace: 'timestamps' } }).source.atEnd, atEnd);
  const { error } = configSchema.safeParse({ source: { atEnd } });
  t.deepEqual(
    error?.issues.map(({ path, message }) => [path.join('.'), message]),
    [['source.atEnd', 'is for a recording at its own pace: set source.pace to timestamps']],
  );
});
