import type { AtalayaError } from '../../kernel/errors.ts';
import { isSystemFault } from '../../kernel/linux/system-calls.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import { type GpioSystem, unavailable } from './find-line.ts';
import { type FromKeeper, type KeptEdge, toPlain, type WiringPlan } from './keeper-messages.ts';
import { getLine, requestInput, requestOutput, setLine, takeEvents } from './kept-line.ts';

/** A line that is gone is asked for again so often. */
const RETRY_MS = 1000;
/** How long a `read` waits for the edge that belongs to the level it saw: the kernel queues it a moment after the wire moved. */
const EDGE_WAIT_MS = 20;
const comesBack = 'Connect its chip again: the line is looked for every second.';

interface Output {
  readonly wire: OutputLine;
  descriptor: number | undefined;
}

interface Input {
  readonly wire: InputLine;
  descriptor: number | undefined;
  /** By the newest edge. */
  level: boolean;
  opening: number;
}

type Kept = Output | Input;

export interface WiresSystem extends GpioSystem {
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly now: () => number;
}

/**
 * The lines that a keeper holds. One that fails (its chip was unplugged) is told as lost and asked for again every second; the others
 * go on. An output that comes back is at its safe level.
 */
export class KeptWires {
  readonly #system: WiresSystem;
  readonly #tell: (message: FromKeeper) => void;
  readonly #outputs = new Map<string, Output>();
  readonly #inputs = new Map<string, Input>();
  #retryAt = 0;

  constructor(system: WiresSystem, tell: (message: FromKeeper) => void) {
    this.#system = system;
    this.#tell = tell;
  }

  /** `strict`: throws for the first line that cannot be opened; else that one is lost. */
  open({ outputs, inputs }: WiringPlan, strict: boolean): void {
    for (const wire of outputs) this.#outputs.set(wire.name, { wire, descriptor: undefined });
    for (const wire of inputs) this.#inputs.set(wire.name, { wire, descriptor: undefined, level: false, opening: 0 });
    for (const line of this.#lost()) {
      try {
        this.#request(line);
      } catch (error) {
        const fault = named(line, error);
        if (strict) throw fault;
        this.#tell({ kind: 'lost', line: line.wire.name, fault: toPlain(fault) });
      }
    }
    this.#retryAt = this.#system.now() + RETRY_MS;
  }

  /** Descriptors on which edges come. */
  get watched(): number[] {
    return [...this.#inputs.values()].flatMap(({ descriptor }) => (descriptor === undefined ? [] : [descriptor]));
  }

  /** When lost lines are to be asked for again; undefined where none is lost. */
  get retryAt(): number | undefined {
    return this.#lost().length === 0 ? undefined : this.#retryAt;
  }

  set(name: string, level: boolean): void {
    this.#use(this.#outputs.get(name), name, (descriptor) => setLine(this.#system.calls, descriptor, level));
  }

  /** The level now. Where it is not the one of the newest edge, the edge is on its way: it is waited for, so that it is told first. */
  read(name: string): boolean {
    const input = this.#inputs.get(name);
    return this.#use(input, name, (descriptor) => {
      const { calls } = this.#system;
      const level = getLine(calls, descriptor);
      if (input === undefined || level === input.level) return level;
      const ready = calls.poll([{ descriptor, readable: true, writable: false }], EDGE_WAIT_MS);
      this.takeEdges(new Set(ready.map((answer) => answer.descriptor)));
      // It failed while its edges were taken.
      if (input.descriptor === undefined) throw unavailable(`the line ${name} is gone`, comesBack);
      return getLine(calls, descriptor);
    });
  }

  makeSafe(): void {
    for (const output of this.#outputs.values()) {
      const { descriptor, wire } = output;
      if (descriptor === undefined) continue;
      try {
        setLine(this.#system.calls, descriptor, wire.safe);
      } catch (error) {
        this.#lose(output, error);
      }
    }
  }

  /** Takes what waits in the kernel on the descriptors that are ready, and tells it in its order across the lines. */
  takeEdges(ready: ReadonlySet<number>): void {
    const edges: KeptEdge[] = [];
    for (const input of this.#inputs.values()) {
      const { descriptor, wire, opening } = input;
      if (descriptor === undefined || !ready.has(descriptor)) continue;
      try {
        for (const { time, level, sequence } of takeEvents(this.#system.calls, descriptor)) {
          input.level = level;
          // The kernel dates a debounced edge by the end of its waiting, that is `debounceMs` after the wire last moved
          // (drivers/gpio/gpiolib-cdev.c, debounce_work_func): the moment when it moved is what is told.
          edges.push({ line: wire.name, level, time: Number(time) / 1e6 - wire.debounceMs, sequence, opening });
        }
      } catch (error) {
        this.#lose(input, error);
      }
    }
    if (edges.length === 0) return;
    edges.sort((a, b) => a.time - b.time);
    this.#tell({ kind: 'edges', edges });
  }

  retryLost(): void {
    if (this.retryAt === undefined || this.#system.now() < this.retryAt) return;
    for (const line of this.#lost()) {
      try {
        this.#request(line);
        this.#tell({ kind: 'back', line: line.wire.name });
      } catch {
        // Still gone, which was told when it went.
      }
    }
    this.#retryAt = this.#system.now() + RETRY_MS;
  }

  /** Makes the outputs safe and lets every line go. */
  release(): void {
    this.makeSafe();
    for (const line of this.#all()) {
      if (line.descriptor !== undefined) this.#close(line.descriptor);
      line.descriptor = undefined;
    }
  }

  #request(line: Kept): void {
    if ('opening' in line) {
      line.descriptor = requestInput(this.#system, line.wire);
      line.level = getLine(this.#system.calls, line.descriptor);
      line.opening += 1;
    } else line.descriptor = requestOutput(this.#system, line.wire);
  }

  #use<T>(line: Kept | undefined, name: string, what: (descriptor: number) => T): T {
    if (line?.descriptor === undefined) throw unavailable(`the line ${name} is gone`, comesBack);
    try {
      return what(line.descriptor);
    } catch (error) {
      if (isSystemFault(error)) throw this.#lose(line, error);
      throw error;
    }
  }

  #lose(line: Kept, error: unknown): AtalayaError {
    const fault = named(line, unavailable(lossOf(error), comesBack, error));
    const { descriptor } = line;
    line.descriptor = undefined;
    if (descriptor !== undefined) this.#close(descriptor);
    this.#retryAt = this.#system.now() + RETRY_MS;
    this.#tell({ kind: 'lost', line: line.wire.name, fault: toPlain(fault) });
    return fault;
  }

  #all(): Kept[] {
    return [...this.#outputs.values(), ...this.#inputs.values()];
  }

  #lost(): Kept[] {
    return this.#all().filter(({ descriptor }) => descriptor === undefined);
  }

  #close(descriptor: number): void {
    try {
      this.#system.calls.close(descriptor);
    } catch {
      // It is not ours any more either way.
    }
  }
}

function named({ wire }: Kept, error: unknown): AtalayaError {
  const { message, hint } = toPlain(error);
  return unavailable(`${wire.name}: ${message}`, hint, error);
}

function lossOf(error: unknown): string {
  if (isSystemFault(error, 'ENODEV', 'ENXIO', 'EBADF')) return 'its GPIO chip is gone';
  return `the kernel does not serve the line any more${isSystemFault(error) ? ` (${error.code})` : ''}`;
}
