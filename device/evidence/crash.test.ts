import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { EvidenceStore } from './evidence-store.ts';
import { createIdentity } from './sealing/identity.ts';
import { checkStore } from './testing/check-store.ts';
import { type Ran, type Running, start, workForever } from './testing/run-program.ts';
import { onDisk } from './testing/stores.ts';

/** More or fewer of them with ATALAYA_CRASHES. */
const { ATALAYA_CRASHES = '200' } = process.env;
const crashes = Number(ATALAYA_CRASHES);
/** Kills after which the store is checked, and checks after which a new one is begun. */
const killsPerCheck = 10;
const checksPerStore = 5;

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-crash-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Programs that have started and wait for the word to open the store, so that no test waits for their start. */
async function* programs(argumentsOf: (number: number) => readonly string[], cache: string): AsyncGenerator<Running> {
  const waiting: Running[] = [];
  const command = [process.execPath, workForever];
  const env = { NODE_COMPILE_CACHE: cache };
  // Only a program that ends by itself leaves compiled code for the others.
  await start(command, env).ended;
  try {
    for (let number = 0; ; number += 1) {
      while (waiting.length < 4) waiting.push(start([...command, ...argumentsOf(number + waiting.length)], env));
      yield waiting.shift() as Running;
    }
  } finally {
    for (const { process: child } of waiting) child.kill('SIGKILL');
  }
}

/** Lets a program begin and write so many lines, and kills it so long afterwards, milliseconds. */
async function killed({ process: child, written, ended }: Running, lines: number, after: number): Promise<Ran> {
  child.stdin?.write('go\n');
  await written(lines);
  await wait(after);
  child.kill('SIGKILL');
  return ended;
}

test('killed at random, again and again: everything acknowledged is there, and nothing is half there', async (t) => {
  t.timeout(60_000 + crashes * 3000);
  const root = await newFolder(t);
  const { recipient } = await createIdentity();
  const random = seededRandom(20_260_117);
  const perStore = killsPerCheck * checksPerStore;
  const folderOf = (number: number): string => join(root, `evidence-${Math.floor(number / perStore)}`);
  const sealsPictures = (number: number): boolean => Math.floor(number / perStore) % 3 === 0;
  const argumentsOf = (number: number) => [folderOf(number), '4000', ...(sealsPictures(number) ? [recipient] : [])];
  const acknowledged = new Set<string>();
  let [all, torn, finished] = [0, 0, 0];
  let number = 0;
  for await (const program of programs(argumentsOf, join(root, 'cache'))) {
    // Every fourth one is killed while it opens the store or soon after, the others at some act of theirs.
    const opening = number % 4 === 0;
    const { lines, errors, status } = await killed(
      program,
      opening ? 0 : random() * 9,
      random() * (opening ? 120 : 25),
    );
    t.is(status, null, `the program ended by itself: ${errors}`);
    for (const line of lines) if (line !== 'open') acknowledged.add(line);
    number += 1;
    if (number % killsPerCheck === 0 || number === crashes) {
      const { opening } = await looked(t, folderOf(number - 1), acknowledged, number);
      torn += opening.torn === undefined ? 0 : 1;
      finished += opening.finishedErasures;
    }
    if (number % perStore === 0 || number === crashes) {
      all += acknowledged.size;
      acknowledged.clear();
    }
    if (number === crashes) break;
  }
  t.true(all > crashes, String(all));
  t.log(
    `${crashes} kills, ${all} acknowledged, ${torn} torn tails cut and ${finished} erasures finished where it was looked`,
  );
});

/** Opens and closes a store after a crash, and compares what an independent check finds with what was acknowledged. */
async function looked(t: ExecutionContext, folder: string, acknowledged: ReadonlySet<string>, number: number) {
  const store = await EvidenceStore.open(folder, onDisk({ boot: `after-${number}` }));
  await store.close();
  const { evidence, actions, records, checkpoint } = await checkStore(folder);
  const found = new Set([...evidence.map((id) => `sealed ${id}`), ...actions.map(acknowledgement)]);
  t.deepEqual(
    [...acknowledged].filter((line) => !found.has(line)),
    [],
    `after kill ${number}`,
  );
  t.is(checkpoint ?? 0, records.length);
  return store;
}

const words: Readonly<Record<string, string>> = { hold: 'held', release: 'released', erase: 'erased' };
const acknowledgement = (action: string): string => action.replace(/^\w+/, (kind) => words[kind] ?? kind);

test('a store that another process holds is refused with its number, and free when that process is killed', async (t) => {
  const folder = join(await newFolder(t), 'evidence');
  const holder = start([process.execPath, workForever, folder]);
  holder.process.stdin?.write('go\n');
  await holder.written(1);
  const refused = await t.throwsAsync(EvidenceStore.open(folder, onDisk()), { code: 'store-locked' });
  t.true(refused?.message.includes(`is in use by process ${holder.process.pid}`), refused?.message);
  holder.process.kill('SIGKILL');
  t.is((await holder.ended).status, null);
  await t.notThrowsAsync(async () => (await EvidenceStore.open(folder, onDisk())).close());
});

test('two programs that begin at once: one has the store, the other is refused', async (t) => {
  const folder = join(await newFolder(t), 'evidence');
  const [one, other] = [0, 1].map(() => start([process.execPath, workForever, folder])) as [Running, Running];
  for (const { process: child } of [one, other]) child.stdin?.write('go\n');
  const loser = await Promise.race([one.ended, other.ended]);
  t.not(loser.status, 0);
  t.regex(loser.errors, /store-locked/);
  t.deepEqual(loser.lines, []);
  // On a busy machine the winner may not have sealed anything when the loser ends; of the loser it is known at once.
  await Promise.all([one.written(1), other.written(1)]);
  for (const { process: child } of [one, other]) child.kill('SIGKILL');
  const lines = (await Promise.all([one.ended, other.ended])).map((ran) => ran.lines.length > 0);
  t.deepEqual(lines.sort(), [false, true]);
});
