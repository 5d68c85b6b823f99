import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makePersonKey, signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import { emptyTrust, signTrust, withPerson } from '../../../cloud-bridge/fleet/trust-draft.ts';
import { loadConfig } from '../../../device/config/load-config.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { UnitEnrolment } from '../../enrol/unit-enrolment.ts';
import { secretFolders } from '../../identity/folder-files.ts';
import { provision, serveUnit } from '../../testing/program-call.ts';
import { configurationFault } from './configuration-fault.ts';
import { sceneFault } from './scene-fault.ts';

const base = await mkdtemp(join(tmpdir(), 'atalaya-later-'));
test.after.always(() => rm(base, { recursive: true, force: true }));
const at = (...names: string[]) => join(base, ...names);

const first = `
source: { path: /opt/street.mjpeg }
scene: /etc/atalaya/scene.yaml
status: { listen: '0.0.0.0:9464' }
log: { level: debug }
`;

test.before(async (t) => {
  t.is((await provision(['ca', 'init', '--out', at('ca'), '--name', 'A fleet', '--no-passphrase'])).code, 0);
  await writeFile(at('first.yaml'), first);
});

/** A unit with its first grant, and how it is enrolled again. */
async function enrolled(name: string, ...flags: string[]) {
  const unit = new UnitEnrolment({
    folder: at(name),
    files: secretFolders,
    clock: systemClock,
    serial: async () => ({ serial: 'S1', from: 'device-tree' }),
    claim: { isOpen: () => true },
    configurationFault,
    sceneFault,
    data: '/var/lib/atalaya',
  });
  const page = await serveUnit(unit);
  const { fingerprint } = await unit.identity();
  const call = ['enrol', page.address, '--unit', name, '--ca', at('ca'), '--fingerprint', fingerprint];
  const enrol = (...more: string[]) => provision([...call, ...more]);
  const begun = await enrol(...flags);
  const file = at(name, 'current', 'unit.yaml');
  return { enrol, begun, file, text: () => readFile(file, 'utf8'), close: () => page.close() };
}

test.serial('a broker alone is put into the configuration in force, and nothing else of it changes', async (t) => {
  const { enrol, begun, file, close } = await enrolled(
    'alone-1',
    ...['--config', at('first.yaml'), '--broker', 'mqtts://x.example:8883', '--site', 'North gate'],
  );
  t.teardown(close);
  t.is(begun.code, 0, begun.err);
  const before = await loadConfig(file);
  const said = await enrol('--broker', 'mqtts://localhost:18883');
  t.is(said.code, 0, said.err);
  const after = await loadConfig(file);
  t.deepEqual(after, { ...before, cloud: { ...before.cloud, broker: 'mqtts://localhost:18883' } });
  t.regex(said.out, /the broker changes from mqtts:\/\/x.example:8883 to mqtts:\/\/localhost:18883/);
  t.regex(said.out, /reboot alone-1 --reason "new configuration"/, 'no scene came');
});

test.serial('the roots of updates lie beside the configuration that names them, after a later grant too', async (t) => {
  const roots = ['image', 'director'].map((name) => ({ name, file: at(`${name}-1.root.json`) }));
  for (const { name, file } of roots) await writeFile(file, `{"signed":{"of":"${name}"}}`);
  const { enrol, begun, file, close } = await enrolled(
    'updates-1',
    ...['--config', at('first.yaml'), ...roots.flatMap((one) => ['--update-root', `${one.name}=${one.file}`])],
  );
  t.teardown(close);
  t.is(begun.code, 0, begun.err);
  const check = async () => {
    const { imageRoot = '', directorRoot = '' } = (await loadConfig(file)).updates;
    t.is(await readFile(imageRoot, 'utf8'), '{"signed":{"of":"image"}}');
    t.is(await readFile(directorRoot, 'utf8'), '{"signed":{"of":"director"}}');
  };
  await check();
  const later = await enrol('--broker', 'mqtts://localhost:18883');
  t.is(later.code, 0, later.err);
  await check();
});

test.serial(
  'a broker that was given by --broker outlives configurations; one that a configuration names is told when it changes',
  async (t) => {
    const { enrol, file, close } = await enrolled('outlives-1', '--broker', 'mqtts://x.example');
    t.teardown(close);
    const brokerNow = async () => (await loadConfig(file)).cloud.broker;
    const silent = await enrol('--config', at('first.yaml'));
    t.is(silent.code, 0, silent.err);
    t.is(await brokerNow(), 'mqtts://x.example');
    t.notRegex(silent.out, /the broker/);
    await writeFile(at('other.yaml'), `${first}cloud: { broker: 'mqtts://y.example' }\n`);
    const unheard = await enrol('--config', at('other.yaml'));
    t.is(await brokerNow(), 'mqtts://x.example');
    t.regex(
      unheard.out,
      /the broker stays mqtts:\/\/x.example, which --broker gave\n.*names mqtts:\/\/y.example, which/,
    );

    const configured = await enrolled('outlives-2', '--config', at('other.yaml'));
    t.teardown(configured.close);
    const now = async () => (await loadConfig(configured.file)).cloud.broker;
    await configured.enrol('--config', at('first.yaml'));
    t.is(await now(), 'mqtts://y.example', 'a unit does not lose its broker by a configuration that names none');
    await writeFile(at('third.yaml'), `${first}cloud: { broker: 'mqtts://z.example' }\n`);
    const changed = await configured.enrol('--config', at('third.yaml'));
    t.is(await now(), 'mqtts://z.example');
    t.regex(changed.out, /the broker changes from mqtts:\/\/y.example to mqtts:\/\/z.example/);
  },
);

test.serial('a grant that takes away what a unit starts with is refused, and nothing changes', async (t) => {
  const { enrol, file, text, close } = await enrolled('lost-1', '--config', at('first.yaml'));
  t.teardown(close);
  await writeFile(at('partial.yaml'), 'log: { level: info }\n');
  const before = await text();
  const said = await enrol('--config', at('partial.yaml'));
  t.is(said.code, 1);
  t.regex(said.err, /the unit refuses: .*`source` would be gone, which the one in force has.*--config/);
  t.is(await text(), before);
  t.is((await loadConfig(file)).source.path, '/opt/street.mjpeg');

  const byHand = await enrolled('lost-2');
  t.teardown(byHand.close);
  await writeFile(byHand.file, `${await byHand.text()}source: { path: /opt/street.mjpeg }\n`);
  t.regex((await byHand.enrol('--site', 'South gate')).err, /`source` would be gone/, 'written by hand at the unit');
});

test.serial('the wrong key beside a trust document is named first', async (t) => {
  const [root, person] = [makePersonKey(), makePersonKey()];
  const now = systemClock.utc();
  const draft = withPerson(emptyTrust(now), { name: 'Ana', role: 'supervisor', publicKey: person.publicPem });
  await writeFile(at('trust.json'), JSON.stringify(await signTrust(draft, { now }, signerOf(root.privatePem))));
  await writeFile(at('ana.public.pem'), person.publicPem);
  const { enrol, close } = await enrolled('people-1');
  t.teardown(close);
  const said = await enrol('--trust', at('trust.json'), '--root-key', at('ana.public.pem'));
  t.is(said.code, 2);
  t.regex(
    said.err,
    /^document-refused: --root-key .*ana.public.pem may be another one's: .*\n {2}Give root.public.pem/m,
  );
});
