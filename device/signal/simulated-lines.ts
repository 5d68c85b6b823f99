import type { Clock } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Milliseconds } from '../kernel/units.ts';
import type { LineEdge, Lines } from './lines.ts';
import { addWatcher, type Watchers } from './watchers.ts';

export interface SimulatedOutput {
  readonly name: string;
  /** Level that is safe: at the start, after `safe` and after `close`. */
  readonly safe: boolean;
}

export interface SimulatedInput {
  readonly name: string;
  /** Level at the start. */
  readonly level: boolean;
}

/** One change of a level, or one attempt to set a level again. */
export interface LineEvent {
  readonly at: Milliseconds;
  readonly line: string;
  readonly level: boolean;
  readonly cause: 'opened' | 'set' | 'safe' | 'driven';
}

interface Input {
  level: boolean;
  sequence: number;
  readonly watchers: Watchers;
}

/** Kept of the timeline; older events are forgotten, so that a run of weeks takes no more memory than one of a minute. */
const longestTimeline = 10_000;

/**
 * Lines without a wire, for runs on a desk and for tests: it records what happened to each line and when, its inputs are driven by
 * hand, and an output can be made to hang.
 */
export class SimulatedLines implements Lines {
  readonly #clock: Clock;
  readonly #outputs: ReadonlyMap<string, SimulatedOutput>;
  readonly #levels = new Map<string, boolean>();
  readonly #inputs = new Map<string, Input>();
  readonly #timeline: LineEvent[] = [];
  readonly #stuck = new Map<string, (() => void)[]>();
  #closed = false;

  constructor(outputs: readonly SimulatedOutput[], inputs: readonly SimulatedInput[], clock: Clock) {
    this.#clock = clock;
    this.#outputs = new Map(outputs.map((output) => [output.name, output]));
    for (const { name, level } of inputs) this.#inputs.set(name, { level, sequence: 0, watchers: new Set() });
  }

  static open(
    { outputs, inputs }: { readonly outputs: readonly SimulatedOutput[]; readonly inputs: readonly SimulatedInput[] },
    clock: Clock,
  ): SimulatedLines {
    const lines = new SimulatedLines(outputs, inputs, clock);
    lines.#makeSafe('opened');
    return lines;
  }

  /** What happened, in order of time: at most the newest ten thousand events. */
  get timeline(): readonly LineEvent[] {
    return this.#timeline;
  }

  async set(output: string, level: boolean): Promise<void> {
    this.#refuseClosed();
    if (!this.#outputs.has(output)) throw unknownLine('output', output);
    const stuck = this.#stuck.get(output);
    if (stuck !== undefined) await new Promise<void>((free) => stuck.push(free));
    this.#refuseClosed();
    this.#record(output, level, 'set');
  }

  async read(input: string): Promise<boolean> {
    this.#refuseClosed();
    return this.#input(input).level;
  }

  watch(input: string, onEdge: (edge: LineEdge) => void): () => void {
    this.#refuseClosed();
    return addWatcher(this.#input(input).watchers, onEdge);
  }

  async safe(): Promise<void> {
    if (!this.#closed) this.#makeSafe('safe');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#makeSafe('safe');
    this.#closed = true;
    for (const { watchers } of this.#inputs.values()) watchers.clear();
  }

  /** The level that stands at an output. */
  level(output: string): boolean {
    const level = this.#levels.get(output);
    if (level === undefined) throw unknownLine('output', output);
    return level;
  }

  /** Drives an input from outside. A `lost` edge is counted in the sequence and told to nobody, as by a queue that ran over. */
  drive(input: string, level: boolean, lost = false): void {
    const state = this.#input(input);
    if (state.level === level) return;
    state.level = level;
    state.sequence += 1;
    const at = this.#clock.monotonic();
    this.#remember({ at, line: input, level, cause: 'driven' });
    if (lost) return;
    for (const watcher of state.watchers) watcher({ input, level, at, sequence: state.sequence });
  }

  /** From now on a `set` of this output hangs. */
  stick(output: string): void {
    this.#stuck.set(output, []);
  }

  /** Lets the hanging ones go on. */
  unstick(output: string): void {
    const waiting = this.#stuck.get(output) ?? [];
    this.#stuck.delete(output);
    for (const free of waiting) free();
  }

  #makeSafe(cause: 'opened' | 'safe'): void {
    for (const { name, safe } of this.#outputs.values()) this.#record(name, safe, cause);
  }

  #record(output: string, level: boolean, cause: LineEvent['cause']): void {
    this.#levels.set(output, level);
    this.#remember({ at: this.#clock.monotonic(), line: output, level, cause });
  }

  #remember(event: LineEvent): void {
    this.#timeline.push(event);
    if (this.#timeline.length > longestTimeline) this.#timeline.splice(0, longestTimeline / 10);
  }

  #input(name: string): Input {
    const input = this.#inputs.get(name);
    if (input === undefined) throw unknownLine('input', name);
    return input;
  }

  #refuseClosed(): void {
    if (this.#closed) throw new AtalayaError('lines-unavailable', 'the lines are closed');
  }
}

function unknownLine(way: 'input' | 'output', name: string): AtalayaError {
  return new AtalayaError('lines-unavailable', `there is no ${way} line ${name}`, {
    hint: `Name the line ${name} in the configuration, or use one that is named there.`,
  });
}
