import test from 'ava';
import fc from 'fast-check';
import { jpegSize } from './jpeg-size.ts';
import { makeJpeg } from './testing/made-recordings.ts';

test('the size that a JPEG states, baseline and progressive', async (t) => {
  t.deepEqual(jpegSize(await makeJpeg(9, 96, 64)), { width: 96, height: 64 });
  t.deepEqual(jpegSize(await makeJpeg(9, 50, 30, { progressive: true })), { width: 50, height: 30 });
});

test('whatever the bytes, it ends, with a size or without', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const size = jpegSize(Uint8Array.from([0xff, 0xd8, ...bytes]));
      t.true(size === undefined || (size.width >= 0 && size.height >= 0));
    }),
  );
});
