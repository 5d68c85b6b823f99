import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { milliseconds } from '../../kernel/units.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { createIdentity } from '../sealing/identity.ts';
import type { StoreOptions } from '../store-options.ts';
import type { Acknowledged } from './agreement.ts';
import { clerk, evidenceOf, inMemory, seal } from './stores.ts';

/** Work on a store that a fault may end at any operation. */
export interface Scenario {
  readonly name: string;
  /** A file system of its own, as the work finds it, and what had been acknowledged before. */
  readonly begin: () => Promise<{ readonly files: MemoryFiles; readonly before: Acknowledged }>;
  readonly options: (files: MemoryFiles) => StoreOptions;
  readonly work: (store: EvidenceStore, done: Acknowledged) => Promise<void>;
}

export const folder = '/data';
const day = 86_400_000;
const start = 1_700_000_000_000;

const { recipient } = await createIdentity();
const recipients = { authority: [recipient], operators: [] };

const plain = (files: MemoryFiles): StoreOptions => inMemory(files);
const sealed = (files: MemoryFiles): StoreOptions => inMemory(files, { recipients });

export const nothing = (): Acknowledged => ({ entries: new Map(), erased: new Set(), held: new Set() });

/** Everything as it stands, on a file system of its own. */
const copyOf = (files: MemoryFiles): MemoryFiles => files.survivors(() => 0.999);

/** A file system on which a store did something; made once, copied for each trial. */
function prepared(
  options: (files: MemoryFiles) => StoreOptions,
  work: (store: EvidenceStore, done: Acknowledged) => Promise<void>,
  afterwards: (files: MemoryFiles, done: Acknowledged) => Promise<MemoryFiles> = async (files) => files,
): Scenario['begin'] {
  const making = (async () => {
    const files = new MemoryFiles();
    const before = nothing();
    const store = await EvidenceStore.open(folder, options(files));
    await work(store, before);
    await store.close();
    return { files: await afterwards(files, before), before };
  })();
  making.catch(() => undefined);
  return async () => {
    const { files, before } = await making;
    const { entries, erased, held } = before;
    return {
      files: copyOf(files),
      before: { entries: new Map(entries), erased: new Set(erased), held: new Set(held) },
    };
  };
}

async function sealAll(store: EvidenceStore, done: Acknowledged, frames: readonly number[]): Promise<void> {
  for (const frame of frames) {
    const { sequence, recordSha256 } = await seal(store, frame);
    done.entries.set(sequence, recordSha256);
  }
}

async function eraseOne(store: EvidenceStore, done: Acknowledged, id: string): Promise<void> {
  done.entries.set((await store.custody.erase(id, clerk)).sequence, undefined);
  done.erased.add(id);
}

const id = (sequence: number): string => `unit-1-${String(sequence).padStart(9, '0')}`;
const packages = prepared(sealed, (store, done) => sealAll(store, done, [10, 20]));
const records = prepared(plain, (store, done) => sealAll(store, done, [10, 20, 30]));
const wide = (files: MemoryFiles): StoreOptions => inMemory(files, { segmentBytes: 200_000 });
const many = Array.from({ length: 258 }, (_, i) => i + 10);
const long = (spoilt: string) =>
  prepared(
    wide,
    (store, done) => sealAll(store, done, many),
    async (files) => {
      await files.remove(`${folder}/${spoilt}`);
      return files;
    },
  );

const idle = async (): Promise<void> => undefined;

/** A power cut between the statement of an erasure and the first destroyed byte, then a torn tail, and no index. */
const unfinished = prepared(
  sealed,
  (store, done) => sealAll(store, done, [10, 20]),
  async (files) => {
    const store = await EvidenceStore.open(folder, sealed(files));
    files.plan = ({ kind, path }) => (kind === 'open' && path.startsWith(`${folder}/keys/`) ? 'power-cut' : undefined);
    await store.custody.erase(id(1), clerk).catch(() => undefined);
    await store.close().catch(() => undefined);
    const after = copyOf(files);
    const name = (await after.list(`${folder}/journal`)).filter((one) => one.endsWith('.journal')).at(-1);
    const segment = await after.open(`${folder}/journal/${name}`, 'update');
    await segment.write([Buffer.from('J1 0000')], await segment.size());
    await segment.sync();
    await after.remove(`${folder}/index/00000000.json`).catch(() => undefined);
    return copyOf(after);
  },
);

/** What a store does while it is used, and a start after a crash. */
export const working: readonly Scenario[] = [
  {
    name: 'seals in a new store',
    begin: async () => ({ files: new MemoryFiles(), before: nothing() }),
    options: sealed,
    work: (store, done) => sealAll(store, done, [10]),
  },
  {
    name: 'seals that begin new segments',
    begin: records,
    options: (files) => inMemory(files, { segmentBytes: 2000 }),
    work: (store, done) => sealAll(store, done, [40, 50, 60, 70]),
  },
  {
    name: 'a checkpoint after each seal',
    begin: records,
    options: (files) => inMemory(files, { checkpoints: { entries: 1, time: milliseconds(1) } }),
    work: async (store, done) => {
      for (const frame of [40, 50, 60]) {
        await sealAll(store, done, [frame]);
        await store.ledger.checkpoint();
      }
    },
  },
  {
    name: 'holds and releases',
    begin: records,
    options: plain,
    work: async ({ custody }, { entries, held }) => {
      entries.set((await custody.hold(id(1), 'court', clerk)).sequence, undefined);
      held.add(`${id(1)} court`);
      entries.set((await custody.hold(id(2), 'court', clerk)).sequence, undefined);
      held.add(`${id(2)} court`);
      held.delete(`${id(1)} court`);
      entries.set((await custody.release(id(1), 'court', clerk)).sequence, undefined);
    },
  },
  {
    name: 'an erasure',
    begin: packages,
    options: sealed,
    work: (store, done) => eraseOne(store, done, id(1)),
  },
  {
    name: 'a pass of retention',
    begin: packages,
    options: (files) =>
      inMemory(files, {
        recipients,
        clock: new ManualClock(start + 10 * day),
        policies: [{ name: 'five days', rules: 'all', keepDays: 5, whenFull: false }],
      }),
    work: async (store, done) => {
      for (const one of (await store.retain()).erased) done.erased.add(one);
      if ((await evidenceOf(store)).some(({ erased }) => erased === null)) throw new Error('retention did not erase');
    },
  },
  { name: 'a start after a crash in an erasure', begin: unfinished, options: sealed, work: idle },
];

/** What a start makes anew. */
export const rebuilding: readonly Scenario[] = [
  { name: 'the index made anew', begin: long('index/00000000.json'), options: wide, work: idle },
  { name: 'the tiles made anew', begin: long('log/tile/0/001.p/2'), options: wide, work: idle },
  {
    name: 'the tiles made anew as was asked for',
    begin: long('log/tile/0/000'),
    options: (files) => ({ ...wide(files), rebuildLog: true }),
    work: idle,
  },
  { name: 'the checkpoint made anew', begin: long('log/checkpoint'), options: wide, work: idle },
];
