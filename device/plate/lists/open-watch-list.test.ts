import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { AtalayaError, explain, isAtalayaError } from '../../kernel/errors.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import { mostEntries, mostText } from './list-document.ts';
import { parseListKey } from './list-key.ts';
import { type AcceptedVersion, type ListTime, openWatchList } from './open-watch-list.ts';
import { plateCode } from './plate-code.ts';
import { madeKey, madeList, madePlate, today } from './testing/made-lists.ts';
import { WatchLists } from './watch-lists.ts';

const key = madeKey();
const entries = [
  { id: 'case-17', plate: 'ABCD12' },
  { id: 'case-18', plate: 'ZZ9' },
];
const good = await madeList(key, entries);

function refusal(text: string, now: ListTime = today, accepted?: ReadonlyMap<string, AcceptedVersion>): AtalayaError {
  try {
    openWatchList(text, key.publicKey, now, accepted);
  } catch (error) {
    if (error instanceof AtalayaError) return error;
    throw error;
  }
  throw new Error('not refused');
}

/** All that a program could print of something. */
const shown = (value: unknown): string =>
  [
    inspect(value, { depth: null, showHidden: true, getters: true }),
    inspect(value, { depth: null, customInspect: false, showHidden: true }),
    JSON.stringify(value),
    inspect(structuredClone(value), { depth: null }),
    value instanceof Error ? `${explain(value)}${value.stack}${inspect(value.cause, { depth: null })}` : '',
  ].join('\n');

test('a signed list opens and says what it is', (t) => {
  const list = openWatchList(good, key.publicKey, today);
  t.like(list.head, { name: 'stolen', version: 3, expires: undefined, oneOff: 'every', key: key.id });
  t.is(list.head.issued, utcMilliseconds(Date.parse('2026-02-28T08:00:00Z')));
  t.is(list.entries, 2);
  t.is(list.idOf(plateCode('ABCD12') ?? t.fail()), 'case-17');
  t.is(list.idOf(plateCode('ABCD13') ?? t.fail()), undefined);
});

test('the signature is over the document, whatever its layout and the order of its keys', (t) => {
  const document = JSON.parse(good);
  const turned = JSON.stringify(Object.fromEntries(Object.entries(document).reverse()), null, 4);
  t.is(openWatchList(turned, key.publicKey, today).entries, 2);
});

test('every change of what is signed is refused as altered', (t) => {
  const changes: ((document: Record<string, unknown>) => void)[] = [
    (document) => Object.assign(document, { name: 'lost' }),
    (document) => Object.assign(document, { version: 4 }),
    (document) => Object.assign(document, { issued: '2026-02-28T08:00:01Z' }),
    (document) => Object.assign(document, { expires: '2027-01-01T00:00:00Z' }),
    (document) => Object.assign(document, { oneOff: 'every' }),
    (document) => Object.assign(document, { entries: entries.slice(1) }),
    (document) => Object.assign(document, { entries: entries.toReversed() }),
    (document) => Object.assign(document, { entries: [{ id: 'case-17', plate: 'ABCD13' }, entries[1]] }),
  ];
  for (const change of changes) {
    const document = JSON.parse(good);
    change(document);
    const error = refusal(JSON.stringify(document));
    t.is(error.code, 'list-refused');
    t.regex(error.message, /was altered after it was signed/);
    t.truthy(error.hint);
  }
  const document = JSON.parse(good);
  const value = Buffer.from(document.signature.value, 'base64');
  value[5] = (value[5] ?? 0) ^ 1;
  document.signature.value = value.toString('base64');
  t.regex(refusal(JSON.stringify(document)).message, /was altered/);
});

test('a signature has one spelling: nobody makes another list of this version by rewriting it', (t) => {
  const { value } = JSON.parse(good).signature;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (const bit of [1, 2, 4, 8]) {
    const other = `${value.slice(0, 85)}${alphabet[alphabet.indexOf(value[85]) ^ bit]}==`;
    t.deepEqual(Buffer.from(other, 'base64'), Buffer.from(value, 'base64'));
    t.regex(refusal(good.replace(value, other)).message, /signature\.value is not the base64 of 64 bytes/);
  }
});

test('a field that stands twice is what the signature is over, or the list is refused', (t) => {
  const open = (text: string) => openWatchList(text, key.publicKey, today);
  const entry = '"entries":[{"id":"case-1","plate":"EVIL99"}]';
  const before = open(good.replace('{', `{${entry},"version":9,`));
  t.is(before.head.version, 3);
  t.is(before.idOf(plateCode('EVIL99') ?? t.fail()), undefined);
  const after = good.replace(/\}\s*$/, `,${entry}}`);
  t.regex(refusal(after).message, /was altered/);
  for (const odd of ['"__proto__":{"oneOff":"never"}', '"\\ud800":1', '"constructor":1']) {
    t.regex(refusal(good.replace('{', `{${odd},`)).message, /has a field that a watch list does not have/);
  }
});

test('without a signature, and by another key, it is refused by name', async (t) => {
  const { signature: _, ...unsigned } = JSON.parse(good);
  t.regex(refusal(JSON.stringify(unsigned)).message, /stolen 3 is not signed/);
  const other = madeKey();
  const error = refusal(await madeList(other, entries));
  t.true(error.message.includes(other.id) && error.message.includes(key.id));
  // Somebody else's signature under the trusted key's name.
  const forged = JSON.parse(await madeList(other, entries));
  forged.signature.key = key.id;
  t.regex(refusal(JSON.stringify(forged)).message, /was altered/);
});

test('an expired list is refused, to the millisecond, on any clock', async (t) => {
  const text = await madeList(key, entries, { expires: '2026-03-01T12:00:00.000Z' });
  const at = (utc: number, reliable = true) => ({ utc: utcMilliseconds(utc), reliable });
  t.is(openWatchList(text, key.publicKey, at(today.utc - 1)).entries, 2);
  t.regex(refusal(text, at(today.utc)).message, /stolen 3 expired at 2026-03-01T12:00:00\.000Z/);
  t.regex(refusal(text, at(today.utc, false)).message, /expired/);
  const never = await madeList(key, entries, { expires: '2026-02-28T08:00:00Z' });
  t.regex(refusal(never).message, /expires before it is issued/);
});

test('a list from the future is refused where the clock is reliable, and only there', async (t) => {
  const text = await madeList(key, entries, { issued: '2026-03-01T12:10:00Z' });
  t.regex(refusal(text).message, /yet to come/);
  t.is(openWatchList(text, key.publicKey, { ...today, reliable: false }).entries, 2);
  const near = await madeList(key, entries, { issued: '2026-03-01T12:04:00Z' });
  t.is(openWatchList(near, key.publicKey, today).entries, 2);
});

test('an older version, and another list of the same version, are refused; the same one and a newer one are not', async (t) => {
  const accepted = (list: string) => {
    const { name, version, seal } = openWatchList(list, key.publicKey, today).head;
    return new Map([[name, { version, seal }]]);
  };
  const newer = await madeList(key, entries, { version: 4 });
  t.regex(refusal(good, today, accepted(newer)).message, /stolen 3 is older than stolen 4/);
  t.regex(
    refusal(await madeList(key, entries.slice(1)), today, accepted(good)).message,
    /not the list of this version/,
  );
  t.is(openWatchList(good, key.publicKey, today, accepted(good)).entries, 2);
  t.is(openWatchList(newer, key.publicKey, today, accepted(good)).entries, 2);
  const named = await madeList(key, entries, { name: 'authorised', version: 1 });
  t.is(openWatchList(named, key.publicKey, today, accepted(newer)).entries, 2);
});

test('what stands twice is refused by the ids of the entries, and an id that holds a plate by its place', async (t) => {
  const plate = await madeList(key, [...entries, { id: 'case-19', plate: 'ABCD12' }]);
  t.regex(refusal(plate).message, /the entries case-17 and case-19 have the same plate/);
  const id = await madeList(key, [...entries, { id: 'case-17', plate: 'AAAA11' }]);
  t.regex(refusal(id).message, /the id case-17 stands at entries\[0\] and at entries\[2\]/);
  for (const telling of ['ABCD12', 'ab-cd.12', 'stolen-ABCD12', 'AAAA11']) {
    const text = await madeList(key, [
      { id: telling, plate: 'ABCD12' },
      { id: 'case-20', plate: 'AAAA11' },
    ]);
    const error = refusal(text);
    t.regex(error.message, /the id of entries\[0\] holds a plate/);
    t.notRegex(shown(error), /ABCD12|AAAA11|ab-cd/i);
  }
});

test('what is no list is refused with the place of each fault', (t) => {
  t.regex(refusal('').message, /is not JSON/);
  t.regex(refusal('[]').message, /\(document\)/);
  const document = { ...JSON.parse(good), name: 'Stolen!', version: 0, extra: 1 };
  document.entries = [...entries, { id: '', plate: 'abcd-12' }, { id: 'x', plate: 'ABCD12', note: 'y' }];
  const { message } = refusal(JSON.stringify(document));
  for (const place of [
    / {2}name is not/,
    / {2}version /,
    /entries\[2\]\.id/,
    /entries\[2\]\.plate/,
    /entries\[3\] has a field/,
  ]) {
    t.regex(message, place);
  }
  const many = Array.from({ length: 5000 }, () => ({ id: '', plate: '' }));
  t.true(refusal(JSON.stringify({ ...JSON.parse(good), entries: many })).message.length < 2000);
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  t.is(refusal(good.replace('"ABCD12"', deep)).code, 'list-refused');
});

test('too much is refused before it is looked at', async (t) => {
  t.regex(refusal(' '.repeat(mostText + 1)).message, /characters/);
  const plates = Array.from({ length: mostEntries + 1 }, (_, i) => ({ id: `e${i}`, plate: `AA${i}` }));
  const error = refusal(await madeList(key, plates));
  t.regex(error.message, /entries has more than 200000 entries/);
});

test('no part of a list, and nothing that is said of one, shows a plate', async (t) => {
  const list = openWatchList(good, key.publicKey, today);
  const lists = new WatchLists([list], { utc: () => today.utc });
  const values: unknown[] = [
    list,
    lists,
    { list },
    [lists],
    lists.match(madePlate('ABCD12')),
    lists.alertsOf(1, madePlate('ABCD12')),
  ];
  for (const value of values) {
    const text = shown(value);
    t.notRegex(text, /ABCD12|ZZ9/);
    t.false(text.includes(String(plateCode('ABCD12'))), 'nor its number');
  }
  t.deepEqual(structuredClone(lists), {} as never);
});

test('whatever is wrong with a text, the refusal repeats nothing of it', (t) => {
  const secret = 'QXJK74';
  const hostile: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(secret, secret.toLowerCase(), `${secret} `, null, 7, true, ''),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(secret, 'schema', 'name', 'version', 'entries', 'id', 'plate', 'signature'),
        tie('value'),
      ),
    ),
  })).value;
  const base = JSON.parse(good);
  const documents = fc.oneof(
    hostile,
    fc
      .tuple(
        fc.constantFrom('schema', 'name', 'version', 'issued', 'expires', 'oneOff', 'entries', 'signature', secret),
        hostile,
      )
      .map(([field, value]) => ({ ...base, [field]: value })),
    hostile.map((value) => ({
      ...base,
      entries: [
        { id: 'a', plate: value },
        { id: value, plate: secret },
      ],
    })),
  );
  const cut = fc.tuple(documents, fc.nat(60)).map(([value, length]) => {
    const text = JSON.stringify(value) ?? '';
    return length > 40 ? text : `${text.slice(0, text.length - length)}${secret}`;
  });
  fc.assert(
    fc.property(cut, (text) => {
      const error = refusal(text);
      t.true(isAtalayaError(error, 'list-refused'));
      t.notRegex(shown(error), new RegExp(secret, 'i'));
    }),
    { numRuns: 400 },
  );
});

test('only a public Ed25519 key is one that lists can be checked with', (t) => {
  const pem = { format: 'pem', type: 'spki' } as const;
  t.true(parseListKey(key.publicKey.export(pem).toString(), 'a.pem').equals(key.publicKey));
  const { privateKey } = generateKeyPairSync('ed25519');
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(pem).toString();
  for (const [text, message] of [
    [privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), /a\.pem holds a private key/],
    [p256, /of the kind ec/],
    ['no key', /is no public key/],
  ] as const) {
    const error = t.throws(() => parseListKey(text, 'a.pem'), { message });
    t.true(isAtalayaError(error, 'key-invalid'));
  }
});
