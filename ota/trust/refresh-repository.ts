import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { storeFault } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { refusedUpdate } from '../contract/refusals.ts';
import { longestMetadata, type RepositoryName, type RepositorySource } from '../contract/repository.ts';
import type { RepositoryFloors } from './floors.ts';
import { type Judgement, judgeRepository, mostRoots, type TrustedRepository } from './judge-repository.ts';
import { roleNames } from './read-metadata.ts';
import { SourceFetcher } from './source-fetcher.ts';

export interface RefreshOptions {
  readonly name: RepositoryName;
  readonly source: RepositorySource;
  readonly trusted: TrustedRepository;
  readonly floors: RepositoryFloors;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A folder of this machine that may be emptied. */
  readonly scratch: string;
}

/**
 * One refresh of a repository by tuf-js, in a folder that is thrown away, since tuf-js writes as it goes and not durably. What it fetched is
 * judged again on its own: accepted is what both accept, and the judgement says which clause was broken.
 *
 * `absent`: the source has no metadata of this repository below its root. Throws what the source throws, and `store-full` or `store-failed`
 * where the folder cannot be written.
 */
export async function refreshRepository(options: RefreshOptions): Promise<Judgement & { readonly absent: boolean }> {
  const { name, source, trusted, floors, now } = options;
  const folder = join(options.scratch, name);
  const fetcher = new SourceFetcher(source, name);
  try {
    await layOut(folder, trusted);
    const refused = await runTuf(folder, fetcher, now);
    if (fetcher.fault !== undefined) throw fetcher.fault.error;
    const judgement = judgeRepository({ name, trusted, fetched: fetcher.fetched, floors, now });
    const absent = fetcher.fetched.has('timestamp.json') && fetcher.fetched.get('timestamp.json') === undefined;
    if (fetcher.refusal !== undefined) return { outcome: fetcher.refusal, absent };
    if (judgement.outcome.kind === 'accepted' && (refused !== undefined || !(await isWhatLies(folder, judgement)))) {
      await provable(folder);
      const why = refused instanceof Error ? refused.message : 'it has read something else';
      return { outcome: refusedUpdate('metadata-malformed', `tuf-js does not accept ${name}: ${why}`), absent };
    }
    return { ...judgement, absent };
  } finally {
    // What stays is removed by the next one.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function layOut(folder: string, trusted: TrustedRepository): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const role of roleNames) {
      const known = trusted[role];
      if (known !== undefined) await writeFile(join(folder, `${role}.json`), known.bytes);
    }
  } catch (error) {
    throw storeFault(error, `cannot lay metadata out in ${folder}`);
  }
}

/** What tuf-js threw; undefined where it was content. */
async function runTuf(folder: string, fetcher: SourceFetcher, now: number): Promise<unknown> {
  try {
    const updater = new Updater({
      metadataDir: folder,
      metadataBaseUrl: 'https://repository.invalid/',
      fetcher,
      config: {
        maxRootRotations: mostRoots,
        rootMaxLength: longestMetadata.root,
        timestampMaxLength: longestMetadata.timestamp,
        snapshotMaxLength: longestMetadata.snapshot,
        targetsMaxLength: longestMetadata.targets,
      },
    });
    setTime(updater, now);
    await updater.refresh();
    return undefined;
  } catch (error) {
    return error ?? new Error('for no reason');
  }
}

/**
 * tuf-js takes the time of the machine (5.1) and no other, and on a unit that is not to be trusted at each moment. Where it keeps it is no part
 * of its interface; a test notices when that has moved.
 */
function setTime(updater: Updater, now: number): void {
  const set: unknown = Reflect.get(updater, 'trustedSet');
  if (typeof set !== 'object' || set === null || !(Reflect.get(set, 'referenceTime') instanceof Date))
    throw new AtalayaError('internal', 'tuf-js keeps its time elsewhere than this program sets it');
  Reflect.set(set, 'referenceTime', new Date(now));
}

/** Whether what tuf-js has come to believe is, byte for byte, what was judged. */
async function isWhatLies(folder: string, { outcome }: Judgement): Promise<boolean> {
  if (outcome.kind !== 'accepted') return false;
  for (const role of roleNames) {
    const lies = await readFile(join(folder, `${role}.json`)).catch(() => undefined);
    if (lies === undefined || !lies.equals(outcome[role].bytes)) return false;
  }
  return true;
}

/** A folder that took no file is a fault of this machine, and no reason to refuse anybody. */
async function provable(folder: string): Promise<void> {
  try {
    await writeFile(join(folder, 'probe'), 'probe');
  } catch (error) {
    throw storeFault(error, `cannot write in ${folder}`);
  }
}
