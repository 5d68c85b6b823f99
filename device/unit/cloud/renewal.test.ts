import { randomUUID, X509Certificate } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bridgeConfigSchema, locateBridgeConfig } from '../../../cloud-bridge/cli/bridge/bridge-config.ts';
import { runBridge } from '../../../cloud-bridge/cli/bridge/compose-bridge.ts';
import { runFleet } from '../../../cloud-bridge/cli/fleet/program.ts';
import { topicOf } from '../../../cloud-bridge/contract/address.ts';
import type { CertificateReport } from '../../../cloud-bridge/contract/certificate.ts';
import { openMqttLink } from '../../../cloud-bridge/link/mqtt-link.ts';
import type { Pki } from '../../../cloud-bridge/testing/make-pki.ts';
import { startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import type { CommandExecutors } from '../../../cloud-bridge/unit-end/commands/command-types.ts';
import { renewIntermediate } from '../../../provisioning/ca/renew-intermediate.ts';
import { publishList } from '../../../provisioning/ca/revocation.ts';
import type { EnrolledState } from '../../../provisioning/contract/enrolment-documents.ts';
import { UnitEnrolment } from '../../../provisioning/enrol/unit-enrolment.ts';
import { secretFolders } from '../../../provisioning/identity/folder-files.ts';
import { day, madeAuthority, noLock, signed, testTools } from '../../../provisioning/testing/made-authority.ts';
import { grantFor } from '../../../provisioning/testing/made-unit.ts';
import { provision } from '../../../provisioning/testing/program-call.ts';
import { loadConfig } from '../../config/load-config.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { onDisk } from '../../evidence/testing/stores.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log/log.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { scratchFolder } from '../../kernel/testing/scratch-folder.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds, seconds } from '../../kernel/units.ts';
import { until } from '../../testing/until.ts';
import { openCloud } from './unit-cloud.ts';

/** A fleet whose authority was begun 20 days ago, with a broker, a bridge and a unit that have their certificates from it. */
async function fleetOf(t: ExecutionContext) {
  const folder = scratchFolder(t);
  const at = (...names: string[]) => join(folder, ...names);
  const authority = await madeAuthority(at('ca'), testTools(new ManualClock(Date.now() - 20 * day)));
  for (const [name, kind] of [
    ['localhost', 'broker'],
    ['bridge-1', 'bridge'],
  ] as const) {
    const hosts = kind === 'broker' ? ['127.0.0.1'] : [];
    const holder = await signed(authority, name, { kind, hosts });
    await writeFile(at(`${name}.pem`), holder.signed.chain);
    await writeFile(at(`${name}.key`), holder.key.pem, { mode: 0o600 });
  }
  await publishList(authority, 50, undefined);
  /** As a person carries the files to the broker. */
  const carry = async () => {
    await copyFile(at('ca', 'ca.pem'), at('ca.pem'));
    await copyFile(at('ca', 'crl.pem'), at('crl.pem'));
  };
  await carry();
  const server = { cert: at('localhost.pem'), key: at('localhost.key') };
  const broker = await startMosquitto({
    pki: { ca: at('ca.pem'), crl: at('crl.pem'), server } as Pki,
    bridges: ['bridge-1'],
  });
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return undefined;
  }
  t.teardown(() => broker.stop());
  // Until in five days: two thirds of its life are over.
  const unit = new UnitEnrolment({
    folder: at('identity'),
    files: secretFolders,
    clock: systemClock,
    serial: async () => ({ serial: '10000000abcdef01', from: 'device-tree' }),
    claim: { isOpen: () => true },
    data: at('data'),
    lock: noLock,
  });
  const parts = { configuration: { cloud: { broker: broker.url } } };
  const grant = await grantFor(authority, await unit.signingRequest(), { parts, days: 25 });
  t.like(await unit.install(JSON.stringify(grant)), { kind: 'installed' });
  t.teardown(() => authority.close());
  return { folder, at, broker, carry, authority, unit };
}

/** The centre at work, and how people call it. */
async function centreOf(t: ExecutionContext, { at, folder, broker }: NonNullable<Awaited<ReturnType<typeof fleetOf>>>) {
  const call = async (line: string) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await runFleet(line.split(' '), {
      out: { write: (text) => void out.push(text), terminal: false, columns: 200 },
      err: { write: (text) => void err.push(text), terminal: false, columns: 200 },
      ask: undefined,
      edit: async () => false,
      environment: { ATALAYA_BRIDGE: `unix:${at('bridge', 'api.sock')}`, ATALAYA_KEY: at('ana.pem') },
      clock: systemClock,
      timer: systemTimer,
      newId: randomUUID,
      signal: new AbortController().signal,
    });
    return { code, out: out.join(''), err: err.join('') };
  };
  const done = async (line: string) => {
    const { code, out, err } = await call(line);
    t.is(code, 0, `${line}\n${out}${err}`);
    return out;
  };
  await done(`new-root --out ${at('root.pem')}`);
  await done(`new-key --out ${at('ana.pem')} --name Ana --role supervisor --file ${at('trust.json')}`);
  await done(`trust sign --file ${at('trust.json')} --root ${at('root.pem')}`);
  const config = locateBridgeConfig(
    bridgeConfigSchema.parse({
      data: 'bridge',
      broker: { url: broker.url, ca: 'ca.pem', cert: 'bridge-1.pem', key: 'bridge-1.key' },
      trust: { rootKey: 'root.public.pem', document: 'trust.json' },
      ops: null,
    }),
    folder,
  );
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const running = runBridge(config, {
    clock: systemClock,
    signal: stop.signal,
    log: silentLog,
    onReady: () => ready.resolve(),
  });
  await Promise.race([ready.promise, running]);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  return { call, done };
}

/** What a unit that was enrolled has to do with its centre. */
async function unitOf(t: ExecutionContext, at: (...names: string[]) => string) {
  const config = await loadConfig(at('identity', 'current', 'unit.yaml'));
  const store = await EvidenceStore.open(at('data', 'evidence'), onDisk({ clock: systemClock, unit: 'north-1' }));
  const [said, notices]: [string[], AtalayaError[]] = [[], []];
  const cloud = await openCloud({
    config,
    live: () => config,
    store,
    clock: systemClock,
    log: silentLog,
    people: () => undefined,
    state: () => ({ boot: 'boot-1', software: '1', health: 'good', problems: [] }),
    executors: () => ({}) as CommandExecutors,
    desired: async () => {},
    notice: (fault) => notices.push(fault),
    tell: (sentence) => said.push(sentence),
  });
  const end = async () => {
    await cloud.close();
    await store.close();
  };
  t.teardown(end);
  return { cloud, said, notices, end };
}

test('a unit asks, is granted its next certificate from afar and connects with it; one that is revoked is refused and says what to do', async (t) => {
  const fleet = await fleetOf(t);
  if (fleet === undefined) return;
  const { at, broker, carry, authority } = fleet;
  // The folder is the program's from now on.
  await authority.close();
  const { done, call } = await centreOf(t, fleet);
  const { cloud, said, notices } = await unitOf(t, at);
  const serialOf = async () =>
    new X509Certificate(await readFile(at('identity', 'current', 'unit.pem'))).serialNumber.toLowerCase();
  const old = await serialOf();
  const listed = async () => JSON.parse(await done('certificates list --json')).renewals[0];
  await until('the request is at the centre', async () => (await listed())?.report.request !== undefined);
  t.like((await listed()).report, { age: 'due', session: old });
  t.regex(await done('certificates list'), /north-1 .*asked for since/);
  t.true(cloud.view.renewal?.isAsked);

  const signing = ['--ca', at('ca')];
  await done(`certificates requests --out ${at('requests')}`);
  const made = await provision(['ca', 'sign', at('requests'), '--renew', '--out', at('grants'), ...signing]);
  t.is(made.code, 0, made.err);
  t.regex(await done(`certificates deliver ${at('grants')} --wait 15`), /north-1: installed/);
  const serial = await serialOf();
  t.not(serial, old);
  await until('the session is one with the new certificate', async () => (await listed()).report.session === serial);
  t.like((await listed()).report, { age: 'not-due', enrolled: { certificate: serial } });
  t.regex(await done('certificates list'), /north-1 .*due 20/);
  t.true(said.includes('certificate: the next one is in force'), said.join('\n'));
  t.regex(await done('acts'), /grant \d+ of a certificate for north-1/);
  t.regex((await call(`certificates deliver ${at('grants')}`)).out, /delivered/, 'the very same is no new one');
  t.is((await call(`certificates requests --out ${at('requests-2')}`)).out, 'No unit asks for a certificate.\n');

  const revoke = async (which: string) => {
    for (const args of [['revoke', which, '--reason', 'superseded', '--confirm', 'north-1'], ['crl']]) {
      const { code, err } = await provision(['ca', ...args, ...signing]);
      t.is(code, 0, err);
    }
    await carry();
    await broker.restart();
  };
  await revoke(old);
  await until('it comes in with the new one alone', () => cloud.view.reconnects === 2);
  t.is((await listed()).report.session, serial);

  await revoke('north-1');
  await until('it is refused', () => /revoked/.test(cloud.view.offlineWhy ?? ''));
  t.regex(
    cloud.view.offlineWhy ?? '',
    /^the broker says that our certificate is revoked: .*somebody goes to the unit and enrols it again \(atalaya-provision enrol\)/,
  );
  t.true(
    said.some((one) => /the broker is not reached, .*revoked: .*atalaya-provision enrol/.test(one)),
    said.join('\n'),
  );
  await t.notThrowsAsync(cloud.close());
  t.deepEqual(notices, []);
});

test('where the broker does not take the new certificate the unit comes with the one before, says so, and tries again', async (t) => {
  const fleet = await fleetOf(t);
  if (fleet === undefined) return;
  const { at, broker, carry, authority, unit } = fleet;
  const told: CertificateReport[] = [];
  const read = async (name: string) => readFile(at(name));
  const centre = openMqttLink(
    {
      ...{ url: broker.url, clientId: 'bridge-1', protocol: '5', keepAlive: seconds(30), sessionExpiry: seconds(0) },
      ...{ ca: await read('ca.pem'), cert: await read('bridge-1.pem'), key: await read('bridge-1.key') },
      backoff: { first: milliseconds(50), most: milliseconds(500) },
      connectDeadline: milliseconds(5000),
      ...{ clock: systemClock, timer: systemTimer, random: Math.random },
    },
    {
      online: () => {},
      offline: () => {},
      arrived: ({ payload }) => void told.push(JSON.parse(payload.toString())),
    },
  );
  t.teardown(() => centre.close());
  await centre.subscribe([topicOf('certificate', 'north-1', {})]);
  const first = await unitOf(t, at);
  await until('the unit asks', () => told.at(-1)?.request !== undefined);
  const old = told.at(-1)?.enrolled.certificate;

  // Signed by a new authority, of which the broker has neither certificate nor list.
  const [rootKey, none] = [at('ca', 'root', 'root.key'), undefined];
  await renewIntermediate(authority, { rootKey, rootPassphrase: none, passphrase: none, days: 1825, retire: false });
  const { enrolled, csr = '' } = { enrolled: told.at(-1)?.enrolled, csr: told.at(-1)?.request?.csr };
  const grant = await grantFor(authority, csr, { enrolled: enrolled as EnrolledState, renews: true, days: 60 });
  const topic = topicOf('certificateGrant', 'north-1', {});
  await centre.publish(topic, JSON.stringify({ ...grant, version: 1 }), { qos: 1, retain: true });
  await until('what was altered is refused', () => told.at(-1)?.answer?.reason === 'not-signed');
  t.is(told.at(-1)?.enrolled.certificate, old);
  await centre.publish(topic, JSON.stringify(grant), { qos: 1, retain: true });
  await until('the unit is back', () => told.at(-1)?.problem !== undefined);
  const serial = (await unit.certificate())?.enrolled.certificate;
  t.like(told.at(-1), { session: old, enrolled: { certificate: serial }, answer: { outcome: 'installed' } });
  t.regex(
    told.at(-1)?.problem ?? '',
    /does not take the certificate in force, and the one before it is used: the broker/,
  );
  t.regex(first.cloud.view.renewal?.problem ?? '', /does not take/);
  await first.end();

  // A start is one more try; the broker knows by then.
  await publishList(authority, 50, undefined);
  await carry();
  await broker.restart();
  const second = await unitOf(t, at);
  await until('the new one is in use', () => told.at(-1)?.session === serial);
  t.is(told.at(-1)?.problem, undefined);
  t.is(second.cloud.view.renewal?.problem, undefined);
  t.deepEqual(JSON.parse(await readFile(at('data', 'outbox', 'certificate.json'), 'utf8')), { proven: serial });
  t.deepEqual([...first.notices, ...second.notices], []);
});
