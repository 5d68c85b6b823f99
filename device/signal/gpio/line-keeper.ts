import { Buffer } from 'node:buffer';
import { isSystemFault, type PollWish } from '../../kernel/linux/system-calls.ts';
import { type FromKeeper, LineSplit, type ToKeeper, toPlain } from './keeper-messages.ts';
import { KeptWires, type WiresSystem } from './kept-wires.ts';

/** Above this much unsent, no edges are taken from the kernel: they wait there, and what runs over is seen by its number. */
const UNSENT_BYTES = 256 * 1024;

export interface KeeperSystem extends WiresSystem {
  /** Descriptors to the unit. */
  readonly input: number;
  readonly output: number;
}

/**
 * Holds the lines for the unit, one step after the other, and outlives it for a moment.
 *
 * Guarantees: outputs are at their safe level from their opening on, and are brought there when the unit's end of the pipe closes,
 * whatever closed it, and when it says nothing for the agreed time; edges leave in the order of their times; an answer to `read`
 * follows the edges that led to the level. Where the unit does not read, edges wait in the kernel and the keeper still obeys the end.
 */
export class LineKeeper {
  readonly #system: KeeperSystem;
  readonly #wires: KeptWires;
  readonly #split = new LineSplit();
  #unsent = Buffer.alloc(0);
  #silence = Number.POSITIVE_INFINITY;
  #heard = 0;
  #silenced = false;
  #over = false;

  constructor(system: KeeperSystem) {
    this.#system = system;
    this.#wires = new KeptWires(system, (message) => this.#tell(message));
  }

  /** Waits for something to do, at most `wait` milliseconds, and does it. False when it is over: the lines are safe and let go. */
  step(wait = Number.POSITIVE_INFINITY): boolean {
    if (this.#over) return false;
    const { calls, input, output } = this.#system;
    const ready = calls.poll(this.#wishes(), this.#patience(wait));
    this.#wires.takeEdges(new Set(ready.map(({ descriptor }) => descriptor)));
    if (ready.some(({ descriptor }) => descriptor === input)) this.#hear();
    if (ready.some(({ descriptor, gone }) => gone && descriptor === output)) this.#end();
    if (this.#over) return false;
    this.#mindSilence();
    this.#wires.retryLost();
    if (ready.some(({ descriptor, writable }) => writable && descriptor === output)) this.#send();
    return !this.#over;
  }

  /** What is kept has to be sent before the program may end; waits for the unit no longer than it is there. */
  flush(): void {
    const { calls, output } = this.#system;
    for (let tries = 0; tries < 100 && this.#unsent.length > 0; tries += 1) {
      const [answer] = calls.poll([{ descriptor: output, readable: false, writable: true }], 100);
      if (answer?.gone === true) return;
      if (answer?.writable === true) this.#send();
    }
  }

  #wishes(): PollWish[] {
    const { input, output } = this.#system;
    const lines = this.#unsent.length > UNSENT_BYTES ? [] : this.#wires.watched;
    return [
      { descriptor: input, readable: true, writable: false },
      { descriptor: output, readable: false, writable: this.#unsent.length > 0 },
      ...lines.map((descriptor) => ({ descriptor, readable: true, writable: false })),
    ];
  }

  #patience(wait: number): number {
    const now = this.#system.now();
    const silent = this.#silenced ? Number.POSITIVE_INFINITY : this.#heard + this.#silence - now;
    const least = Math.min(wait, silent, (this.#wires.retryAt ?? Number.POSITIVE_INFINITY) - now);
    return Number.isFinite(least) ? Math.max(0, least) : -1;
  }

  #hear(): void {
    const bytes = Buffer.alloc(65_536);
    const size = this.#system.calls.read(this.#system.input, bytes);
    if (size === 0) this.#end();
    this.#heard = this.#system.now();
    this.#silenced = false;
    for (const text of this.#split.take(bytes.subarray(0, size))) {
      if (!this.#over) this.#obey(JSON.parse(text) as ToKeeper);
    }
  }

  #obey(message: ToKeeper): void {
    switch (message.kind) {
      case 'open':
        this.#open(message);
        break;
      case 'set':
        this.#answer(message.id, () => this.#wires.set(message.line, message.level));
        break;
      case 'read':
        this.#answer(message.id, () => this.#wires.read(message.line));
        break;
      case 'safe':
        this.#answer(message.id, () => this.#wires.makeSafe());
        break;
      case 'beat':
        this.#tell({ kind: 'beat' });
        break;
    }
  }

  #open({ plan, strict, silence }: Extract<ToKeeper, { kind: 'open' }>): void {
    try {
      this.#wires.open(plan, strict);
    } catch (error) {
      this.#tell({ kind: 'refused', fault: toPlain(error) });
      this.#end();
      return;
    }
    this.#silence = silence;
    this.#tell({ kind: 'opened' });
  }

  #mindSilence(): void {
    const after = this.#system.now() - this.#heard;
    if (this.#silenced || after < this.#silence) return;
    this.#silenced = true;
    this.#wires.makeSafe();
    this.#tell({ kind: 'silenced', after: Math.round(after) });
  }

  #answer(id: number, act: () => unknown): void {
    try {
      const level = act();
      this.#tell(typeof level === 'boolean' ? { kind: 'done', id, level } : { kind: 'done', id });
    } catch (error) {
      this.#tell({ kind: 'failed', id, fault: toPlain(error) });
    }
  }

  #tell(message: FromKeeper): void {
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(`${JSON.stringify(message)}\n`)]);
  }

  /** One write of what a pipe or socket takes at once where it is writable at all (PIPE_BUF), so that it does not wait for the unit. */
  #send(): void {
    try {
      const size = this.#system.calls.write(this.#system.output, this.#unsent.subarray(0, 4096));
      this.#unsent = this.#unsent.subarray(size);
    } catch (error) {
      if (!isSystemFault(error)) throw error;
      this.#end();
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wires.release();
  }
}
