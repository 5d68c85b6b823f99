import test from 'ava';
import { parseKey } from './keys.ts';
import { busyUnit, ed25519, everyFlip, p256 } from './testing/attacks.ts';
import { storeOf } from './testing/tiny-folders.ts';
import { TinyUnit } from './testing/tiny-unit.ts';
import { verifyStore } from './verify-store.ts';

/** Every byte of files up to `all` bytes, that many of larger ones. */
const kinds = [
  { kind: 'Ed25519', keys: ed25519(), all: 260, least: 1200 },
  { kind: 'P-256', keys: p256(), all: 50, least: 400 },
] as const;

for (const { kind, keys, all, least } of kinds) {
  test(`a byte of a store with ${kind} is another`, async (t) => {
    const unit = busyUnit('u-1', keys);
    const key = parseKey(unit.vkey);
    const tree = storeOf(unit, { perSegment: 3 });
    const { count, wrong } = await everyFlip(
      tree,
      (at) => verifyStore(at, { key }),
      (path) => path !== 'lock',
      all,
    );
    t.deepEqual(wrong.slice(0, 5), []);
    t.true(count >= least, `${count}`);
  });
}

test('a byte of a tile of a log of two levels is another', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  for (let entry = 0; entry < 300; entry += 1) unit.append({ schema: 'x/y/9' });
  const key = parseKey(unit.vkey);
  const tree = storeOf(unit, { perSegment: 128 });
  const { count, wrong } = await everyFlip(
    tree,
    (at) => verifyStore(at, { key, workers: 4 }),
    (path) => path.startsWith('log/tile/'),
    12,
  );
  t.deepEqual(wrong.slice(0, 5), []);
  t.true(count > 40, `${count}`);
});
