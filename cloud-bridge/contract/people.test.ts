import { generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { publicKeyOf } from '../../device/kernel/signed/key-id.ts';
import { signDocument } from '../../device/kernel/signed/sign-document.ts';
import type { UnsignedDocument } from '../../device/kernel/signed/signed-document.ts';
import { verifyDocument } from '../../device/kernel/signed/verify-document.ts';
import { utcMilliseconds } from '../../device/kernel/units.ts';
import { authorise, longestTrust, openTrust, type TrustTime, whileValid } from './people.ts';
import { makePersonKey, signerOf } from './person-key.ts';
import { notAllowedWords, type Permission, permissions, roles } from './roles.ts';
import { issuedAt, makePerson, makeRoot, peopleOf, today, trustOf } from './testing/made-people.ts';

const root = makeRoot();
const ana = makePerson('Ana', 'operator');
const ben = makePerson('Ben', 'supervisor');
const body = trustOf([ana, ben], 7);

async function textOf(changed: object = {}, signer = root.signer): Promise<string> {
  return JSON.stringify(await signDocument({ ...body, ...changed } as UnsignedDocument, signer));
}

function refusal(text: string, at: TrustTime = today, accepted?: { version: number; sha256: string }): string {
  try {
    openTrust(text, root.publicKey, at, accepted);
  } catch (error) {
    if (error instanceof AtalayaError && error.code === 'document-refused') return error.message;
    throw error;
  }
  return 'taken';
}

const good = await textOf();
const at = (utc: number, reliable = true): TrustTime => ({ utc: utcMilliseconds(utc), reliable });
const later = (ms: number) => new Date(issuedAt + ms).toISOString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .publicKey.export({ format: 'pem', type: 'spki' })
  .toString();

test('a trust document that the root key signed says who may act', (t) => {
  const people = openTrust(good, root.publicKey, today);
  t.is(people.version, 7);
  t.regex(people.sha256, /^[0-9a-f]{64}$/);
  t.deepEqual(
    people.all.map(({ name, role, key }) => [name, role, key]),
    [
      ['Ana', 'operator', ana.signer.id],
      ['Ben', 'supervisor', ben.signer.id],
    ],
  );
  t.is(people.person(ben.signer.id)?.name, 'Ben');
  t.is(people.person('0'.repeat(64)), undefined);
  t.deepEqual([...people.keys.keys()], [ana.signer.id, ben.signer.id]);
});

test('a document that expires while a program runs is believed until then, and again where the clock was wrong', async (t) => {
  const opened = openTrust(await textOf({ expires: later(7_200_000) }), root.publicKey, today);
  t.is(Number(opened.expires), issuedAt + 7_200_000);
  let now = issuedAt + 7_199_999;
  const people = whileValid(opened, { utc: () => utcMilliseconds(now) });
  const signed = await signDocument({ schema: 'some/thing/1' }, ben.signer);
  const kind = () => authorise(signed, people, 'config.push').kind;
  t.is(kind(), 'allowed');
  t.is(people.person(ben.signer.id)?.name, 'Ben');
  now = issuedAt + 7_200_000;
  t.like(authorise(signed, people, 'config.push'), { kind: 'refused', reason: 'unknown-key' });
  t.is(people.person(ben.signer.id), undefined);
  now = issuedAt;
  t.is(kind(), 'allowed');
  const late = { ...at(issuedAt + 7_200_000), expired: 'taken' } as const;
  const expired = openTrust(await textOf({ expires: later(7_200_000) }), root.publicKey, late);
  t.like(authorise(signed, whileValid(expired, { utc: () => late.utc }), 'config.push'), { kind: 'refused' });
  const lasting = openTrust(good, root.publicKey, today);
  t.is(whileValid(lasting, { utc: () => utcMilliseconds(9e15) }), lasting);
});

test('the same document is taken again, however it is spelled; a newer one too', async (t) => {
  const { version, sha256 } = openTrust(good, root.publicKey, today);
  const spelled = JSON.stringify(JSON.parse(good), null, 2);
  t.is(openTrust(spelled, root.publicKey, today, { version, sha256 }).sha256, sha256);
  t.is(openTrust(await textOf({ version: 8 }), root.publicKey, today, { version, sha256 }).version, 8);
});

const altered = (from: string, to: string) => good.replace(from, to);
const { signature, ...unsigned } = JSON.parse(good) as { signature: { key: string; value: string } };
const accepted = { version: 7, sha256: openTrust(good, root.publicKey, today).sha256 };
const privatePem = makePersonKey().privatePem;

const table: readonly (readonly [
  what: string,
  text: string,
  words: RegExp,
  at?: TrustTime,
  accepted?: { version: number; sha256: string },
])[] = [
  ['nothing', '', /cannot be read: it is empty/],
  ['no JSON', '{', /cannot be read: it is no JSON/],
  ['a name twice', altered('"version":7', '"version":7,"version":7'), /cannot be read: a name stands twice/],
  ['too long', ' '.repeat(longestTrust + 1), /has 1048577 characters/],
  ['another kind of document', altered('atalaya/trust/1', 'atalaya/trust/2'), /is malformed: schema: /],
  ['an unknown role', altered('"operator"', '"king"'), /is malformed: people\[0\]\.role: /],
  ['an unknown field', altered('"version":7', '"version":7,"more":1'), /is malformed: more: is no field/],
  ['no signature', JSON.stringify(unsigned), /bears no signature/],
  [
    'half a signature',
    JSON.stringify({ ...unsigned, signature: { ...signature, value: 'AA==' } }),
    /is malformed: signature\.value: /,
  ],
  ['another root', await textOf({}, makeRoot().signer), /is not signed by the root key that is trusted here/],
  ['a person as root', await textOf({}, ben.signer), /is not signed by the root key/],
  ['another role', altered('"operator"', '"auditor"'), /was altered after the root key signed it/],
  ['another version', altered('"version":7', '"version":8'), /was altered/],
  ['a person less', JSON.stringify({ ...unsigned, people: body.people.slice(1), signature }), /was altered/],
  ['an expiry that has passed', await textOf({ expires: later(3_600_000) }), /expired at 2026-03-01T13:00:00.000Z/],
  [
    'an expiry that has passed by a clock that may be behind',
    await textOf({ expires: later(3_600_000) }),
    /expired/,
    at(issuedAt + 3_600_000, false),
  ],
  ['an expiry before the issue', await textOf({ expires: later(-1) }), /expires before it is issued/],
  ['an issue that is yet to come', good, /is issued at .* which is yet to come/, at(issuedAt - 400_000)],
  ['an older version', await textOf({ version: 6 }), /is of version 6, and version 7 was in use here/, today, accepted],
  [
    'the same version with another content',
    await textOf({ people: body.people.slice(1) }),
    /is of version 7, as the one that was in use here, and says something else/,
    today,
    accepted,
  ],
  [
    'one key twice',
    await textOf({ people: [...body.people, { ...body.people[0], name: 'Eve' }] }),
    /names one key twice: people\[2\]\.publicKey/,
  ],
  [
    'an RSA key',
    await textOf({ people: [{ ...body.people[0], publicKey: rsa }] }),
    /people\[0\]\.publicKey is of the kind rsa/,
  ],
  [
    'a private key',
    await textOf({ people: [{ ...body.people[0], publicKey: privatePem }] }),
    /people\[0\]\.publicKey is no public key in PEM/,
  ],
  [
    'no key',
    await textOf({ people: [{ ...body.people[0], publicKey: 'me' }] }),
    /people\[0\]\.publicKey is no public key/,
  ],
  [
    'a damaged key',
    await textOf({ people: [{ ...body.people[0], publicKey: '-----BEGIN PUBLIC KEY-----\nMCow' }] }),
    /people\[0\]\.publicKey is no public key that can be read/,
  ],
];

for (const [what, text, words, when, before] of table) {
  test(`refused: ${what}`, (t) => {
    const message = refusal(text, when, before);
    t.regex(message, words);
    t.regex(message, /^the trust document /);
    t.false(message.includes('PRIVATE KEY'));
  });
}

test('where the clock may be behind, what was issued since is taken', (t) => {
  t.is(refusal(good, at(0, false)), 'taken');
});

test('a trust document with any character changed is refused or says the same', (t) => {
  const seal = openTrust(good, root.publicKey, today).sha256;
  fc.assert(
    fc.property(
      fc.nat(good.length - 1),
      fc.string({ unit: 'binary', minLength: 0, maxLength: 2 }),
      (where, instead) => {
        const text = good.slice(0, where) + instead + good.slice(where + 1);
        try {
          return openTrust(text, root.publicKey, today).sha256 === seal;
        } catch (error) {
          return error instanceof AtalayaError && error.code === 'document-refused';
        }
      },
    ),
    { numRuns: 1500 },
  );
  t.pass();
});

test('each role may do what the table says, and nothing else', async (t) => {
  const staff = roles.map((role) => makePerson(role, role));
  const people = await peopleOf(staff);
  for (const { role, signer } of staff) {
    const document = await signDocument({ schema: 'x', n: 1 }, signer);
    for (const permission of Object.keys(permissions) as Permission[]) {
      const judged = authorise(document, people, permission);
      const may = (permissions[permission] as readonly string[]).includes(role);
      t.is(judged.kind, may ? 'allowed' : 'refused', `${role} ${permission}`);
      t.is(judged.person?.name, role);
      if (judged.kind === 'refused') t.is(judged.detail, notAllowedWords({ name: role, role }, permission));
    }
  }
});

test('a document of a stranger, an altered one, and one without a signature are nobody’s', async (t) => {
  const people = await peopleOf([ben]);
  const signed = await signDocument({ schema: 'x', n: 1 }, ben.signer);
  t.like(authorise(await signDocument({ schema: 'x', n: 1 }, ana.signer), people, 'fleet.read'), {
    reason: 'unknown-key',
  });
  t.like(authorise({ ...signed, n: 2 }, people, 'fleet.read'), { reason: 'altered' });
  t.like(authorise({ schema: 'x', n: 1 }, people, 'fleet.read'), { reason: 'not-signed' });
  t.like(authorise({ ...signed, signature: 'me' }, people, 'fleet.read'), { reason: 'signature-malformed' });
});

test('a key pair signs what its public half verifies, and other files are refused', async (t) => {
  const { privatePem: pem, publicPem, id } = makePersonKey();
  const signer = signerOf(pem);
  t.is(signer.id, id);
  const signed = await signDocument({ schema: 'x' }, signer);
  t.like(verifyDocument(signed, new Map([[id, publicKeyOf(publicPem, 'it')]])), { kind: 'signed', key: id });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();
  for (const [text, words] of [
    ['nothing', /no private key/],
    [publicPem, /no private key/],
    [ec, /of the kind ec/],
  ] as const) {
    const error = t.throws(() => signerOf(text), { instanceOf: AtalayaError });
    t.is(error?.code, 'key-invalid');
    t.regex(error?.message ?? '', words);
  }
});
