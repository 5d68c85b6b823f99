import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { loadFormats } from '../plate/formats/format.ts';
import type { PlateFormat } from '../plate/formats/plate-format.ts';
import { drawing, drawVehicle } from '../plate/testing/draw-vehicle.ts';

const program = join(import.meta.dirname, '../cli/atalaya-unit.ts');
const text = '4821KLM';

interface Call {
  readonly code: number;
  readonly said: string;
  readonly complained: string;
}

/** The program itself, as a technician calls it. */
function read(folder: string, ...args: readonly string[]): Promise<Call> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, 'read', ...args], { cwd: folder }, (_, said, complained) =>
      resolve({ code: child.exitCode ?? -1, said, complained }),
    );
  });
}

/** A folder with two pictures of one vehicle, one of a wall, and files that are no pictures. */
async function pictures(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'unit-read-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [format] = await loadFormats(['es-modern']);
  for (const [name, characterHeight] of [
    ['one.png', 24],
    ['two.png', 30],
  ] as const) {
    const { crop } = await drawVehicle(drawing(text, format as PlateFormat, { characterHeight }), seededRandom(5));
    const { width, height, data } = crop.pixels;
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, name));
  }
  const wall = { width: 320, height: 240, channels: 4 as const, background: '#8886' };
  await sharp({ create: wall }).png().toFile(join(folder, 'wall.png'));
  await sharp({ create: { ...wall, width: 9000, height: 8000 } })
    .png()
    .toFile(join(folder, 'huge.png'));
  await writeFile(join(folder, 'empty.jpg'), '');
  await writeFile(join(folder, 'words.jpg'), 'not a picture');
  await mkdir(join(folder, 'folder'));
  return folder;
}

test('says what stands on each picture, and draws it', async (t) => {
  const folder = await pictures(t);
  const call = await read(
    folder,
    '--formats',
    'es',
    '--whole',
    '--vote',
    '--annotated',
    'drawn',
    'one.png',
    'two.png',
    'wall.png',
  );
  t.is(call.code, 0, call.complained);
  t.is(call.said.match(new RegExp(`READ ${text}`, 'g'))?.length, 3);
  t.regex(call.said, /wall\.png {2}320x240\n {2}the whole picture.*\n {4}UNREAD: no text found/);
  t.regex(call.said, /vote over 3 pictures: READ/);
  t.deepEqual((await readdir(join(folder, 'drawn'))).sort(), ['1-one-1.png', '2-two-1.png', '3-wall-1.png']);
  for (const line of call.said.split('\n')) t.true(line.length <= 100, line);
});

test('a picture that cannot be read is told, does not keep the others from being read, and fails the call', async (t) => {
  const folder = await pictures(t);
  const bad = ['empty.jpg', 'words.jpg', 'folder', 'none.jpg', 'huge.png'];
  const call = await read(folder, '--formats', 'es-modern', '--json', '--whole', ...bad, 'one.png');
  t.is(call.code, 1);
  for (const name of bad) t.regex(call.complained, new RegExp(`^(frame-damaged|source-missing): .*${name}`, 'm'));
  t.notRegex(call.complained, / {4}at /);
  const lines = call.said.trim().split('\n');
  t.is(lines.length, 1);
  t.like(JSON.parse(lines[0] ?? ''), { file: 'one.png', plate: { outcome: 'read', text, format: 'es-modern' } });
});

test('a call that cannot mean anything is refused before a network is loaded', async (t) => {
  const folder = await pictures(t);
  for (const [says, ...args] of [
    [/^config-invalid: there is no plate format 'nonsense'/, '--formats', 'nonsense', 'one.png'],
    [/^config-invalid: no plate format is named/, '--formats', ',', 'one.png'],
    [/^usage-invalid: nothing says which plates to expect/, 'one.png'],
    [/^usage-invalid: the folder .* cannot be made/, '--formats', 'es', '--annotated', 'one.png', 'one.png'],
    [/^scene-invalid/, '--scene', 'none.yaml', 'one.png'],
    [/missing required argument/, '--formats', 'es'],
  ] as const) {
    const call = await read(folder, ...args);
    t.is(call.code, 2, args.join(' '));
    t.regex(call.complained, says);
    t.is(call.said, '');
  }
});
