import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { createIdentity } from './sealing/identity.ts';
import { checkStore } from './testing/check-store.ts';
import { run, workForever } from './testing/run-program.ts';
import { clerk, evidenceOf, fault, inMemory, linesOf, onDisk, seal } from './testing/stores.ts';

const { recipient } = await createIdentity();
const recipients = { authority: [recipient], operators: [] };
const whenFull = [{ name: 'oldest first', rules: 'all', keepDays: undefined, whenFull: true }] as const;

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-full-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A small file system in memory, where this user may mount one. */
async function mounted(t: ExecutionContext, options: string): Promise<string | undefined> {
  const disk = await newFolder(t);
  const done = await run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', disk).catch(() => undefined);
  if (done?.status !== 0) return undefined;
  t.teardown(() => run('umount', disk));
  return disk;
}

/** Runs until the disk is full, then checks what is left, and that it goes on when there is space again. */
async function fillUp(t: ExecutionContext, folder: string, command: readonly string[], makeSpace: () => Promise<void>) {
  const full = await run(...command);
  t.is(full.status, 3, full.errors);
  t.regex(full.errors, /^store-full: .*(no space left)/);
  await makeSpace();
  const store = await EvidenceStore.open(folder, onDisk({ recipients }));
  const before = store.ledger.last;
  t.is((await seal(store, 50)).sequence, before + 1);
  await store.close();
  const kept = await checkStore(folder);
  const acknowledged = full.lines.filter((line) => line.startsWith('sealed ')).map((line) => line.slice(7));
  t.true(acknowledged.length > 0);
  t.deepEqual(
    acknowledged.filter((id) => !kept.evidence.includes(id)),
    [],
  );
  t.log(`${acknowledged.length} acknowledged, ${kept.evidence.length} kept: ${full.errors.split('\n')[0]}`);
}

test('a disk that is really full: the store says so, and keeps everything acknowledged', async (t) => {
  const disk = await mounted(t, 'size=1m');
  if (disk === undefined) {
    t.log('skipped: this user may not mount a small file system');
    t.pass();
    return;
  }
  const ballast = join(disk, 'ballast');
  await mkdir(ballast);
  await run('dd', 'if=/dev/zero', `of=${ballast}/file`, 'bs=1k', 'count=300');
  const folder = join(disk, 'evidence');
  const command = [process.execPath, workForever, folder, '4000', recipient];
  await fillUp(t, folder, command, () => rm(ballast, { recursive: true }));
});

test('a limit on the size of files acts as a full disk does', async (t) => {
  const folder = join(await newFolder(t), 'evidence');
  // The shell counts in blocks of 1024 bytes; the one segment is the first file to reach that many.
  const limited = ['bash', '-c', 'ulimit -f 40 && exec "$0" "$@"', process.execPath, workForever, folder, '1000000'];
  await fillUp(t, folder, limited, async () => undefined);
});

test('a file system that cannot be written: it is said what to do, and the store is as it was', async (t) => {
  const disk = await mounted(t, 'size=8m');
  const folder = join(disk ?? (await newFolder(t)), 'evidence');
  const store = await EvidenceStore.open(folder, onDisk({ recipients }));
  await seal(store, 10);
  await store.close();
  const before = await checkStore(folder);
  if (disk === undefined) await chmod(folder, 0o500).then(() => chmod(join(folder, 'lock'), 0o400));
  else t.is((await run('mount', '-o', 'remount,ro', disk)).status, 0);
  const { code, hint, message } = await fault(EvidenceStore.open(folder, onDisk({ recipients })));
  t.is(code, 'store-failed', message);
  t.is(hint, 'Make the data folder writable for this user and start again.');
  t.deepEqual(await checkStore(folder), before);
  if (disk === undefined) await chmod(join(folder, 'lock'), 0o600).then(() => chmod(folder, 0o700));
  else t.is((await run('mount', '-o', 'remount,rw', disk)).status, 0);
  const again = await EvidenceStore.open(folder, onDisk({ recipients }));
  t.is((await seal(again, 20)).sequence, 2);
  await again.close();
});

for (const room of ['blobs', 'journal']) {
  test(`a disk that fills up in ${room} refuses evidence, says so each time, and loses nothing`, async (t) => {
    const files = new MemoryFiles();
    const store = await EvidenceStore.open('/data', inMemory(files, { recipients }));
    for (let i = 1; i <= 3; i += 1) await seal(store, i);
    files.plan = ({ kind, path }) =>
      kind === 'write' && path.startsWith(`/data/${room}`) ? { code: 'ENOSPC', bytes: 100 } : undefined;
    t.is((await fault(seal(store, 4))).code, 'store-full');
    files.plan = () => undefined;
    const refused = await fault(seal(store, 5));
    t.is(refused.code, 'store-full');
    t.true(refused.message.startsWith('no evidence is sealed any more'), refused.message);
    t.is(store.status.fault?.code, 'store-full');
    t.is((await linesOf(store)).length, 3);
    await store.close();
    const again = await EvidenceStore.open('/data', inMemory(files, { recipients }));
    t.is(again.opening.last, 3);
    t.is((await seal(again, 4)).sequence, 4);
    await again.close();
    t.is((await checkStore('/data', files)).evidence.length, 4);
  });
}

test('with only the reserve left evidence is refused; journal, log and erasures go on in it, and then evidence does', async (t) => {
  const files = new MemoryFiles();
  const reserveBytes = 200_000;
  const store = await EvidenceStore.open('/data', inMemory(files, { recipients, reserveBytes }));
  const { id } = await seal(store, 1);
  await seal(store, 2);
  const packageBytes = (await evidenceOf(store))[0]?.bytes as number;
  const used = 2 ** 40 - (await store.space()).free;
  files.capacity = used + reserveBytes - 1;
  const refused = await fault(seal(store, 3));
  t.is(refused.code, 'store-reserved');
  t.regex(refused.message, /evidence is refused: \d+ \w+ are free, and \d+ \w+ are kept for journal and log/);
  t.regex(refused.hint ?? '', /retention/);
  t.is(store.status.fault, undefined);
  t.is((await fault(seal(store, 4))).code, 'store-reserved');
  // With room for the journal and the log alone all the rest goes on.
  await store.custody.hold(id, 'court', clerk);
  await store.custody.release(id, 'court', clerk);
  t.is((await store.ledger.checkpoint()).size, 4);
  await store.custody.erase(id, clerk);
  t.true((await store.space()).free > reserveBytes - 20_000 + packageBytes - 20_000);
  files.capacity += 40_000;
  t.is((await seal(store, 5)).sequence, 6);
  await store.close();
  const { evidence, erased } = await checkStore('/data', files);
  t.deepEqual([evidence.length, erased], [3, [id]]);
});

test('a full disk: first the policy makes room, oldest first and no more than it needs; what is held stays, and then evidence is refused', async (t) => {
  const files = new MemoryFiles();
  const keepFreeBytes = 300_000;
  const options = inMemory(files, { recipients, policies: whenFull, reserveBytes: 100_000, keepFreeBytes });
  const store = await EvidenceStore.open('/data', options);
  const ids: string[] = [];
  for (let i = 1; i <= 4; i += 1) ids.push((await seal(store, i)).id);
  await store.custody.hold(ids[0] as string, 'court', clerk);
  const used = 2 ** 40 - (await store.space()).free;
  files.capacity = used + keepFreeBytes - 1;
  await seal(store, 5);
  const erased = async () => (await evidenceOf(store)).filter((line) => line.erased !== null).map(({ id }) => id);
  t.deepEqual(await erased(), [ids[1]]);
  // Whatever the policy lets go is not enough any more.
  files.capacity = (await store.space()).total - (await store.space()).free + 50_000;
  t.is((await fault(seal(store, 6))).code, 'store-reserved');
  t.deepEqual(
    (await evidenceOf(store)).filter((line) => line.erased === null).map(({ id }) => id),
    [ids[0]],
  );
  files.capacity += 400_000;
  await seal(store, 7);
  await store.close();
  t.deepEqual((await checkStore('/data', files)).held, [`${ids[0]} court`]);
});

test('the reserve alone, without a line to keep free, lets the policy make room before evidence is refused', async (t) => {
  const files = new MemoryFiles();
  const options = inMemory(files, { recipients, policies: whenFull, reserveBytes: 200_000 });
  const store = await EvidenceStore.open('/data', options);
  const { id } = await seal(store, 1);
  await seal(store, 2);
  files.capacity = 2 ** 40 - (await store.space()).free + 199_000;
  await seal(store, 3);
  t.deepEqual(
    (await evidenceOf(store)).filter(({ erased }) => erased !== null).map((line) => line.id),
    [id],
  );
  await store.close();
});
