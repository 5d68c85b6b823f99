import { setImmediate } from 'node:timers/promises';

/**
 * Shares out the event loop among pieces of computing: one piece in each turn of the loop, however many ask, so that the loop is
 * never held longer than one piece takes.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  next(): Promise<void> {
    const turn = this.#last.then(() => setImmediate());
    this.#last = turn;
    return turn;
  }
}
