import { readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryTreeFiles } from '../../../device/kernel/testing/memory-tree-files.ts';
import type { TreeFiles } from '../../../device/kernel/tree-files.ts';
import type { Director } from '../../contract/director.ts';
import type { UpdateJobInput } from '../../contract/job.ts';
import type { RepositoryName } from '../../contract/repository.ts';
import type { Target, TargetDescription } from '../../contract/target.ts';
import { beginRepository } from '../begin-repository.ts';
import { openDirector } from '../director.ts';
import { publish } from '../publish.ts';
import type { TakeLock } from '../repository-folder.ts';
import type { MetadataSigner } from '../signers/metadata-signer.ts';
import { stageTargets } from '../stage-changes.ts';
import { keepStaged, signStaged, stagedIn } from '../staged.ts';
import { keepTarget } from '../target-files.ts';
import { memorySigner } from './memory-signers.ts';

/** Now: tuf-js knows no other time. */
export const madeAt = Math.floor(Date.now() / 1000) * 1000;
export const day = 86_400_000;
export const folder = '/repository';

/** Nobody else is there in a test. */
export const noLock: TakeLock = async () => ({ release: async () => undefined });

/** A repository in memory whose keys are all at hand. */
export interface MadePublisher {
  readonly files: TreeFiles & MemoryTreeFiles;
  readonly clock: ManualClock;
  /** Offline keys of three people, of both repositories. */
  readonly people: readonly [MetadataSigner, MetadataSigner, MetadataSigner];
  readonly office: { readonly snapshot: MetadataSigner; readonly timestamp: MetadataSigner };
  readonly online: {
    readonly targets: MetadataSigner;
    readonly snapshot: MetadataSigner;
    readonly timestamp: MetadataSigner;
  };
}

/** Nothing is signed yet. */
export async function madePublisher(files: MemoryTreeFiles = new MemoryTreeFiles()): Promise<MadePublisher> {
  const people = [memorySigner(), memorySigner('p256'), memorySigner()] as const;
  const office = { snapshot: memorySigner(), timestamp: memorySigner('p256') };
  const online = { targets: memorySigner(), snapshot: memorySigner(), timestamp: memorySigner() };
  const many = { keys: people.map(({ publicKey }) => publicKey), threshold: 2 };
  const one = ({ publicKey }: MetadataSigner) => ({ keys: [publicKey], threshold: 1 });
  await beginRepository(
    files,
    folder,
    {
      image: { root: many, targets: many, snapshot: one(office.snapshot), timestamp: one(office.timestamp) },
      director: {
        root: many,
        targets: one(online.targets),
        snapshot: one(online.snapshot),
        timestamp: one(online.timestamp),
      },
    },
    madeAt,
  );
  return { files, clock: new ManualClock(madeAt), people, office, online };
}

/** Signs whatever waits, each by those of `by` who have a say in it. */
export async function signWaiting(
  { files }: Pick<MadePublisher, 'files'>,
  by: readonly MetadataSigner[],
  which: readonly (readonly [RepositoryName, 'root' | 'targets'])[] = [
    ['director', 'root'],
    ['image', 'root'],
    ['image', 'targets'],
  ],
): Promise<void> {
  for (const [repository, role] of which) {
    const staged = await stagedIn(files, folder, repository, role);
    if (staged === undefined) continue;
    for (const signer of by) await signStaged(staged, signer);
    await keepStaged(files, folder, staged);
  }
}

export const publishMade = (made: MadePublisher, signers?: readonly MetadataSigner[]) =>
  publish({
    files: made.files,
    folder,
    signers: signers ?? [made.office.snapshot, made.office.timestamp],
    lock: noLock,
    now: made.clock.utc(),
  });

/** Founded: roots and empty targets are published, and these targets, if any, after them. */
export async function foundedPublisher(...targets: readonly MadeTarget[]): Promise<MadePublisher> {
  const made = await madePublisher();
  await signWaiting(made, [made.people[0], made.people[1]]);
  await publishMade(made);
  if (targets.length > 0) await publishTargets(made, targets);
  return made;
}

/** The root that units are given when they are enrolled; empty where none is published. */
export const firstRoot = async (
  { files }: Pick<MadePublisher, 'files'>,
  repository: RepositoryName = 'image',
): Promise<Buffer> => (await readWholeFile(files, `${folder}/${repository}/1.root.json`)) ?? Buffer.alloc(0);

/** The repository on a disk of its own: the whole of what was synced. */
export const copied = ({ files }: Pick<MadePublisher, 'files'>): MemoryTreeFiles =>
  files.survivors(() => 0) as MemoryTreeFiles;

/** A target with the bytes of its file. */
export interface MadeTarget {
  readonly target: Target;
  readonly bytes: Buffer;
}

export function madeTarget(name: string, release: number, changes: Partial<TargetDescription> = {}): MadeTarget {
  const bytes = Buffer.from(`the file ${name} of release ${release} `.repeat(40));
  return {
    bytes,
    target: {
      target: name,
      length: bytes.byteLength,
      sha256: sha256(bytes),
      description: {
        kind: 'program',
        name: 'unit',
        version: `1.${release}.0`,
        release,
        hardware: ['x64'],
        tree: { sha256: sha256(`tree of release ${release}`), length: 4096 },
        ...changes,
      },
    },
  };
}

export const seven = madeTarget('unit-1.7.0-r7-x64.tar.zst', 7);
export const eight = madeTarget('unit-1.8.0-r8-x64.tar.zst', 8);
export const model = madeTarget('ssd-3-r3-x64.tar.zst', 3, {
  kind: 'model',
  name: 'ssd',
  version: '3',
  tree: { sha256: 'd'.repeat(64), length: 2048 },
});

/** Stages targets with their files; they wait for signatures. */
export async function addMade({ files, clock }: MadePublisher, made: readonly MadeTarget[]): Promise<void> {
  for (const { target, bytes } of made) {
    await writeWholeFile(files, `/${target.target}`, bytes);
    await keepTarget(files, folder, target, `/${target.target}`);
  }
  await stageTargets(files, folder, { add: made.map(({ target }) => target), remove: [] }, clock.utc());
}

/** Adds, has two people sign, publishes. */
export async function publishTargets(made: MadePublisher, targets: readonly MadeTarget[]): Promise<void> {
  await addMade(made, targets);
  await signWaiting(made, [made.people[1], made.people[2]]);
  await publishMade(made);
}

export const madeDirector = (made: MadePublisher, files: TreeFiles = made.files): Promise<Director> =>
  openDirector({ folder, keys: made.online, clock: made.clock, files, lock: noLock });

export const madeJob = (
  id: string,
  install: readonly string[],
  changes: Partial<UpdateJobInput> = {},
): UpdateJobInput => ({
  id,
  install: [...install],
  nonce: sha256(id).slice(0, 32),
  issued: new Date(madeAt).toISOString(),
  expires: new Date(madeAt + 20 * day).toISOString(),
  ...changes,
});
