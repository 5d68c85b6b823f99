import test from 'ava';
import { parseKey } from './keys.ts';
import { busyUnit, ed25519, everyFlip, p256 } from './testing/attacks.ts';
import { packOf } from './testing/tiny-folders.ts';
import { verifyPack } from './verify-pack.ts';

/** Every byte of files up to `all` bytes, that many of larger ones. */
const kinds = [
  { kind: 'Ed25519', keys: ed25519(), all: 110, least: 1000 },
  { kind: 'P-256', keys: p256(), all: 30, least: 500 },
] as const;

for (const { kind, keys, all, least } of kinds) {
  test(`a byte of a pack with ${kind} is another`, async (t) => {
    const unit = busyUnit('u-1', keys);
    const key = parseKey(unit.pem);
    let counted = 0;
    for (const tree of [packOf(unit, 1, { since: 3 }), packOf(unit, 2, { erasure: 6 })]) {
      const { count, wrong } = await everyFlip(
        tree,
        (at) => verifyPack(at, { key }),
        () => true,
        all,
      );
      t.deepEqual(wrong.slice(0, 5), []);
      counted += count;
    }
    t.true(counted >= least, `${counted}`);
  });
}
