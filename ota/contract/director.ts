import type { UpdateJobInput } from './job.ts';
import type { Target } from './target.ts';

/**
 * Who signs what each unit is to become: the director's repositories, one for each unit, under one root; and the published files that units ask for.
 *
 * Guarantees: what `assign` has resolved for is durable, is served, and has a version above all before it, across restarts and for whoever
 * else assigns in the same folder; a target that the image repository does not have is never assigned.
 */
export interface Director {
  /** Every whole target and patch of the image repository, newest release first. */
  targets(): Promise<readonly Target[]>;
  /**
   * The targets that the job installs, and every patch that leads to one of them. Throws `document-refused` for what will never be signed: a
   * target that is not published, a job that is over. All else may be signed when it is asked for again: `authority-expired` where the image
   * repository has run out, `key-missing` where there is none yet, `key-invalid`, and `store-locked` where another process is signing.
   */
  assign(unit: string, job: UpdateJobInput): Promise<void>;
  /** Signs the unit's metadata anew before it runs out, where it has any; says whether it did. */
  refresh(unit: string): Promise<boolean>;
  /** Units that have a job. */
  units(): Promise<readonly string[]>;
  /** A published file as `unit` may read it, by its path in the layout (`repository.ts`); undefined where there is none. */
  open(unit: string, path: string): Promise<PublishedFile | undefined>;
}

export interface PublishedFile {
  /** Bytes. */
  readonly length: number;
  /** `length` bytes from `from` on, never beyond the end. */
  read(from: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}
