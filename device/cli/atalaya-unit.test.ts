import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { makeJpegs, writeMjpeg } from '../capture/testing/made-recordings.ts';
import { createIdentity } from '../evidence/sealing/identity.ts';

/** The program as a person calls it: what it says, what it leaves, how it ends. */

const program = fileURLToPath(new URL('./atalaya-unit.ts', import.meta.url));
const scene = 'name: made\npicture: { width: 320, height: 180 }\nregions: [{ x: 0, y: 0, width: 320, height: 180 }]\n';

interface Call {
  readonly code: number | null;
  readonly said: string;
  readonly complained: string;
}

function start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Call> } {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const heard = { said: '', complained: '' };
  child.stdout?.on('data', (chunk) => {
    heard.said += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    heard.complained += chunk;
  });
  return { child, ended: once(child, 'close').then(([code]) => ({ code, ...heard })) };
}

const call = (...args: readonly string[]): Promise<Call> => start(args).ended;

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'unit-cli-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function written(t: ExecutionContext, name: string, text: string): Promise<string> {
  const path = join(await folder(t), name);
  await writeFile(path, text);
  return path;
}

const steady = (count: number, step = 40) => Array.from({ length: count }, (_, i) => i * step);

async function runOn(
  t: ExecutionContext,
  source: string,
  ...more: readonly string[]
): Promise<Call & { data: string }> {
  const data = join(await folder(t), 'data');
  const ended = await call(
    'run',
    '--source',
    source,
    '--scene',
    await written(t, 'scene.yaml', scene),
    '--data',
    data,
    ...more,
  );
  return { ...ended, data };
}

test('a call that names no source, and an unknown flag, are refused as wrong calls', async (t) => {
  const [bare, flag] = await Promise.all([call('run'), call('run', '--sauce', 'x')]);
  t.is(bare.code, 2);
  t.regex(bare.complained, /usage-invalid: nothing says which source.*\n.*--source/s);
  t.is(flag.code, 2);
  t.regex(flag.complained, /unknown option '--sauce'/);
});

test('an identity that opens none of the pictures is refused before the run', async (t) => {
  const [own, other] = await Promise.all([createIdentity(), createIdentity()]);
  const config = await written(t, 'unit.yaml', `evidence: { authority: [${own.recipient}] }\n`);
  const identity = await written(t, 'other.txt', `${other.identity}\n`);
  const { code, complained } = await call('run', '--config', config, '--identity', identity, '--source', 'x');
  t.is(code, 2);
  t.regex(complained, /key-wrong: the identity of --identity opens nothing/);
  t.true(complained.includes(other.recipient) && !complained.includes(other.identity));
});

test('places that cannot be are refused before the run, and so are sources that are no file', async (t) => {
  const source = await writeMjpeg(await makeJpegs(2, 320, 180), steady(2));
  const file = await written(t, 'taken', '');
  const place = ['--source', source, '--scene', await written(t, 'scene.yaml', scene)];
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[...place, '--data', file], 2, /usage-invalid: the data folder .*taken is a file/],
    [
      [...place, '--data', `${file}.d`, '--report', '/nowhere/r.html'],
      2,
      /usage-invalid: there is no folder \/nowhere for the report/,
    ],
    [[...place, '--data', `${file}.d`, '--started', 'noon'], 2, /usage-invalid: --started is noon/],
    [
      [...place.slice(2), '--data', `${file}.d`, '--source', 'rtsp://127.0.0.1/x'],
      1,
      /source-missing: .*is no recording\n.*source\.camera/,
    ],
    [[...place.slice(2), '--data', `${file}.d`, '--source', dirname(file)], 1, /source-not-video: .* is a folder/],
  ];
  for (const [args, wanted, message] of cases) {
    const { code, complained } = await call('run', ...args);
    t.is(code, wanted, complained);
    t.regex(complained, message);
  }
});

test('an unknown configuration key is refused by its path, and nothing is run', async (t) => {
  const config = await written(t, 'unit.yaml', 'unit: { id: a }\ndetector: { treads: 4 }\n');
  const { code, complained } = await call('run', '--config', config, '--source', 'x', '--scene', 'y');
  t.is(code, 2);
  t.regex(complained, /config-invalid: .*unit\.yaml.*\n\s+detector: .*treads/s);
});

test('a scene whose calibration points stand on one line, or cross, is refused with its line', async (t) => {
  const points = (road: readonly (readonly [number, number])[]) =>
    [
      [10, 170],
      [310, 170],
      [200, 40],
      [120, 40],
    ]
      .map((image, i) => `    - { image: [${image}], road: [${road[i]}] }\n`)
      .join('');
  const calibrated = (text: string) => `${scene}calibration:\n  points:\n${text}`;
  const source = await writeMjpeg(await makeJpegs(2, 320, 180), steady(2));
  const onOneLine = await written(
    t,
    'line.yaml',
    calibrated(
      points([
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
      ]),
    ),
  );
  const crossing = await written(
    t,
    'cross.yaml',
    calibrated(
      points([
        [0, 0],
        [10, 0],
        [0, 40],
        [10, 40],
      ]),
    ),
  );
  for (const path of [onOneLine, crossing]) {
    const { code, complained } = await call('run', '--source', source, '--scene', path, '--data', await folder(t));
    t.is(code, 2, complained);
    t.regex(complained, /scene-invalid: .*\n\s+line \d+: calibration/s);
  }
});

test('a file that is no video is refused', async (t) => {
  const { code, complained } = await runOn(t, await written(t, 'notes.mjpeg', 'not a picture'));
  t.is(code, 1);
  t.regex(complained, /source-not-video: .*notes\.mjpeg/);
});

test('a missing source is refused', async (t) => {
  const { code, complained } = await runOn(t, '/nowhere/clip.mjpeg');
  t.is(code, 1);
  t.regex(complained, /source-missing: .*\/nowhere\/clip\.mjpeg/);
});

test('a recording that was cut is watched to its cut, reported, and ends in an error', async (t) => {
  const pieces = await makeJpegs(6, 320, 180);
  const last = pieces[5] as Buffer;
  const source = await writeMjpeg([...pieces.slice(0, 5), last.subarray(0, last.length >> 1)], steady(6));
  const { code, complained, said, data } = await runOn(t, source);
  t.is(code, 1);
  t.regex(complained, /source-truncated: .* ends early/);
  t.regex(said, /5 frames/);
  await t.notThrowsAsync(access(join(data, 'report.html')));
});

test('an empty frame is left out, counted and said, and the run goes on', async (t) => {
  const pieces: Uint8Array[] = await makeJpegs(5, 320, 180);
  pieces[2] = new Uint8Array([0xff, 0xd8, 0xff, 0xd9]);
  const { code, said } = await runOn(t, await writeMjpeg(pieces, steady(5)));
  t.is(code, 0);
  t.regex(said, /frame 2 is damaged and was left out: the frame is empty/);
  t.regex(said, /4 frames,.*1 damaged/s);
});

test('a data folder that another process holds is refused with its number', async (t) => {
  const data = await folder(t);
  const source = await writeMjpeg(await makeJpegs(20, 320, 180), steady(20, 1000));
  const args = ['run', '--source', source, '--scene', await written(t, 'scene.yaml', scene), '--data', data];
  const first = start([...args, '--pace', 'timestamps']);
  await once(first.child.stdout as NodeJS.ReadableStream, 'data');
  const second = await call(...args);
  first.child.kill('SIGINT');
  t.is(second.code, 2);
  t.regex(second.complained, new RegExp(`store-locked: .*${first.child.pid}`));
  t.is((await first.ended).code, 0);
});

// Alone, since it holds the program to a time.
test.serial('Ctrl-C ends a run within five seconds: lines safe, report written, exit code 0', async (t) => {
  const data = await folder(t);
  const source = await writeMjpeg(await makeJpegs(30, 320, 180), steady(30, 1000));
  const args = ['run', '--source', source, '--scene', await written(t, 'scene.yaml', scene), '--data', data];
  const { child, ended } = start([...args, '--pace', 'timestamps']);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  const asked = performance.now();
  child.kill('SIGINT');
  const { code } = await ended;
  t.true(performance.now() - asked < 5000);
  t.is(code, 0);
  const timeline = (await readFile(join(data, 'lines.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const name of ['beacon', 'strobe']) t.false(timeline.findLast(({ line }) => line === name).level);
  t.regex(await readFile(join(data, 'report.html'), 'utf8'), /<html/);
});

test.serial('Ctrl-C twice ends it at once, without a core dump', async (t) => {
  const data = await folder(t);
  const source = await writeMjpeg(await makeJpegs(60, 320, 180), steady(60));
  const args = ['run', '--source', source, '--scene', await written(t, 'scene.yaml', scene), '--data', data];
  const { child, ended } = start(args);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGINT');
  await once(child.stderr as NodeJS.ReadableStream, 'data');
  const asked = performance.now();
  child.kill('SIGINT');
  const { code, complained } = await ended;
  t.true(performance.now() - asked < 1500);
  // By the signal, or by itself where it had come to rest already.
  t.true(child.signalCode === 'SIGKILL' || code === 0, `${code} ${child.signalCode}`);
  t.notRegex(complained, /terminate called|Napi/);
});

test('a scene is drawn over a picture of its source, in the size of the source', async (t) => {
  const out = join(await folder(t), 'drawn.png');
  const source = await writeMjpeg(await makeJpegs(3, 320, 180), steady(3, 1000));
  const drawn = `${scene}lanes: [{ name: east, polygon: [[10, 20], [300, 20], [300, 170], [10, 170]], direction: [[20, 90], [290, 90]] }]\n`;
  const args = ['draw', '--scene', await written(t, 'scene.yaml', drawn), '--source', source];
  const { code, said } = await call(...args, '--at', '1', '--out', out);
  t.is(code, 0);
  t.regex(said, /scene made on frame 1/);
  const { data, info } = await sharp(out).raw().toBuffer({ resolveWithObject: true });
  t.deepEqual([info.width, info.height], [320, 180]);
  // On the lane's upper side, in the lane's colour.
  const at = (20 * 320 + 150) * info.channels;
  t.deepEqual([...data.subarray(at, at + 3)], [0x00, 0xc8, 0xff]);
  const late = await call(...args, '--at', '9', '--out', out);
  t.is(late.code, 2);
  t.regex(late.complained, /the source ends before second 9/);
});

/** The street with its truth: the shortest run that has evidence to seal. */
const street = () => {
  const root = dirname(dirname(program));
  return [
    'run',
    '--source',
    join(root, 'capture/street/street.mjpeg'),
    '--scene',
    join(root, 'scene/examples/street.yaml'),
  ];
};

test('a full disk stops the run at the first evidence that does not fit, and that is the last thing said', async (t) => {
  const small = await folder(t);
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', small]);
  } catch {
    t.log('no right to mount a small disk: passed over');
    t.pass();
    return;
  }
  t.teardown(() => promisify(execFile)('umount', ['-l', small]));
  const events = join(await folder(t), 'events');
  // The report would go to the full disk as well: its failure must not hide what stopped the run.
  const { recipient } = await createIdentity();
  const evidence = `{ authority: [${recipient}], reserveMegabytes: 0, keepFreeMegabytes: 0 }`;
  const config = await written(t, 'unit.yaml', `evidence: ${evidence}\n`);
  const args = ['--config', config, '--data', join(small, 'data'), '--events', events];
  const ended = await call(...street(), ...args);
  t.is(ended.code, 1);
  t.regex(ended.complained, /^store-full: /);
  t.regex(ended.said, /\d+ frames/, 'the summary is there all the same');
  const announced = (await readFile(events, 'utf8')).match(/"infraction"/g)?.length ?? 0;
  t.true(announced <= 1, `${announced} announced on a disk with room for one`);
});

test('with less room than the reserve the run goes on, tells each infraction that it lost, and fails at its end', async (t) => {
  const config = await written(t, 'unit.yaml', 'evidence: { reserveMegabytes: 1000000 }\n');
  const events = join(await folder(t), 'events');
  const data = join(await folder(t), 'data');
  const { code, said } = await call(...street(), '--config', config, '--data', data, '--events', events);
  t.is(code, 1);
  const lost = said.match(/^LOST .*: store-reserved: /gm)?.length ?? 0;
  t.true(lost > 1, said);
  t.regex(said, new RegExp(`${lost} infractions more could not be kept`));
  t.notRegex(await readFile(events, 'utf8'), /"infraction"/);
});

test('events that cannot be written are named as such, not as a fault of closing down', async (t) => {
  const { code, complained } = await call(
    ...street(),
    '--data',
    join(await folder(t), 'data'),
    '--events',
    '/dev/full',
  );
  t.is(code, 1);
  t.regex(complained, /^store-full: .*\/dev\/full/);
});

test('a reader that goes away does not stop the unit', async (t) => {
  const data = await folder(t);
  const source = await writeMjpeg(await makeJpegs(30, 320, 180), steady(30));
  const { child, ended } = start([
    'run',
    '--source',
    source,
    '--scene',
    await written(t, 'scene.yaml', scene),
    '--data',
    data,
  ]);
  child.stdout?.destroy();
  const { code, complained } = await ended;
  t.is(code, 0, complained);
  await t.notThrowsAsync(access(join(data, 'report.html')));
});
