import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';

/** What one waits for and others ring; a ring that nobody waits for is heard by the next who does. */
export class Bell {
  readonly #timer: Timer;
  #rung = false;
  #waiting: AbortController | undefined;

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  ring(): void {
    this.#rung = true;
    this.#waiting?.abort();
  }

  /** Resolves when it is rung, at the latest after `time` milliseconds. One at a time. */
  async wait(time: number): Promise<void> {
    if (!this.#rung) {
      this.#waiting = new AbortController();
      await this.#timer.sleep(milliseconds(time), this.#waiting.signal);
      this.#waiting = undefined;
    }
    this.#rung = false;
  }
}
