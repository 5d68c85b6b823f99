import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { LinkingFiles } from '../../../provisioning/testing/linking-files.ts';
import { day, madeAuthority, testTools } from '../../../provisioning/testing/made-authority.ts';
import { type GrantOrder, grantFor, madeUnit } from '../../../provisioning/testing/made-unit.ts';
import type { CertificateReport, RenewalGrant } from '../../contract/certificate.ts';
import { ArchiveContent, MemoryArchive } from '../archive/testing/memory-archive.ts';
import type { Refusals } from '../bridge/refusals.ts';
import { BridgeTrial, pause, until } from '../bridge/testing/bridge-trial.ts';
import { CertificateKeeper } from './certificate-keeper.ts';

const malformed = ({ refusals }: { readonly refusals: Refusals }) =>
  Object.entries(refusals.of('north-1')).find(([reason]) => reason === 'malformed')?.[1];

/** A centre, a unit at its broker that asks for a certificate, and the authority that would sign it. */
async function place(t: ExecutionContext) {
  const trial = new BridgeTrial();
  t.teardown(() => trial.end());
  const authority = await madeAuthority('/ca', testTools(new ManualClock(Date.now() - 300 * day), new LinkingFiles()));
  const unit = madeUnit(new LinkingFiles());
  const first = await unit.install(JSON.stringify(await grantFor(authority, await unit.signingRequest())));
  if (first.kind !== 'installed') throw new Error(first.detail);
  const { enrolled } = first;
  const request = await unit.renewalRequest();
  const report = (more: Partial<CertificateReport> = {}): CertificateReport => ({
    at: new Date().toISOString(),
    enrolled,
    from: '2026-01-01T00:00:00.000Z',
    due: '2026-09-01T00:00:00.000Z',
    age: 'due',
    request,
    ...more,
  });
  const grant = async (more: GrantOrder = {}): Promise<RenewalGrant> =>
    (await grantFor(authority, request.csr, { enrolled, renews: true, ...more })) as RenewalGrant;
  return { trial, authority, enrolled, report, grant, request };
}

test('a request is kept and shown, and a grant is retained for its unit until that has answered', async (t) => {
  const { trial, report, grant, request } = await place(t);
  const { bridge, stop } = await trial.bridge();
  const speaking = await trial.unit('north-1');
  await speaking.say('certificate', {}, report());
  await until('the request is kept', async () => (await bridge.certificates.list()).length === 1);
  t.deepEqual((await bridge.certificates.list())[0]?.report.request, request);
  await stop();

  const again = await trial.bridge();
  const given = await grant();
  const delivered = await again.bridge.certificates.deliver('north-1', given, 'Ana');
  t.is(delivered.kind, 'delivered');
  await until('the unit has it', () => speaking.grants.length === 1);
  t.deepEqual(speaking.grants[0], given);
  await speaking.close();
  const late = await trial.stranger('north-1');
  await until('it is retained', () => late.grants.length === 1);
  const sha256 = (await again.bridge.certificates.list())[0]?.grant?.sha256 ?? '';
  const answer = {
    sha256,
    at: new Date().toISOString(),
    outcome: 'refused',
    reason: 'expired',
    detail: 'the clock',
  } as const;
  await late.say('certificate', {}, report({ answer }));
  await until(
    'the answer is kept',
    async () => (await again.bridge.certificates.list())[0]?.grant?.answer !== undefined,
  );
  t.like((await again.bridge.certificates.list())[0]?.grant, { by: 'Ana', answer });
  await until('it is emptied', () => late.emptied === 1);
  await late.close();
  const last = await trial.stranger('north-1');
  await pause(50);
  t.deepEqual(last.grants, [], 'nothing is retained any more');

  const same = await again.bridge.certificates.deliver('north-1', given, 'Ana');
  t.regex(same.kind === 'refused' ? same.reason : '', /refused this very grant/);
  const anew = { ...given, issued: new Date().toISOString() };
  t.is((await again.bridge.certificates.deliver('north-1', anew, 'Ben')).kind, 'delivered');
  await until('another one is given', () => last.grants.length === 1);
  await last.say(
    'certificate',
    {},
    report({ enrolled: { ...report().enrolled, version: given.version }, age: 'not-due' }),
  );
  await until('what is in force is an answer too', async () => {
    return (await again.bridge.certificates.list())[0]?.grant?.answer?.outcome === 'installed';
  });
});

test('a grant that no broker could be given waits for one; a broker that has forgotten is given it again', async (t) => {
  const { trial, report, grant } = await place(t);
  const { bridge, stop } = await trial.bridge();
  const speaking = await trial.unit('north-1');
  await speaking.say('certificate', {}, report());
  await until('the request is kept', async () => (await bridge.certificates.list()).length === 1);
  trial.broker.stop();
  await until('the broker is gone', () => !bridge.online);
  const delivered = await bridge.certificates.deliver('north-1', await grant(), 'Ana');
  t.like(delivered, { kind: 'delivered', relayed: undefined });
  await stop();
  trial.broker.start();
  const again = await trial.bridge();
  await until('it is given', () => speaking.grants.length > 0);
  t.truthy((await again.bridge.certificates.list())[0]?.grant?.relayed);
});

test('what the unit would refuse is refused here, with what to do; so is a report of another unit', async (t) => {
  const { trial, authority, report, grant, enrolled, request } = await place(t);
  const { bridge } = await trial.bridge();
  const deliver = async (given: RenewalGrant, unit = 'north-1') => {
    const outcome = await bridge.certificates.deliver(unit, given, 'Ana');
    return outcome.kind === 'refused' ? outcome.reason : 'delivered';
  };
  t.regex(await deliver(await grant()), /has said nothing of its certificate here.*install the grant at the unit/);
  const speaking = await trial.unit('north-1');
  await speaking.say('certificate', {}, report({ enrolled: { ...enrolled, unit: 'north-2' } }));
  await until('it is counted', () => malformed(bridge) === 1);
  await speaking.say('certificate', {}, report({ request: { ...request, unit: 'north-2' } }));
  await until('it is counted', () => malformed(bridge) === 2);
  t.deepEqual(await bridge.certificates.list(), []);
  await speaking.say('certificate', {}, report());
  await until('the request is kept', async () => (await bridge.certificates.list()).length === 1);

  const good = await grant();
  t.regex(await deliver(good, 'north-2'), /^the grant is for unit north-1$/);
  t.regex(await deliver({ ...good, version: enrolled.version }), /sign its newest request/);
  t.regex(await deliver({ ...good, certificate: authority.root }), /is not for north-1/);
  t.regex(
    await deliver({ ...good, certificate: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n' }),
    /cannot be read/,
  );
  t.regex(await deliver({ ...good, authorities: good.certificate }), /of another authority/);
  const past = await madeAuthority('/ca-2', testTools(new ManualClock(Date.now() - 30 * day), new LinkingFiles()));
  t.regex(await deliver((await grantFor(past, request.csr, { enrolled, days: 10 })) as RenewalGrant), /expired at/);
  t.deepEqual(speaking.grants, []);
  t.is(await deliver(good), 'delivered');
  t.is(await deliver(good), 'delivered', 'again');
});

test('of reports the newest stands, whichever way it comes; a clock that was wrong holds nothing up', async (t) => {
  const { trial, report, enrolled } = await place(t);
  const { bridge } = await trial.bridge();
  const take = async (more: Partial<CertificateReport>) => {
    await bridge.certificates.take('north-1', report(more));
    return (await bridge.certificates.list())[0]?.report.at;
  };
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const [early, now, later] = [at(-60_000), at(0), at(60_000)];
  t.is(await take({ at: now }), now);
  t.is(await take({ at: early }), now, 'one that comes late');
  t.is(await take({ at: later }), later);
  t.is(
    await take({ at: early, enrolled: { ...enrolled, version: enrolled.version + 1 } }),
    early,
    'a later grant is later',
  );
  const wrong = at(400 * day);
  t.is(await take({ at: wrong, enrolled: { ...enrolled, version: enrolled.version + 1 } }), wrong);
  t.is(await take({ at: now, enrolled: { ...enrolled, version: enrolled.version + 1 } }), now);
});

test('a unit that speaks and says nothing of its grant is given it again, now and then', async (t) => {
  const clock = new ManualClock(Date.now());
  const archive = new MemoryArchive(clock, new ArchiveContent());
  const published: string[] = [];
  const link = {
    state: { kind: 'offline', fault: undefined } as const,
    publish: async (topic: string) => void published.push(topic),
  };
  const keeper = new CertificateKeeper(archive, link, clock, silentLog);
  const { report, grant } = await place(t);
  await keeper.take('north-1', report());
  await keeper.deliver('north-1', await grant(), 'Ana');
  t.is(published.length, 1);
  for (let i = 0; i < 5; i += 1) await keeper.take('north-1', report({ session: `0${i}` }));
  t.is(published.length, 1);
  await clock.advance(milliseconds(600_000));
  for (let i = 0; i < 5; i += 1) await keeper.take('north-1', report());
  t.is(published.length, 2);
});
