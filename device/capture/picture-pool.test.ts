import test from 'ava';
import fc from 'fast-check';
import { pictureBytes } from './frame.ts';
import { PicturePool } from './picture-pool.ts';

test('nobody gets a buffer that another one has, and no more are made than were wanted at once', (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(undefined), fc.nat(20)), { maxLength: 80 }), (steps) => {
      const pool = new PicturePool('rgb24', 3, 2, 80);
      const owned: Uint8Array[] = [];
      const all = new Set<Uint8Array>();
      let most = 0;
      for (const step of steps) {
        if (step === undefined) {
          const buffer = pool.acquire();
          t.false(owned.includes(buffer));
          owned.push(buffer);
          all.add(buffer);
        } else if (owned.length > 0) {
          const [buffer] = owned.splice(step % owned.length, 1);
          pool.release(buffer!);
          t.throws(() => pool.release(buffer!), { instanceOf: RangeError });
        }
        most = Math.max(most, owned.length);
        t.is(pool.size.used, owned.length);
        t.is(pool.size.used + pool.size.free, all.size);
      }
      t.is(all.size, most);
    }),
  );
});

test('of many buffers that come back no more wait than are wanted to', (t) => {
  const pool = new PicturePool('rgb24', 3, 2, 2);
  const buffers = [pool.acquire(), pool.acquire(), pool.acquire()];
  for (const buffer of buffers) pool.release(buffer);
  t.deepEqual(pool.size, { used: 0, free: 2 });
  t.throws(() => pool.release(buffers[2]!), { instanceOf: RangeError });
});

test('buffers are shared memory of the size that the format takes', (t) => {
  for (const [format, width, height, bytes] of [
    ['rgb24', 5, 3, 45],
    ['yuv420p', 4, 2, 12],
    ['yuv420p', 5, 3, 15 + 2 * 6],
    ['yuv420p', 1, 1, 3],
  ] as const) {
    t.is(pictureBytes(format, width, height), bytes);
    const buffer = new PicturePool(format, width, height).acquire();
    t.is(buffer.byteLength, bytes);
    t.true(buffer.buffer instanceof SharedArrayBuffer);
  }
});

test('a buffer of another pool is refused', (t) => {
  const [one, other] = [new PicturePool('rgb24', 2, 2), new PicturePool('rgb24', 2, 2)];
  const buffer = one.acquire();
  t.throws(() => other.release(buffer), { instanceOf: RangeError });
  t.throws(() => one.release(buffer.subarray(0)), { instanceOf: RangeError });
  t.notThrows(() => one.release(buffer));
});
