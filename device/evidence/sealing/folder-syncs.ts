import { storeFault } from '../../kernel/durable-file.ts';
import type { Files } from '../../kernel/files.ts';

interface Syncing {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Fsyncs of folders, shared: whoever asks while one of the same folder runs waits for the next one, and all who wait share it. A
 * promise that has resolved began after it was asked for.
 */
export class FolderSyncs {
  readonly #files: Files;
  readonly #syncing = new Map<string, Syncing>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** Throws `store-failed` or `store-full`. */
  sync(folder: string): Promise<void> {
    const syncing = this.#syncing.get(folder);
    if (syncing === undefined) return this.#begin(folder);
    syncing.next ??= syncing.running.then(
      () => this.#begin(folder),
      () => this.#begin(folder),
    );
    return syncing.next;
  }

  #begin(folder: string): Promise<void> {
    const running = this.#sync(folder);
    const syncing: Syncing = { running, next: undefined };
    this.#syncing.set(folder, syncing);
    const done = (): void => {
      if (this.#syncing.get(folder) === syncing && syncing.next === undefined) this.#syncing.delete(folder);
    };
    running.then(done, done);
    return running;
  }

  async #sync(folder: string): Promise<void> {
    try {
      await this.#files.syncFolder(folder);
    } catch (error) {
      throw storeFault(error, `cannot make the names in ${folder} durable`);
    }
  }
}
