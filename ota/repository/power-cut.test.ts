import { join } from 'node:path';
import test from 'ava';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import type { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { checkRepository } from './check.ts';
import { stageRotation } from './stage-changes.ts';
import {
  addMade,
  copied,
  eight,
  firstRoot,
  folder,
  foundedPublisher,
  type MadePublisher,
  madeAt,
  madeDirector,
  madeJob,
  publishMade,
  seven,
  signWaiting,
} from './testing/made-publisher.ts';
import { memorySigner } from './testing/memory-signers.ts';
import { tufClient } from './testing/tuf-client.ts';

/**
 * The power fails at every file operation of a publication and of an assignment that changes anything. Whatever is left, a client of tuf-js that knows the
 * state before takes the one before or the one after; the same call, made again, brings the one after.
 */

interface Case {
  readonly name: string;
  readonly prepare: (made: MadePublisher) => Promise<(made: MadePublisher) => Promise<unknown>>;
  readonly repository: 'image' | 'director';
}

/** A cut at one of these leaves what a cut at the next other operation leaves. */
const readings: ReadonlySet<string> = new Set(['open', 'read', 'list', 'space']);

const cases: readonly Case[] = [
  {
    name: 'new targets',
    repository: 'image',
    prepare: async (made) => {
      await addMade(made, [eight]);
      await signWaiting(made, [made.people[0], made.people[2]]);
      return publishMade;
    },
  },
  {
    name: 'new targets, under a root that takes the timestamp to another key',
    repository: 'image',
    prepare: async (made) => {
      await addMade(made, [eight]);
      const fresh = memorySigner();
      const { timestamp, snapshot } = made.office;
      await stageRotation(
        made.files,
        folder,
        { repository: 'image', roles: ['timestamp'], out: [timestamp.keyId], in: [fresh.publicKey] },
        madeAt,
      );
      await signWaiting(made, [made.people[0], made.people[2]]);
      return (again) => publishMade(again, [snapshot, timestamp, fresh]);
    },
  },
  {
    name: 'a root that retires a key of root and targets',
    repository: 'image',
    prepare: async (made) => {
      const fresh = memorySigner();
      await addMade(made, [eight]);
      const [first, stolen, third] = made.people;
      await stageRotation(
        made.files,
        folder,
        { repository: 'image', roles: ['root', 'targets'], out: [stolen.keyId], in: [fresh.publicKey] },
        madeAt,
      );
      await signWaiting(made, [first, third]);
      return publishMade;
    },
  },
  {
    name: 'another job',
    repository: 'director',
    prepare: async () => async (made) =>
      (await madeDirector(made)).assign('unit-1', madeJob('job-2', [seven.target.target])),
  },
];

for (const { name, prepare, repository } of cases) {
  test(`a power cut at every change of the disk: ${name}`, async (t) => {
    const scratch = scratchFolder(t);
    const made = await foundedPublisher(seven);
    await (await madeDirector(made)).assign('unit-1', madeJob('job-1', [seven.target.target]));
    const root = await firstRoot(made, repository);
    const work = await prepare(made);
    let clients = 0;
    /** The version of targets that a client which knows only the first root ends with. */
    const seen = async (files: TreeFiles, cache = `fresh-${clients}`): Promise<number> => {
      clients += 1;
      const at = join(scratch, cache);
      await tufClient(files, folder, 'unit-1', repository, at, root).refresh();
      const text = await readWholeFile(systemFiles, join(at, 'targets.json'));
      return (JSON.parse((text ?? '').toString()) as { signed: { version: number } }).signed.version;
    };
    /** Each of them starts from a copy. */
    const copy = () => ({ ...made, files: copied(made) });
    const before = await seen(made.files);
    const whole = copy();
    const from = whole.files.operations;
    const changing: number[] = [];
    whole.files.plan = ({ kind, number }) => {
      if (!readings.has(kind)) changing.push(number - from);
      return undefined;
    };
    await work(whole);
    const after = await seen(whole.files);
    t.is(after, before + 1);
    t.true(changing.length > 10);
    const ends = new Set<number>();
    for (const cut of changing) {
      const trial = copy();
      const start = trial.files.operations;
      trial.files.plan = ({ number }) => (number === start + cut ? 'power-cut' : undefined);
      await t.throwsAsync(work(trial), undefined, `operation ${cut}`);
      // Some of what was under way has arrived, and all of it.
      const left = trial.files.survivors(seededRandom(cut)) as MemoryTreeFiles;
      for (const files of [left, trial.files.survivors(() => 0.999) as MemoryTreeFiles]) {
        const version = await seen(files);
        t.true(version === before || version === after, `operation ${cut} leaves ${version}`);
        ends.add(version);
      }
      const again = { ...made, files: left };
      await work(again);
      const last = await seen(left);
      t.true(last >= after, `operation ${cut}: the same call brings ${last}`);
      t.deepEqual((await checkRepository(left, folder, madeAt)).faults, [], `operation ${cut}`);
    }
    t.deepEqual([...ends].sort(), [before, after], 'both ends are met');
  });
}
