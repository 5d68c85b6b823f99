import type { BundleManifest } from './bundle.ts';
import type { UpdateJob } from './job.ts';
import type { UpdateRefused } from './refusals.ts';
import type { RepositorySource } from './repository.ts';
import type { Target } from './target.ts';

/** The ports between whoever plans an update and whoever does each of its steps. */

/** Where an update comes from: the link to the centre, or a folder on a stick. */
export interface UpdateSource extends RepositorySource {
  /**
   * Blocks of a target's file into `sink`, in any order, only those that are asked for, until all are there, `signal` is aborted or the file
   * turns out to have another length. Throws `link-down` where the source is gone, `document-refused` where it says that there is no such
   * file, and what the sink throws.
   */
  blocks(path: string, wanted: BlockWishes, sink: BlockSink, signal: AbortSignal): Promise<void>;
}

/** What of a file is wanted, in steps of `blockStep` (4096) bytes. */
export interface BlockWishes {
  /** Bytes of the whole file. */
  readonly length: number;
  /** Whether the step that begins at this offset is not here yet. */
  wants(offset: number): boolean;
  /** Bytes a second that may be taken at most at this moment; undefined: as many as come. */
  rate(): number | undefined;
}

export interface BlockSink {
  /** A piece that begins at a multiple of `blockStep`. Resolves when the next may come; not durable by itself. */
  take(offset: number, bytes: Uint8Array): Promise<void>;
  /** Bytes that the file has, as the source says; told before the last piece. */
  lengthIs(bytes: number): void;
}

/** What both repositories say that this unit is to become; every check of it has passed. */
export interface VerifiedJob {
  readonly kind: 'verified';
  readonly job: UpdateJob;
  /** In the order of `job.install`, the program first. */
  readonly install: readonly Target[];
  /** Patches that lead to one of these. */
  readonly patches: readonly Target[];
}

export interface UpdateTrust {
  /** Fetches and checks the metadata of both repositories. `none`: the director has no job for this unit. Throws what the source throws. */
  check(source: RepositorySource): Promise<VerifiedJob | UpdateRefused | { readonly kind: 'none' }>;
  /** What was accepted last and has run out by a good clock; undefined where nothing has, or nothing was accepted. */
  outdated(): UpdateRefused | undefined;
  /** From now on no release of a component below these is taken. Durable when it resolves. */
  confirmed(releases: readonly Pick<Target['description'], 'kind' | 'name' | 'release'>[]): Promise<void>;
  /** Highest versions of metadata that were accepted; null where the unit obeys no such repository. */
  versions(): { readonly image: MetadataVersions | null; readonly director: MetadataVersions | null };
}

export interface MetadataVersions {
  readonly root: number;
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

export interface UpdateDownloads {
  /** Bytes of it that are durable here. */
  have(target: Target): Promise<number>;
  /**
   * Fetches what is missing. `complete`: the file at `path` has the length and the hash of the target, and is durable. A file of another
   * hash is refused and thrown away. Throws what the source throws; what had come stays.
   */
  fetch(
    target: Target,
    source: UpdateSource,
    options: {
      readonly signal: AbortSignal;
      readonly rate: () => number | undefined;
      readonly progress: (done: number) => void;
    },
  ): Promise<{ readonly kind: 'complete'; readonly path: string } | { readonly kind: 'stopped' } | UpdateRefused>;
  /** Removes everything but these targets. */
  keepOnly(targets: readonly Target[]): Promise<void>;
}

export interface UpdateInstaller {
  /** Unpacks a whole target into an empty or missing folder. Refused: the folder's content is litter. */
  unpack(target: Target, path: string, folder: string, signal: AbortSignal): Promise<Installed | UpdateRefused>;
  /** The same from a patch and the tree that it is applied to. */
  patch(
    target: Target,
    path: string,
    base: string,
    folder: string,
    signal: AbortSignal,
  ): Promise<Installed | UpdateRefused>;
  /** The hash of a tree on the disk, as `TreeDigest` has it: undefined where the folder is no tree. */
  digest(folder: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface Installed {
  readonly kind: 'installed';
  /** Checked against the target. */
  readonly manifest: BundleManifest;
}
