import test from 'ava';
import sharp from 'sharp';
import { decodeJpeg } from './decode-jpeg.ts';
import { makeJpeg } from './testing/made-recordings.ts';

const size = { width: 48, height: 32 };

test('a JPEG is decoded to three channels, also a grey one, and the same each time', async (t) => {
  const coloured = await makeJpeg(5);
  const grey = await sharp(coloured).greyscale().jpeg().toBuffer();
  for (const jpeg of [coloured, grey]) {
    const [one, other] = [await decodeJpeg(jpeg, size), await decodeJpeg(jpeg, size)];
    if (one.kind === 'damaged' || other.kind === 'damaged') return t.fail();
    t.like(one.picture, { format: 'rgb24', ...size });
    t.is(one.picture.data.byteLength, 48 * 32 * 3);
    t.deepEqual(one.picture, other.picture);
  }
});

test('memory that is freed is gone at once, and freeing it twice does no harm', async (t) => {
  const [one, other] = [await decodeJpeg(await makeJpeg(5), size), await decodeJpeg(await makeJpeg(5), size)];
  if (one.kind === 'damaged' || other.kind === 'damaged') return t.fail();
  const before = other.picture.data.slice();
  one.free();
  one.free();
  t.is(one.picture.data.byteLength, 0);
  t.deepEqual(other.picture.data.slice(), before);
});

test('decoding many pictures and freeing each takes the memory of few', async (t) => {
  const large = { width: 1600, height: 1200 };
  const jpeg = await makeJpeg(5, large.width, large.height);
  const decode = async () => {
    const decoded = await decodeJpeg(jpeg, large);
    if (decoded.kind === 'decoded') decoded.free();
  };
  for (let i = 0; i < 5; i += 1) await decode();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 40; i += 1) {
    await decode();
    t.true(process.memoryUsage().arrayBuffers - before < 3 * 1600 * 1200 * 3);
  }
});

test('what is cut short, of another size, or no picture is damage with its reason', async (t) => {
  const jpeg = await makeJpeg(5, 160, 120);
  const reason = async (bytes: Uint8Array, wanted: typeof size) => {
    const decoded = await decodeJpeg(bytes, wanted);
    return decoded.kind === 'damaged' ? decoded.reason : 'decoded';
  };
  t.is(await reason(jpeg, size), 'the picture is 160x120, not 48x32');
  t.is(await reason(jpeg, { width: 120, height: 160 }), 'the picture is 160x120, not 120x160');
  t.not(await reason(jpeg.subarray(0, 700), { width: 160, height: 120 }), 'decoded');
  t.not(await reason(Buffer.from('nothing of the kind'), size), 'decoded');
});
