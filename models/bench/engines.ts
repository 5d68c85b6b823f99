import type { Clock } from '../../device/kernel/clock.ts';

/** Something that infers one picture: every inference engine is one. */
export interface BenchSubject {
  readonly name: string;
  infer(input: Uint8Array): Promise<unknown>;
}

export interface EngineFigures {
  readonly name: string;
  /** Inferences that were timed. */
  readonly count: number;
  /** Milliseconds of one inference, its promise included. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** Processor time of the whole process over one inference, all threads, milliseconds. */
  readonly processor: number;
}

export interface BenchOptions {
  readonly clock: Clock;
  /** Times that each subject sees all frames. */
  readonly rounds?: number;
  /** Inferences before the first that counts, in every round: caches and clock rates settle. */
  readonly warmUp?: number;
  readonly signal?: AbortSignal;
}

/**
 * Times subjects side by side on the same frames: in every round each of them sees every frame, so that whatever else the machine does
 * falls on all of them. Ends early, with what was timed, when the signal is aborted.
 */
export async function benchEngines(
  frames: readonly Uint8Array[],
  subjects: readonly BenchSubject[],
  { clock, rounds = 3, warmUp = 3, signal }: BenchOptions,
): Promise<EngineFigures[]> {
  const timings = subjects.map((): number[] => []);
  const processor = subjects.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    for (const [i, subject] of subjects.entries()) {
      for (const frame of frames.slice(0, warmUp)) await subject.infer(frame);
      const before = process.cpuUsage();
      for (const frame of frames) {
        if (signal?.aborted) break;
        const start = clock.monotonic();
        await subject.infer(frame);
        timings[i]!.push(clock.monotonic() - start);
      }
      const { user, system } = process.cpuUsage(before);
      processor[i]! += (user + system) / 1000;
    }
  }
  return subjects.map(({ name }, i) => {
    const sorted = timings[i]!.toSorted((a, b) => a - b);
    const count = sorted.length;
    return {
      name,
      count,
      median: quantile(sorted, 0.5),
      p10: quantile(sorted, 0.1),
      p90: quantile(sorted, 0.9),
      processor: processor[i]! / count,
    };
  });
}

/** Nearest-rank quantile of sorted values; NaN where there are none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
