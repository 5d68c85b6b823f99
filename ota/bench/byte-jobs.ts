import { runInProcess } from '../../device/bench/job-process.ts';
import { nodeFlags, smallMemory } from '../../provisioning/service/service-settings.ts';
import type { Target } from '../contract/target.ts';

/** What is measured in a process of its own: its memory, and its time without what others do. */
export type Job =
  /** The archive of a folder, uncompressed. */
  | { readonly kind: 'archive'; readonly folder: string; readonly out: string }
  /** The same as a whole target's file. */
  | { readonly kind: 'whole'; readonly folder: string; readonly out: string; readonly level: number }
  | {
      readonly kind: 'make';
      readonly base: string;
      readonly result: string;
      readonly out: string;
      readonly scratch: string;
    }
  /** What a unit does: a tree of a patch and its base, on the disk, durable, its hash compared. */
  | {
      readonly kind: 'apply';
      readonly target: Target;
      readonly patch: string;
      readonly base: string;
      readonly folder: string;
    }
  /** What a unit does: a target out of a folder, and its tree, on the disk, durable, its hash compared. */
  | { readonly kind: 'install'; readonly target: Target; readonly source: string; readonly folder: string }
  /** As much as a process takes that has all of it loaded and does nothing. */
  | { readonly kind: 'idle' };

export interface JobResult {
  readonly seconds: number;
  /** Bytes that the process had at most (proc(5), VmHWM). */
  readonly peak: number;
}

/** Nothing that is measured takes so long. */
const deadline = 20 * 60_000;

/** `unit`: with the flags and the environment that the unit's own program has. Rejects with `internal` and the reason where the job fails. */
export function runJob(job: Job, as: 'unit' | 'publisher' = 'publisher'): Promise<JobResult> {
  const unit = { execArgv: nodeFlags.split(' '), env: { ...process.env, ...environmentOf(smallMemory) } };
  return runInProcess(new URL('./byte-worker.ts', import.meta.url), job, deadline, as === 'unit' ? unit : {});
}

/** Of `NAME=VALUE` words. */
const environmentOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(text.split(' ').map((word) => word.split('=') as [string, string]));
