/**
 * Hands frames, or whatever stands for them, from capture to detection.
 *
 * `newest`: a frame that nobody took is replaced by the next and counted as skipped: the unit sees the present, not a queue.
 * `every`: `put` waits until the frame before was taken: no frame of a recording is lost.
 *
 * For one that puts and one that takes: each waits for its last call before it makes the next.
 */
export class FrameMailbox<T extends object> {
  readonly #mode: 'newest' | 'every';
  readonly #onSkip: (frame: T) => void;
  #waiting: T | undefined;
  #closed = false;
  #wakeTaker: (() => void) | undefined;
  #wakePutter: (() => void) | undefined;

  /** `onSkip` gets each frame that was replaced before anybody took it. */
  constructor(mode: 'newest' | 'every', onSkip: (frame: T) => void) {
    this.#mode = mode;
    this.#onSkip = onSkip;
  }

  async put(frame: T): Promise<void> {
    while (this.#mode === 'every' && this.#waiting !== undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wakePutter = resolve;
      });
    }
    const replaced = this.#waiting;
    if (this.#closed) return this.#onSkip(frame);
    this.#waiting = frame;
    if (replaced !== undefined) this.#onSkip(replaced);
    this.#wakeTaker?.();
  }

  /** The newest frame, as soon as there is one; undefined when the mailbox is closed and empty. */
  async take(): Promise<T | undefined> {
    while (this.#waiting === undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
    }
    const frame = this.#waiting;
    this.#waiting = undefined;
    this.#wakePutter?.();
    return frame;
  }

  /** No further frame is accepted; the one that waits can still be taken. */
  close(): void {
    this.#closed = true;
    this.#wakeTaker?.();
    this.#wakePutter?.();
  }
}
