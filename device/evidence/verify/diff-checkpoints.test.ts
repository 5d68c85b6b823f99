import { generateKeyPairSync, hash, sign } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../kernel/errors.ts';
import { diffCheckpoints } from './diff-checkpoints.ts';
import { parseKey } from './keys.ts';
import { isConsistent, leafHash, rootByInclusion } from './merkle.ts';
import { busyUnit, ed25519, p256, told } from './testing/attacks.ts';
import { storeOf, written } from './testing/tiny-folders.ts';
import { TinyUnit } from './testing/tiny-unit.ts';
import { verdictJson, verdictText } from './verdict-text.ts';
import { verifyStore } from './verify-store.ts';

const proofText = (hashes: readonly Buffer[]) => hashes.map((one) => `${one.toString('base64')}\n`).join('');

test('growth is proven by a proof or from a store; everything else is named', async (t) => {
  const keys = ed25519();
  const unit = busyUnit('u-1', keys);
  const key = parseKey(unit.vkey);
  const [older, newer] = [unit.checkpoint(3), unit.checkpoint()];
  const proof = proofText(unit.consistency(3));
  using store = written(storeOf(unit, { perSegment: 2 }));
  for (const options of [
    { key, proof },
    { key, storeFolder: store.path },
    { key, proof, storeFolder: store.path },
  ]) {
    const verdict = await diffCheckpoints(older, newer, options);
    t.true(verdict.ok, told(verdict));
  }
  t.true((await diffCheckpoints(newer, newer, { key })).ok);
  const other = unit.note(`atalaya/u-1\n3\n${unit.root(0, 2).toString('base64')}\n`);
  t.regex(told(await diffCheckpoints(older, other, { key })), /Rewritten: both checkpoints cover 3/);
  t.regex(told(await diffCheckpoints(newer, older, { key })), /Rolled back/);
  t.regex(told(await diffCheckpoints(older, newer, { key })), /neither a proof nor a store/);
  t.regex(told(await diffCheckpoints(older, busyUnit().checkpoint(), { key })), /newer checkpoint: /);
  t.regex(told(await diffCheckpoints(other, newer, { key, proof })), /consistency-proof/);
  t.regex(
    told(await diffCheckpoints(other, newer, { key, storeFolder: store.path })),
    /Rewritten: the first 3 entries/,
  );
  const beyond = unit.note(`atalaya/u-1\n9\n${unit.root().toString('base64')}\n`);
  t.regex(told(await diffCheckpoints(newer, beyond, { key, storeFolder: store.path })), /holds 6 whole/);
  const foreign = unit.note(`atalaya/u-2\n6\n${unit.root().toString('base64')}\n`);
  t.false((await diffCheckpoints(older, foreign, { key: parseKey(unit.pem), proof })).ok);
});

test('proofs of every size and index up to 20 hold, and no other proof does', (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  for (let entry = 0; entry < 20; entry += 1) unit.append({ schema: 'x/y/9' });
  for (let size = 1; size <= 20; size += 1) {
    const root = unit.root(0, size);
    for (let index = 0; index < size; index += 1) {
      const leaf = leafHash(unit.leaf(index));
      const proof = unit.inclusion(index, 0, size);
      t.deepEqual(rootByInclusion(leaf, index, size, proof), root);
      t.notDeepEqual(rootByInclusion(leaf, index, size, [...proof, root]), root);
      if (proof.length > 0) t.notDeepEqual(rootByInclusion(leaf, index, size, proof.slice(1)), root);
      if (size > 1) t.notDeepEqual(rootByInclusion(leaf, (index + 1) % size, size, proof), root);
    }
    for (let older = 0; older <= size; older += 1) {
      const before = { size: older, root: unit.root(0, older) };
      const proof = unit.consistency(older, size);
      t.true(isConsistent(before, { size, root }, proof), `${older} ${size}`);
      t.false(isConsistent(before, { size, root }, [...proof, root]));
      t.false(isConsistent({ size: older, root: unit.leaf(0).subarray(0, 32) }, { size, root }, proof));
      if (proof.length > 0) t.false(isConsistent(before, { size, root }, proof.slice(0, -1)));
    }
  }
});

test('keys: PEM and verifier key of both kinds; anything else is refused with what was expected', (t) => {
  for (const keys of [ed25519(), p256()]) {
    const unit = busyUnit('u-1', keys);
    const [fromPem, fromVkey] = [parseKey(`\n${unit.pem}`), parseKey(`${unit.vkey}\n`)];
    t.deepEqual(fromPem.spki, fromVkey.spki);
    t.is(fromVkey.name, 'atalaya/u-1');
    const renamed = unit.vkey.replace('u-1', 'u-2');
    if (fromPem.kind === 'ed25519') t.throws(() => parseKey(renamed), { message: /key id does not belong/ });
    fc.assert(
      fc.property(fc.nat(unit.vkey.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
        const changed = unit.vkey.slice(0, at) + put + unit.vkey.slice(at + 1);
        try {
          const key = parseKey(changed);
          return changed.trim() === unit.vkey || (key.spki.equals(fromPem.spki) && key.kind === 'p-256');
        } catch (error) {
          return isAtalayaError(error, 'usage-invalid');
        }
      }),
      { numRuns: 300 },
    );
  }
  const secret = String(ed25519().privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const rsa = String(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }),
  );
  for (const text of ['', 'x', secret, rsa]) t.throws(() => parseKey(text), { message: /expected an SPKI PEM/ });
});

test('a witness that was given is checked and named; another line is noticed', async (t) => {
  const unit = busyUnit();
  const { publicKey, privateKey } = ed25519();
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const typed = Buffer.concat([Buffer.of(4), raw]);
  const id = hash('sha256', Buffer.concat([Buffer.from('centre.example\n'), typed]), 'buffer').subarray(0, 4);
  const witness = `centre.example+${id.toString('hex')}+${typed.toString('base64')}`;
  const note = unit.checkpoint();
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_800_000_000n);
  const line = (signed: string) => {
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1800000000\n${signed}`), privateKey);
    return `\u2014 centre.example ${Buffer.concat([id, time, signature]).toString('base64')}\n`;
  };
  using store = written(storeOf(unit).set('log/checkpoint', Buffer.from(note + line(text))));
  const key = parseKey(unit.vkey);
  const verdict = await verifyStore(store.path, { key, witnesses: [witness] });
  t.true(verdict.ok, told(verdict));
  t.deepEqual(verdict.witnessed, [{ name: 'centre.example', time: 1_800_000_000 }]);
  const unknown = await verifyStore(store.path, { key });
  t.true(unknown.ok);
  t.true(unknown.findings.some(({ part }) => part === 'witness'));
  using forged = written(storeOf(unit).set('log/checkpoint', Buffer.from(note + line(`${text}x\n`))));
  t.regex(told(await verifyStore(forged.path, { key, witnesses: [witness] })), /^witness log\/checkpoint: /);
});

test('a verdict is told in lines of a phone, its outcome first, without what moves a cursor', async (t) => {
  const unit = busyUnit(`u-${'1'.repeat(90)}`);
  const tree = storeOf(unit);
  const whole = verdictText(await verdict(tree));
  t.regex(whole, /^OK\n/);
  tree.delete('log/checkpoint');
  tree.set('log/\u001b[31m', Buffer.of(1));
  const found = await verdict(tree);
  const text = verdictText(found);
  t.regex(text, /^FAILED: [0-9]+ failures?\n/);
  for (const line of (whole + text).split('\n')) t.true(line.length <= 80, line);
  t.false(text.includes('\u001b'));
  t.deepEqual(JSON.parse(verdictJson(found)), found);

  async function verdict(of: typeof tree) {
    using folder = written(of);
    return await verifyStore(folder.path, { key: parseKey(unit.vkey) });
  }
});
