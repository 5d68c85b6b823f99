import type { Clock } from '../../../device/kernel/clock.ts';
import type { PublishedFile } from '../../../ota/contract/director.ts';

/** Where published files come from, as one unit may read them. */
export interface PublishedFiles {
  open(unit: string, path: string): Promise<PublishedFile | undefined>;
}

/** A file to read from until it is released. */
export interface Lease {
  readonly file: PublishedFile;
  release(): Promise<void>;
}

interface Held {
  readonly file: Promise<PublishedFile | undefined>;
  users: number;
  usedAt: number;
}

/** A file that nobody has read for so many milliseconds is closed when the next is opened. */
const idle = 60_000;

/**
 * Keeps targets open between blocks: their names carry their hash, so what is open is what there is. Metadata is opened anew each time, since
 * a newer one takes the place of the older under the same name.
 */
export class OpenFiles {
  readonly #files: PublishedFiles;
  readonly #clock: Clock;
  readonly #most: number;
  /** By unit and path, the one that was used last at the end. */
  readonly #held = new Map<string, Held>();

  constructor(files: PublishedFiles, clock: Clock, most: number) {
    this.#files = files;
    this.#clock = clock;
    this.#most = most;
  }

  get open(): number {
    return this.#held.size;
  }

  /** Undefined where there is none. Throws what opening it throws. */
  async take(unit: string, path: string): Promise<Lease | undefined> {
    if (!path.startsWith('targets/')) {
      const file = await this.#files.open(unit, path);
      return file === undefined ? undefined : { file, release: () => file.close() };
    }
    const key = `${unit} ${path}`;
    const now = this.#clock.monotonic();
    const held = this.#held.get(key) ?? { file: this.#files.open(unit, path), users: 0, usedAt: now };
    held.users += 1;
    held.usedAt = now;
    this.#held.delete(key);
    this.#held.set(key, held);
    try {
      const file = await held.file;
      if (file !== undefined) return { file, release: () => this.#release(held) };
    } catch (error) {
      this.#forget(key, held);
      throw error;
    }
    this.#forget(key, held);
    return undefined;
  }

  /** To be called when nothing is leased. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(all.map(closeQuietly));
  }

  async #release(held: Held): Promise<void> {
    held.users -= 1;
    const before = this.#clock.monotonic() - idle;
    for (const [key, one] of this.#held) {
      const surplus = this.#held.size > this.#most;
      if (!surplus && one.usedAt > before) return;
      if (one.users > 0) continue;
      this.#held.delete(key);
      await closeQuietly(one);
    }
  }

  #forget(key: string, held: Held): void {
    if (this.#held.get(key) === held) this.#held.delete(key);
  }
}

/** What was only read is closed as well as it goes. */
async function closeQuietly({ file }: Held): Promise<void> {
  await file.then((open) => open?.close()).catch(() => undefined);
}
