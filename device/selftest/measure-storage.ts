import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import type { Files } from '../kernel/files.ts';
import type { StorageFacts } from './facts.ts';

/** Small writes, each made durable: of 100, the slowest but one is the 99th of a hundred. */
const small = { bytes: 16 * 1024, count: 100 } as const;
const large = { bytes: 1024 * 1024, count: 8 } as const;
/** A medium that is so slow that it would hold the test up is known to be slow by then, ms. */
const patience = 10_000;

export interface StorageOptions {
  /** On the medium that evidence lies on; written to, and left as it was. */
  readonly folder: string;
  readonly reserveBytes: number;
  readonly files: Files;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const name = 'selftest.part';

/**
 * How long a durable write takes, and how many are written a second: 1.6 MB in small writes, each with its fdatasync, as the journal does, then 8 MB
 * at once, as a clip. Of zeros nothing is learnt on media that compress, so the bytes are mixed. Faults of the disk are a value.
 */
export async function measureStorage({ folder, reserveBytes, files, clock }: StorageOptions): Promise<StorageFacts> {
  const path = join(folder, name);
  try {
    const { free, total } = await files.space(folder);
    // A full disk is not made fuller.
    if (free < reserveBytes + 2 * large.bytes * large.count) {
      return { kind: 'full', freeBytes: free, totalBytes: total, reserveBytes };
    }
    const times = await timesOf(path, files, clock);
    const sorted = times.small.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return {
      kind: 'measured',
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      megabytesPerSecond: times.rate,
      freeBytes: free,
      totalBytes: total,
      reserveBytes,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', says: `The data folder ${folder} cannot be written: ${why}` };
  }
}

async function timesOf(
  path: string,
  files: Files,
  clock: Pick<Clock, 'monotonic'>,
): Promise<{ readonly small: readonly number[]; readonly rate: number }> {
  const file = await files.open(path, 'create');
  try {
    const piece = mixed(small.bytes);
    const times: number[] = [];
    const begun = clock.monotonic();
    for (let i = 0; i < small.count && clock.monotonic() - begun < patience; i++) {
      const from = clock.monotonic();
      await file.write([piece], i * small.bytes);
      await file.datasync();
      times.push(clock.monotonic() - from);
    }
    const block = mixed(large.bytes);
    const from = clock.monotonic();
    let written = 0;
    while (written < large.count && clock.monotonic() - from < patience) {
      await file.write([block], written * large.bytes);
      written += 1;
    }
    await file.datasync();
    const ms = Math.max(clock.monotonic() - from, 0.001);
    return { small: times, rate: (written * large.bytes) / 1000 / ms };
  } finally {
    await file.close();
    await files.remove(path);
  }
}

/** Bytes of which no two runs are alike (a linear congruence, its high bits). */
function mixed(bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  let state = 12_345;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    made[i] = state >>> 24;
  }
  return made;
}
