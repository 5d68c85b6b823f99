import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { readPicture } from './read-picture.ts';

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'read-picture-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const red = { create: { width: 40, height: 20, channels: 3, background: '#f00' } } as const;

test('colour, grey, transparent and deep pictures all become rgb24', async (t) => {
  await inFolder(async (folder) => {
    const made = {
      'colour.jpg': await sharp(red).jpeg().toBuffer(),
      'grey.png': await sharp(red).greyscale().png().toBuffer(),
      'clear.png': await sharp({ create: { ...red.create, channels: 4, background: '#ff000080' } })
        .png()
        .toBuffer(),
      'deep.png': await sharp(red).toColourspace('rgb16').png().toBuffer(),
    };
    for (const [name, bytes] of Object.entries(made)) {
      await writeFile(join(folder, name), bytes);
      const picture = await readPicture(join(folder, name));
      t.deepEqual([picture.format, picture.width, picture.height, picture.data.length], ['rgb24', 40, 20, 2400], name);
      t.true(picture.data.buffer instanceof SharedArrayBuffer);
    }
    const deep = await readPicture(join(folder, 'deep.png'));
    t.deepEqual([...deep.data.subarray(0, 3)], [255, 0, 0]);
  });
});

test('a photograph is turned as its EXIF says', async (t) => {
  await inFolder(async (folder) => {
    const path = join(folder, 'turned.jpg');
    await sharp(red).withMetadata({ orientation: 6 }).jpeg().toFile(path);
    const { width, height } = await readPicture(path);
    t.deepEqual([width, height], [20, 40]);
  });
});

test('what is no picture, cut, empty or not there is refused by name', async (t) => {
  await inFolder(async (folder) => {
    const noise = Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => (i * 2654435761) >>> 24);
    const whole = await sharp(noise, { raw: { width: 300, height: 300, channels: 3 } })
      .jpeg()
      .toBuffer();
    const files = { 'cut.jpg': whole.subarray(0, whole.length / 2), 'empty.jpg': Buffer.alloc(0), 'text.jpg': 'words' };
    for (const [name, bytes] of Object.entries(files)) {
      await writeFile(join(folder, name), bytes);
      await t.throwsAsync(readPicture(join(folder, name)), { code: 'frame-damaged', message: new RegExp(name) }, name);
    }
    await t.throwsAsync(readPicture(join(folder, 'none.jpg')), { code: 'source-missing' });
    await t.throwsAsync(readPicture(folder), { code: 'frame-damaged', message: /it is a folder/ });
    // It has no end.
    await t.throwsAsync(readPicture('/dev/zero'), { code: 'frame-damaged' });
  });
});
