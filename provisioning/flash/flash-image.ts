import { createHash } from 'node:crypto';
import type { Clock } from '../../device/kernel/clock.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { OpenFile } from '../../device/kernel/files.ts';
import type { BlockDevice } from './block-device.ts';

export interface FlashProgress {
  readonly step: 'checking' | 'writing' | 'reading back';
  /** Bytes. */
  readonly done: number;
  readonly total: number;
  /** Bytes in a second, over the last seconds; 0 before anything can be said. */
  readonly speed: number;
}

export interface FlashJob {
  readonly image: OpenFile;
  /** Hexadecimal, of the whole image. */
  readonly sha256: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: (now: FlashProgress) => void;
}

export type FlashOutcome =
  | { readonly kind: 'done'; readonly bytes: number }
  /** Nothing was written to the disk. */
  | { readonly kind: 'image-differs'; readonly got: string }
  /** What is left on the disk does not start. */
  | { readonly kind: 'stopped'; readonly written: number }
  | { readonly kind: 'failed'; readonly step: 'writing' | 'reading back'; readonly at: number; readonly why: DiskFault }
  | { readonly kind: 'read-back-differs'; readonly got: string };

/** What happened to the disk, as far as the system's error says it. */
export type DiskFault = 'unplugged' | 'full' | 'read-only' | 'medium';

/** Bytes that are written before they are made durable: what a pulled card can lose unnoticed. */
export const chunkBytes = 4 * 1024 * 1024;

/**
 * Writes an image and reads it back.
 *
 * Guarantees: nothing is written before the image was read whole and has its hash. The start of the disk, where firmware looks first, is
 * emptied before anything else and written last, when all the rest was read back and was right: a disk on which this did not come to its end
 * starts nothing. `done` means that the medium gave back every byte.
 */
export async function flashImage(device: () => Promise<BlockDevice>, job: FlashJob): Promise<FlashOutcome> {
  const total = await job.image.size();
  const got = await hashImage(job, total);
  if (got === undefined) return { kind: 'stopped', written: 0 };
  if (got !== job.sha256) return { kind: 'image-differs', got };
  const disk = await device();
  try {
    return await writeAndCompare(disk, job, total);
  } finally {
    // A disk that is gone cannot be closed properly, and the outcome is known by then.
    await disk.close().catch(() => undefined);
  }
}

async function hashImage({ image, clock, signal, progress }: FlashJob, total: number): Promise<string | undefined> {
  const hash = createHash('sha256');
  const speed = new Speed(clock);
  const block = Buffer.alloc(chunkBytes);
  for (let at = 0; at < total; ) {
    if (signal.aborted) return undefined;
    const read = await image.read(block, at);
    if (read === 0) break;
    hash.update(block.subarray(0, read));
    at += read;
    progress({ step: 'checking', done: at, total, speed: speed.at(at) });
  }
  return hash.digest('hex');
}

async function writeAndCompare(disk: BlockDevice, job: FlashJob, total: number): Promise<FlashOutcome> {
  const { image, clock, signal, progress, sha256 } = job;
  const first = Buffer.alloc(Math.min(chunkBytes, total));
  const block = Buffer.alloc(chunkBytes);
  let at = 0;
  let step: 'writing' | 'reading back' = 'writing';
  try {
    await disk.write(Buffer.alloc(first.byteLength), 0);
    await disk.sync();
    const speed = new Speed(clock);
    for (at = first.byteLength; at < total; ) {
      if (signal.aborted) return { kind: 'stopped', written: at };
      const read = await image.read(block, at);
      if (read === 0) throw new AtalayaError('source-truncated', 'the image became shorter while it was read');
      await disk.write(block.subarray(0, read), at);
      await disk.sync();
      at += read;
      progress({ step, done: at, total, speed: speed.at(at) });
    }
    step = 'reading back';
    at = first.byteLength;
    await image.read(first, 0);
    const hash = createHash('sha256').update(first);
    const reading = new Speed(clock);
    for await (const bytes of disk.readBack(at, total - at)) {
      if (signal.aborted) return { kind: 'stopped', written: total };
      hash.update(bytes);
      at += bytes.byteLength;
      progress({ step, done: at, total, speed: reading.at(at) });
    }
    const got = hash.digest('hex');
    if (got !== sha256) return { kind: 'read-back-differs', got };
    step = 'writing';
    at = 0;
    if (signal.aborted) return { kind: 'stopped', written: total };
    await disk.write(first, 0);
    await disk.sync();
    step = 'reading back';
    const start: Uint8Array[] = [];
    for await (const bytes of disk.readBack(0, first.byteLength)) start.push(Uint8Array.from(bytes));
    if (Buffer.concat(start).equals(first)) return { kind: 'done', bytes: total };
    await empty(disk, first.byteLength);
    return { kind: 'read-back-differs', got: createHash('sha256').update(Buffer.concat(start)).digest('hex') };
  } catch (error) {
    const why = faultOf(error);
    if (why === undefined) throw error;
    return { kind: 'failed', step, at, why };
  }
}

/** A card that gives back something else must not start. One that cannot even be emptied has failed anyway. */
async function empty(disk: BlockDevice, length: number): Promise<void> {
  try {
    await disk.write(Buffer.alloc(length), 0);
    await disk.sync();
  } catch (error) {
    if (faultOf(error) === undefined) throw error;
  }
}

const faults: Readonly<Record<string, DiskFault>> = {
  ENXIO: 'unplugged',
  ENODEV: 'unplugged',
  ENOMEDIUM: 'unplugged',
  ENOSPC: 'full',
  EROFS: 'read-only',
  EPERM: 'read-only',
  EIO: 'medium',
  EREMOTEIO: 'medium',
  EBADMSG: 'medium',
};

const faultOf = (error: unknown): DiskFault | undefined => faults[systemCode(error) ?? ''];

/** Bytes in a second over the last five seconds or so. */
class Speed {
  readonly #clock: Clock;
  #from: { readonly at: number; readonly time: number } | undefined;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  at(done: number): number {
    const time = this.#clock.monotonic();
    this.#from ??= { at: done, time };
    const passed = time - this.#from.time;
    if (passed >= 250) this.#last = ((done - this.#from.at) / passed) * 1000;
    if (passed >= 5000) this.#from = { at: done, time };
    return this.#last;
  }
}
