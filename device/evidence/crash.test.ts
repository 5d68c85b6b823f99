import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../kernel/clock.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { EvidenceStore } from './evidence-store.ts';
import { checkStore } from './testing/check-store.ts';
import { contextAt, framesAround, infractionAt } from './testing/fixtures.ts';

const program = fileURLToPath(new URL('./testing/seal-forever.ts', import.meta.url));
/** More of them with ATALAYA_CRASHES=200. */
const { ATALAYA_CRASHES = '15' } = process.env;
const crashes = Number(ATALAYA_CRASHES);

interface Run {
  readonly acknowledged: readonly string[];
  readonly errors: string;
  readonly status: number | null;
}

/** Runs a program until it ends or is killed; tells of each line that it wrote. */
async function run(command: readonly string[], onLine: (count: number, kill: () => void) => void): Promise<Run> {
  const [name = '', ...rest] = command;
  const child = spawn(name, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
    onLine(output.split('\n').length - 1, () => child.kill('SIGKILL'));
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { acknowledged: output.split('\n').slice(1, -1), errors, status };
}

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-crash-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('killed at random in the middle of seals, again and again: everything acknowledged is there, and nothing is half there', async (t) => {
  t.timeout(20_000 + crashes * 4000);
  const folder = join(await newFolder(t), 'evidence');
  const random = seededRandom(20_260_117);
  const acknowledged: string[] = [];
  let cut = 0;
  for (let i = 0; i < crashes; i += 1) {
    const delay = random() * 400;
    const crash = await run([process.execPath, program, folder], (lines, now) => {
      if (lines === 1) void wait(delay).then(now);
    });
    t.is(crash.status, null, `the program ended by itself: ${crash.errors}`);
    acknowledged.push(...crash.acknowledged);
    const store = await EvidenceStore.open(folder, { unit: 'unit-1', boot: `after-${i}`, clock: systemClock });
    if (store.opening.torn !== undefined) cut += 1;
    await store.close();
    const found = new Set(checkStore(folder));
    t.deepEqual(
      acknowledged.filter((id) => !found.has(id)),
      [],
      `after crash ${i + 1}`,
    );
  }
  const found = checkStore(folder);
  t.true(acknowledged.length > 0 && new Set(acknowledged).size === acknowledged.length);
  t.log(`${crashes} crashes, ${acknowledged.length} acknowledged, ${found.length} found, ${cut} torn tails cut`);
});

/** Runs until the disk is full, then checks what is left, and that it goes on when there is space again. */
async function fillUp(t: ExecutionContext, folder: string, command: readonly string[], makeSpace: () => Promise<void>) {
  const full = await run(command, () => undefined);
  t.is(full.status, 3, full.errors);
  t.regex(full.errors, /^store-full: .*(no space left)/);
  t.true(full.acknowledged.length > 0);
  const kept = checkStore(folder);
  t.deepEqual(
    full.acknowledged.filter((id) => !kept.includes(id)),
    [],
  );
  t.log(`${full.acknowledged.length} acknowledged, ${kept.length} kept: ${full.errors.split('\n')[0]}`);
  await makeSpace();
  const store = await EvidenceStore.open(folder, { unit: 'unit-1', boot: 'after', clock: systemClock });
  const { sequence } = await store.seal(infractionAt(50), framesAround(50), contextAt(50));
  t.is(sequence, kept.length + 1);
  await store.close();
}

test('a disk that is really full: the store says so, and keeps everything acknowledged', async (t) => {
  const disk = await newFolder(t);
  const mounted = await run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], () => undefined).catch(
    () => undefined,
  );
  if (mounted?.status !== 0) {
    t.log('skipped: this user may not mount a small file system');
    t.pass();
    return;
  }
  const ballast = join(disk, 'ballast');
  try {
    await mkdir(ballast);
    await run(['dd', 'if=/dev/zero', `of=${ballast}/file`, 'bs=1k', 'count=300'], () => undefined);
    const folder = join(disk, 'evidence');
    await fillUp(t, folder, [process.execPath, program, folder], () => rm(ballast, { recursive: true }));
  } finally {
    await run(['umount', disk], () => undefined);
  }
});

test('a limit on the size of files acts as a full disk does', async (t) => {
  const folder = join(await newFolder(t), 'evidence');
  // The shell counts in blocks of 1024 bytes; the one segment is the first file to reach that many.
  const command = ['bash', '-c', 'ulimit -f 24 && exec "$0" "$@"', process.execPath, program, folder, '1000000'];
  await fillUp(t, folder, command, async () => undefined);
});

test('a store that another process holds is refused with its number, and free when that process is killed', async (t) => {
  const folder = join(await newFolder(t), 'evidence');
  const options = { unit: 'unit-1', boot: 'other', clock: systemClock };
  let refused: Promise<unknown> | undefined;
  const holder = await run([process.execPath, program, folder], (_, kill) => {
    refused ??= EvidenceStore.open(folder, options)
      .then(
        () => 'opened',
        (error: unknown) => error,
      )
      .finally(kill);
  });
  t.is(holder.status, null);
  t.regex(String(await refused), /is in use by process \d+/);
  await t.notThrowsAsync(async () => (await EvidenceStore.open(folder, options)).close());
});
