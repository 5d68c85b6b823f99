import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../kernel/errors.ts';
import { formatTreeHead, parseTreeHead, readCheckpoint } from './checkpoint.ts';
import { emptyRoot } from './merkle.ts';
import { formatNote, formatVkey, isOf, noteKey, parseNote, parseVkey, signatureHolds } from './note.ts';
import { makeWitness, unitSigner } from './testing/log-fixtures.ts';

/** Key and note of the documentation of golang.org/x/mod/sumdb/note. */
const goVkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const goNote = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

test('the note and key of another implementation are read, hold, and are written the same way', (t) => {
  const key = parseVkey(goVkey);
  t.is(formatVkey(key), goVkey);
  const parsed = parseNote(Buffer.from(goNote));
  if (!parsed.ok) return t.fail(parsed.reason);
  const [line] = parsed.note.signatures;
  t.true(isOf(line!, key));
  t.true(signatureHolds(key, parsed.note.text, line!));
  t.is(formatNote(parsed.note), goNote);
});

for (const algorithm of ['ed25519', 'p256'] as const) {
  test(`${algorithm}: a signature holds for its own text and key alone`, async (t) => {
    const signer = unitSigner(algorithm);
    const key = noteKey(signer.name, algorithm, signer.spki);
    const other = noteKey(signer.name, algorithm, unitSigner(algorithm).spki);
    const line = { name: signer.name, keyId: key.id, signature: await signer.sign(Buffer.from('text\n')) };
    t.true(signatureHolds(key, 'text\n', line));
    t.false(signatureHolds(key, 'test\n', line));
    t.false(signatureHolds(other, 'text\n', line));
    t.false(isOf(line, other));
    t.deepEqual(parseVkey(formatVkey(key)), key);
  });
}

for (const algorithm of ['ed25519', 'p256'] as const) {
  test(`${algorithm}: a checkpoint with any one byte changed is never taken for good`, async (t) => {
    const signer = unitSigner(algorithm);
    const key = noteKey(signer.name, algorithm, signer.spki);
    const text = formatTreeHead({ origin: signer.name, size: 12, root: emptyRoot() });
    const signature = await signer.sign(Buffer.from(text));
    const good = Buffer.from(formatNote({ text, signatures: [{ name: signer.name, keyId: key.id, signature }] }));
    t.is(readCheckpoint(good, key).kind, 'good');
    for (let at = 0; at < good.byteLength; at += 1) {
      for (const bit of [0x01, 0x20, 0x80]) {
        const bad = Buffer.from(good);
        bad[at]! ^= bit;
        t.not(readCheckpoint(bad, key).kind, 'good', `byte ${at} ^ ${bit}`);
      }
    }
    for (let length = 0; length < good.byteLength; length += 1) {
      t.not(readCheckpoint(good.subarray(0, length), key).kind, 'good');
    }
  });
}

test('tree heads: written and read, and nothing in a second spelling', (t) => {
  const root = emptyRoot();
  fc.assert(
    fc.property(fc.maxSafeNat(), (size) => {
      t.deepEqual(parseTreeHead(formatTreeHead({ origin: 'atalaya/x', size, root })), {
        origin: 'atalaya/x',
        size,
        root,
      });
    }),
  );
  const hash = root.toString('base64');
  for (const text of [
    '',
    '\n0\n\n',
    `a\n01\n${hash}\n`,
    `a\n-1\n${hash}\n`,
    `a\n1e3\n${hash}\n`,
    `a\n9007199254740993\n${hash}\n`,
    `a\n1\n${hash.slice(0, -1)}\n`,
    `a\n1\n${hash}`,
    `a\n1\n${hash}\n\nb\n`,
    `a\n1\n${Buffer.alloc(31).toString('base64')}\n`,
  ]) {
    t.is(parseTreeHead(text), undefined, JSON.stringify(text));
  }
  t.is(parseTreeHead(`a\n1\n${hash}\nan extension\n`)?.size, 1);
});

test('what is no note or no key is refused with the reason', (t) => {
  const bad = [
    '',
    'text\n',
    'text\n\n',
    'text\n\nno dash\n',
    'text\n\n— name\n',
    'text\n\n— name AAAA\n',
    'text\n\n— na+me AAAAAAA=\n',
    'text\n\n— name AAAAAAB=\n',
    'text\n\n— name AAAAAAA=',
    'te\u0001xt\n\n— name AAAAAAA=\n',
    `text\n\n${'— name AAAAAAA=\n'.repeat(200)}`,
  ];
  for (const content of bad) t.false(parseNote(Buffer.from(content)).ok, JSON.stringify(content).slice(0, 60));
  t.false(parseNote(Buffer.of(0xff, 0x0a, 0x0a)).ok);
  t.false(parseNote(Buffer.alloc(2 << 20, 'a')).ok);
  t.true(parseNote(Buffer.from('text\n\n— name AAAAAAA=\n')).ok);
  const [name, id, key] = goVkey.split('+') as [string, string, string];
  for (const vkey of [
    '',
    name,
    `${name}+${id}`,
    `${name}+00000000+${key}`,
    `other+${id}+${key}`,
    `${name}+${id}+${key.slice(4)}`,
    `${name}+${id}+AQ==`,
    `a b+${id}+${key}`,
  ]) {
    t.true(
      isAtalayaError(
        t.throws(() => parseVkey(vkey)),
        'usage-invalid',
      ),
      vkey,
    );
  }
  t.true(
    isAtalayaError(
      t.throws(() => noteKey('a', 'p256', unitSigner('ed25519').spki)),
      'key-mismatch',
    ),
  );
  t.true(
    isAtalayaError(
      t.throws(() => noteKey('a', 'ed25519', Buffer.alloc(5))),
      'key-mismatch',
    ),
  );
});

test('a cosignature holds for its own time and text', (t) => {
  const witness = makeWitness('witness.example/w1');
  const key = parseVkey(witness.vkey);
  const parsed = parseNote(Buffer.from(witness.cosign('a\n1\nb\n', 1_700_000_000n)));
  if (!parsed.ok) return t.fail(parsed.reason);
  const line = parsed.note.signatures[0]!;
  t.true(signatureHolds(key, 'a\n1\nb\n', line));
  t.false(signatureHolds(key, 'a\n2\nb\n', line));
  const later = Buffer.from(line.signature);
  later[7]! ^= 1;
  t.false(signatureHolds(key, 'a\n1\nb\n', { ...line, signature: later }));
  t.false(signatureHolds(key, 'a\n1\nb\n', { ...line, signature: line.signature.subarray(8) }));
});
