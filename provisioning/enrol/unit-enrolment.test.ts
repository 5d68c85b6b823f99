import { createPrivateKey, createPublicKey, verify, X509Certificate } from 'node:crypto';
import test from 'ava';
import { parse } from 'yaml';
import { makePersonKey, signerOf } from '../../cloud-bridge/contract/person-key.ts';
import { emptyTrust, signTrust, withPerson } from '../../cloud-bridge/fleet/trust-draft.ts';
import { canonicalJson } from '../../device/kernel/canonical-json.ts';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { utcMilliseconds } from '../../device/kernel/units.ts';
import { signWithAuthority } from '../ca/authority-key.ts';
import type { GrantRefusal } from '../contract/enrolment.ts';
import type { Grant } from '../contract/enrolment-documents.ts';
import { enrolmentAnswers, enrolmentRefusal } from '../contract/enrolment-routes.ts';
import { LinkingFiles } from '../testing/linking-files.ts';
import { day, madeAuthority, testTools } from '../testing/made-authority.ts';
import { grantFor, madeUnit, unitFolder } from '../testing/made-unit.ts';
import { checkRenewal } from './check-renewal.ts';
import { handleEnrolment } from './handle-enrolment.ts';
import { signWithKey } from './key-signature.ts';
import { renewalDue } from './renewal.ts';
import { claimWindow } from './unit-enrolment.ts';

const now = Date.now();
const authorityInMemory = (name = 'A fleet') =>
  madeAuthority('/ca', testTools(new ManualClock(now), new LinkingFiles()), name);
const textOf = (grant: unknown) => `${JSON.stringify(grant)}\n`;

async function people() {
  const [root, person] = [makePersonKey(), makePersonKey()];
  const draft = withPerson(emptyTrust(utcMilliseconds(now)), {
    name: 'Ana',
    role: 'supervisor',
    publicKey: person.publicPem,
  });
  const trust = await signTrust(draft, { now: utcMilliseconds(now) }, signerOf(root.privatePem));
  return { trust: JSON.stringify(trust), rootKey: root.publicPem };
}

test('a unit makes its key once, shows it, and takes everything that a grant gives it', async (t) => {
  const files = new LinkingFiles();
  const unit = madeUnit(files);
  const identity = await unit.identity();
  t.like(identity, { serial: '10000000ABCDEF01', serialFrom: 'device-tree', keptIn: 'file' });
  t.is((await madeUnit(files).identity()).fingerprint, identity.fingerprint, 'after a start too');
  const authority = await authorityInMemory();
  const given = await people();
  const parts = {
    site: 'North gate',
    people: given,
    recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
    witnesses: ['witness+1a2b3c4d+AfGhIjKlMnOp'],
    configuration: { cloud: { broker: 'mqtts://b.example' }, log: { level: 'debug' } },
    updateRoots: { image: '{"signed":{}}' },
  };
  const grant = await grantFor(authority, (await unit.request()).csr, { parts });
  const outcome = await unit.install(textOf(grant));
  t.like(outcome, { kind: 'installed', enrolled: { unit: 'north-1', authority: authority.rootFingerprint } });
  t.deepEqual(await unit.install(textOf(grant)), outcome, 'whoever lost the answer sends it again');
  const read = async (name: string) => (await readWholeFile(files, `${unitFolder}/current/${name}`))?.toString() ?? '';
  t.deepEqual(parse(await read('unit.yaml')), {
    cloud: {
      broker: 'mqtts://b.example',
      ca: 'ca.pem',
      cert: 'unit.pem',
      key: 'unit.key',
      trust: 'trust.json',
      rootKey: 'root.public.pem',
    },
    log: { level: 'debug' },
    scene: 'scene.yaml',
    unit: { id: 'north-1', site: 'North gate' },
    evidence: { data: '/var/lib/atalaya', authority: parts.recipients, witnesses: parts.witnesses },
  });
  t.is(await read('trust.json'), given.trust);
  t.is(await read('root.public.pem'), given.rootKey);
  t.is(await read('authority.age'), `${parts.recipients[0]}\n`);
  t.is(await read('update-root-image.json'), parts.updateRoots.image);
  const certificate = new X509Certificate(await read('unit.pem'));
  t.is(certificate.publicKey.export({ format: 'der', type: 'spki' }).length, 91);
  t.true(certificate.checkPrivateKey(createPrivateKey(await read('unit.key'))));
  const again = madeUnit(files);
  t.is((await again.identity()).fingerprint, identity.fingerprint);
  t.like((await again.identity()).enrolled, { unit: 'north-1', version: grant.version });
});

test('every grant that is not for this unit is refused with a reason, and nothing changes', async (t) => {
  const authority = await authorityInMemory();
  const other = await authorityInMemory('Another fleet');
  const unit = madeUnit();
  const { csr } = await unit.request();
  const good = await grantFor(authority, csr);
  const key = await authority.unlock(undefined);
  const resigned = ({ signature: _, ...body }: Grant, change: Partial<Grant>) =>
    signWithKey({ ...body, ...change }, { fingerprint: key.fingerprint, sign: (text) => signWithAuthority(key, text) });
  const refusals: readonly (readonly [GrantRefusal, unknown])[] = [
    ['malformed', 'no JSON'],
    ['malformed', { ...good, schema: 'atalaya/grant/2' }],
    ['malformed', { ...good, extra: 1 }],
    ['not-signed', { ...good, site: 'Elsewhere' }],
    ['not-signed', { ...good, version: good.version + 1 }],
    ['not-signed', { ...good, signature: { ...good.signature, key: 'a'.repeat(64) } }],
    ['untrusted', resigned(good, { authorities: other.authoritiesPem() })],
    ['untrusted', resigned(good, { certificate: authority.current.pem })],
    ['untrusted', resigned(good, { unit: 'south-9' })],
    ['other-key', await grantFor(authority, await madeUnit().signingRequest(), { unit: 'south-1' })],
    ['configuration-invalid', resigned(good, { people: { ...(await people()), rootKey: (await people()).rootKey } })],
  ];
  for (const [reason, grant] of refusals) {
    const outcome = await unit.install(typeof grant === 'string' ? grant : textOf(grant));
    t.like(outcome, { kind: 'refused', reason }, JSON.stringify(outcome));
    t.is((await unit.identity()).enrolled, undefined);
  }
  const late = madeUnit(new LinkingFiles(), { clock: new ManualClock(now + 400 * day) });
  const lateGrant = await grantFor(authority, (await late.request()).csr, { unit: 'late-1' });
  t.like(await late.install(textOf(lateGrant)), { kind: 'refused', reason: 'expired' });
  const unfit = madeUnit(new LinkingFiles(), { configurationFault: () => 'unit.id is missing' });
  const unfitGrant = await grantFor(authority, (await unfit.request()).csr, { unit: 'unfit-1' });
  t.like(await unfit.install(textOf(unfitGrant)), { kind: 'refused', reason: 'configuration-invalid' });

  t.like(await unit.install(textOf(good)), { kind: 'installed' });
  t.like(await unit.install(textOf(resigned(good, { site: 'x' }))), { kind: 'refused', reason: 'older' });
  const stranger = await grantFor(other, csr, { enrolled: (await unit.identity()).enrolled as never });
  t.like(await unit.install(textOf(stranger)), { kind: 'refused', reason: 'untrusted' }, 'the first authority stays');
  t.like(await unit.install(textOf(resigned(good, { version: 99, site: 'Yard' }))), { kind: 'installed' });
});

test('a first grant needs somebody at the unit; later ones need the authority', async (t) => {
  const clock = new ManualClock(now);
  const claim = claimWindow(clock, 30);
  const authority = await authorityInMemory();
  const unit = madeUnit(new LinkingFiles(), { clock, claim });
  const grant = await grantFor(authority, await unit.signingRequest());
  await clock.advance(30 * 60_000);
  t.is(claim.left(), 0);
  t.like(await unit.install(textOf(grant)), { kind: 'refused', reason: 'closed' });
  const open = madeUnit(new LinkingFiles(), { claim: claimWindow(new ManualClock(now), 30) });
  t.like(await open.install(textOf(await grantFor(authority, await open.signingRequest(), { unit: 'south-1' }))), {
    kind: 'installed',
  });
});

test('the root key over the people is pinned by the first grant, and their document does not go back', async (t) => {
  const authority = await authorityInMemory();
  const unit = madeUnit();
  const [root, person] = [makePersonKey(), makePersonKey()];
  const at = { now: utcMilliseconds(now) };
  const who = { name: 'Ana', role: 'supervisor', publicKey: person.publicPem } as const;
  const first = await signTrust(withPerson(emptyTrust(at.now), who), at, signerOf(root.privatePem));
  const second = await signTrust(first, at, signerOf(root.privatePem));
  const give = async (trust: string, rootKey: string) => {
    const { enrolled } = await unit.identity();
    const order = { parts: { people: { trust, rootKey } }, ...(enrolled === undefined ? {} : { enrolled }) };
    return unit.install(textOf(await grantFor(authority, await unit.signingRequest(), order)));
  };
  t.like(await give(JSON.stringify(second), root.publicPem), { kind: 'installed' });
  const other = await people();
  t.like(await give(other.trust, other.rootKey), { kind: 'refused', reason: 'untrusted' });
  t.like(await give(JSON.stringify(first), root.publicPem), { kind: 'refused', reason: 'configuration-invalid' });
  t.like(await give(JSON.stringify(second), root.publicPem), { kind: 'installed' });
});

test('a certificate is renewed under a new key, which the one in force answers for; what people changed in the configuration stays', async (t) => {
  const files = new LinkingFiles();
  const clock = new ManualClock(now);
  const authority = await madeAuthority('/ca', testTools(clock, new LinkingFiles()));
  const unit = madeUnit(files, { clock });
  await t.throwsAsync(unit.renewalRequest(), { message: /not enrolled yet/ });
  await unit.install(textOf(await grantFor(authority, await unit.signingRequest(), { parts: { site: 'North gate' } })));
  const before = (await unit.identity()).fingerprint;
  t.like(await unit.renewal(), { kind: 'not-due' });
  clock.setUtc(now + 300 * day);
  t.like(await unit.renewal(), { kind: 'due' });
  const asked = await unit.renewalRequest();
  t.deepEqual((await unit.renewalRequest()).signature.key, before, 'asked twice: the same new key');
  const text = JSON.stringify(asked);
  const { register } = authority;
  t.is(checkRenewal(text, register, authority.now).unit, 'north-1');
  for (const [change, why] of [
    [{ unit: 'south-1' }, /its certificate is/],
    [{ issued: new Date(now).toISOString() }, /not signed by the key/],
    [{ enrolled: { ...asked.enrolled, certificate: 'abcd' } }, /did not issue/],
    [{ csr: await madeUnit().signingRequest() }, /not signed by the key/],
    [{ more: 1 }, /malformed/],
  ] as const) {
    t.regex(
      (await fault((async () => checkRenewal(JSON.stringify({ ...asked, ...change }), register, authority.now))()))
        .message,
      why,
    );
  }
  const grant = await grantFor(authority, asked.csr, { enrolled: asked.enrolled, renews: true });
  t.like(await unit.install(textOf(grant)), { kind: 'installed' });
  const identity = await unit.identity();
  t.not(identity.fingerprint, before);
  t.is(identity.enrolled?.certificate, new X509Certificate(grant.certificate).serialNumber.toLowerCase());
  t.regex((await readWholeFile(files, `${unitFolder}/current/unit.yaml`))?.toString() ?? '', /North gate/);
  t.deepEqual(await files.list(unitFolder), ['current', 'generations'], 'no key is left lying about');
  await unit.install(
    textOf(
      await grantFor(authority, (await unit.renewalRequest()).csr, {
        enrolled: identity.enrolled as never,
        renews: true,
      }),
    ),
  );
  t.is((await files.list(`${unitFolder}/generations`)).length, 2, 'the one before is kept, older ones are not');
  clock.setUtc(now + 4000 * day);
  t.like(await unit.renewal(), { kind: 'expired' });
  t.regex((await fault((async () => checkRenewal(text, register, authority.now))())).message, /expired at/);
});

test('two thirds of the life', (t) => {
  const life = { from: utcMilliseconds(0), until: utcMilliseconds(900) };
  t.deepEqual(renewalDue(life, utcMilliseconds(599)), { kind: 'not-due', due: utcMilliseconds(600) });
  t.deepEqual(renewalDue(life, utcMilliseconds(600)), { kind: 'due', left: 300 as never });
  t.deepEqual(renewalDue(life, utcMilliseconds(900)), { kind: 'expired', since: utcMilliseconds(900) });
});

test('over HTTP: answers and refusals are those of the contract', async (t) => {
  const unit = madeUnit();
  const call = (method: string, path: string, body = '') =>
    handleEnrolment(unit, { method, path, body: Buffer.from(body) });
  const identity = await call('GET', '/enrol/identity');
  t.is(identity.status, 200);
  const { fingerprint } = enrolmentAnswers.identity.parse(JSON.parse(identity.body));
  const request = enrolmentAnswers.request.parse(JSON.parse((await call('GET', '/enrol/request')).body));
  t.is(request.identity.fingerprint, fingerprint);
  const authority = await authorityInMemory();
  const grant = await grantFor(authority, request.csr);
  t.deepEqual([(await call('GET', '/enrol')).status, (await call('POST', '/enrol/grant')).status], [404, 405]);
  for (const [body, status] of [
    ['x', 400],
    [textOf({ ...grant, site: 'x' }), 403],
    ['x'.repeat(3 * 1024 * 1024), 413],
  ] as const) {
    const answer = await call('PUT', '/enrol/grant', body);
    t.is(answer.status, status);
    t.true(enrolmentRefusal.safeParse(JSON.parse(answer.body)).success);
  }
  const good = await call('PUT', '/enrol/grant', textOf(grant));
  t.is(good.status, 200);
  t.is(enrolmentAnswers.grant.parse(JSON.parse(good.body)).enrolled.unit, 'north-1');
});

test('an evidence key in a TPM is told, and the configuration names it', async (t) => {
  const files = new LinkingFiles();
  const facts = { keptIn: 'tpm', algorithm: 'p256', fingerprint: 'ab'.repeat(32) } as const;
  const unit = madeUnit(files, { signing: async () => ({ facts, settings: { tpmHandle: '0x81010001' } }) });
  t.deepEqual((await unit.identity()).signing, facts);
  t.is((await unit.identity()).keptIn, 'file', 'the key of the certificate is another one');
  await unit.install(textOf(await grantFor(await authorityInMemory(), await unit.signingRequest())));
  const settings = parse((await readWholeFile(files, `${unitFolder}/current/unit.yaml`))?.toString() ?? '');
  t.deepEqual(settings.evidence.signing, { tpmHandle: '0x81010001' });
});

test('the signature of a grant is plain ECDSA, which openssl could check too', async (t) => {
  const authority = await authorityInMemory();
  const { signature, ...body } = await grantFor(authority, await madeUnit().signingRequest());
  const key = createPublicKey(
    new X509Certificate(authority.current.pem).publicKey.export({ format: 'pem', type: 'spki' }),
  );
  t.true(verify('sha256', Buffer.from(canonicalJson(body)), key, Buffer.from(signature.value, 'base64')));
});
