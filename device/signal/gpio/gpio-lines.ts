import type { Clock } from '../../kernel/clock.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import { type Attempt, type Random, supervise } from '../../kernel/supervise.ts';
import { type Timer, withDeadline } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { LineEdge, Lines } from '../lines.ts';
import { addWatcher, type Watchers } from '../watchers.ts';
import { unavailable } from './find-line.ts';
import { KeeperClient } from './keeper-client.ts';
import { type OpenKeeperLink, processKeeperLink } from './keeper-link.ts';
import type { FromKeeper, KeptEdge, WiringPlan } from './keeper-messages.ts';
import { kernelTimeMap } from './kernel-time.ts';

export interface GpioOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** Told of lines that go and of keepers that fail; the lines mend themselves. */
  readonly onFault: (fault: AtalayaError) => void;
  /** Told of lines that are there again. */
  readonly onBack?: (line: string) => void;
  /** Another way to the keeper, for tests. */
  readonly openLink?: OpenKeeperLink;
  /** Nanoseconds of CLOCK_MONOTONIC, another one for tests. */
  readonly kernelNow?: () => bigint;
}

const START_DEADLINE = milliseconds(20_000);
const END_DEADLINE = milliseconds(2_000);
const BEAT = milliseconds(2_000);
/** Outputs become safe when the unit, whose event loop beats every 2 s, was silent for so long. */
export const SILENCE = milliseconds(10_000);
/** A keeper that answers no beat for so long is replaced. */
const KEEPER_DEADLINE = milliseconds(15_000);

interface Watched {
  /** Number of the newest edge that was told, ours: it goes on where the kernel's begins anew. */
  sequence: number;
  kernel: { readonly sequence: number; readonly opening: string } | undefined;
  readonly watchers: Watchers;
}

/**
 * Lines of the GPIO character device.
 *
 * A process of its own, the keeper, holds them: it waits for edges without holding a thread of the unit, a fault in a native call
 * ends it alone, and above all it outlives the unit. What level a line keeps when its holder dies is not defined by the interface and
 * differs from chip to chip; the keeper sees the unit's end of its pipe close, whatever ended the unit (SIGKILL and a crash as well),
 * and brings the outputs to their safe level before it lets them go. It costs a process (32 MB of its own memory) and a pipe's fraction of a
 * millisecond an edge. Where the keeper itself is killed, the unit starts another, which makes the outputs safe.
 *
 * Edges carry the kernel's time, turned into the clock's. Their numbers are the kernel's: a gap tells of edges that the kernel had
 * and dropped, or of a time in which the line was gone. Two edges within the time that the kernel takes to look (the thread of an
 * interrupt, some tens of microseconds to a millisecond) can come as one, or as two of the same level: no number tells of that.
 *
 * A line whose chip goes is a fault (`lines-unavailable`) for whoever uses it until it is back; after that an output is safe until it
 * is set again.
 */
export class GpioLines implements Lines {
  readonly #plan: WiringPlan;
  readonly #options: GpioOptions;
  readonly #toClock: (kernel: number) => Milliseconds;
  readonly #watched: ReadonlyMap<string, Watched>;
  readonly #outputs: ReadonlySet<string>;
  readonly #closing = new AbortController();
  #keeper: KeeperClient | undefined;
  #lives = 0;
  #supervised: Promise<unknown> | undefined;

  private constructor(plan: WiringPlan, options: GpioOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#toClock = kernelTimeMap(options.clock, options.kernelNow ?? process.hrtime.bigint);
    this.#outputs = new Set(plan.outputs.map(({ name }) => name));
    this.#watched = new Map(
      plan.inputs.map(({ name }) => [name, { sequence: 0, kernel: undefined, watchers: new Set() }]),
    );
  }

  /** Outputs are safe and inputs are followed when it resolves. Throws `lines-unavailable` with what to do about it. */
  static async open(plan: WiringPlan, options: GpioOptions): Promise<GpioLines> {
    const lines = new GpioLines(plan, options);
    const first = await lines.#start(true);
    lines.#supervised = lines.#supervise(first);
    return lines;
  }

  async set(output: string, level: boolean): Promise<void> {
    if (!this.#outputs.has(output)) throw unknownLine('output', output);
    await this.#held().ask({ kind: 'set', line: output, level });
  }

  async read(input: string): Promise<boolean> {
    if (!this.#watched.has(input)) throw unknownLine('input', input);
    const level = await this.#held().ask({ kind: 'read', line: input });
    return level === true;
  }

  watch(input: string, onEdge: (edge: LineEdge) => void): () => void {
    const watched = this.#watched.get(input);
    if (watched === undefined) throw unknownLine('input', input);
    if (this.#closing.signal.aborted) throw closed();
    return addWatcher(watched.watchers, onEdge);
  }

  /** Without a keeper there is nothing to make safe: the one before did so at its end, the next one does at its start. */
  async safe(): Promise<void> {
    await this.#keeper?.ask({ kind: 'safe' }).catch(() => undefined);
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      for (const { watchers } of this.#watched.values()) watchers.clear();
    }
    await this.#supervised;
  }

  #held(): KeeperClient {
    if (this.#closing.signal.aborted) throw closed();
    if (this.#keeper === undefined)
      throw unavailable('the lines have lost their keeper, and the next one is being started', undefined);
    return this.#keeper;
  }

  async #start(strict: boolean): Promise<KeeperClient> {
    this.#lives += 1;
    const life = this.#lives;
    const keeper = new KeeperClient(this.#options.openLink ?? processKeeperLink(), (message) =>
      this.#onMessage(message, life),
    );
    try {
      const opened = keeper.open({ kind: 'open', plan: this.#plan, strict, silence: SILENCE });
      await withDeadline(opened, START_DEADLINE, "the start of the lines' keeper", this.#options.timer);
    } catch (error) {
      await this.#finish(keeper);
      throw error;
    }
    this.#keeper = keeper;
    return keeper;
  }

  async #supervise(first: KeeperClient): Promise<void> {
    const { clock, timer, random, onFault } = this.#options;
    const backoff = { first: milliseconds(200), most: milliseconds(10_000) };
    const grace = milliseconds(END_DEADLINE + 1000);
    const signal = this.#closing.signal;
    const name = "the lines' keeper";
    try {
      await supervise(
        async (attempt) => {
          const keeper = attempt.number === 1 ? first : await this.#start(false);
          try {
            await this.#live(keeper, attempt);
          } finally {
            this.#keeper = undefined;
            await this.#finish(keeper);
          }
        },
        { name, signal, clock, timer, random, backoff, deadline: KEEPER_DEADLINE, grace, onFault },
      );
    } catch (error) {
      // Only what waiting cannot mend ends here: the lines stay away, and every use of them says so.
      onFault(
        unavailable(
          `the lines' keeper is given up: ${error instanceof Error ? error.message : String(error)}`,
          undefined,
          error,
        ),
      );
    }
  }

  /** Until the keeper ends or is told to. */
  async #live(keeper: KeeperClient, { signal, beat }: Attempt): Promise<void> {
    keeper.onBeat = beat;
    const over = new AbortController();
    const beats = (async () => {
      const either = AbortSignal.any([signal, over.signal]);
      while (!either.aborted) {
        keeper.beat();
        await this.#options.timer.sleep(BEAT, either);
      }
    })();
    const aborted = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const why = await Promise.race([keeper.ended, aborted]);
    over.abort();
    await beats;
    if (why !== undefined) throw unavailable(`the lines' keeper is gone: ${why}`, undefined);
  }

  async #finish(keeper: KeeperClient): Promise<void> {
    const { timer } = this.#options;
    const ended = keeper.end().then(() => true);
    const late = new AbortController();
    const inTime = await Promise.race([ended, timer.sleep(END_DEADLINE, late.signal).then(() => false)]);
    late.abort();
    if (!inTime) keeper.kill();
  }

  #onMessage(message: FromKeeper, life: number): void {
    switch (message.kind) {
      case 'edges':
        for (const edge of message.edges) this.#onEdge(edge, life);
        return;
      case 'lost':
        this.#options.onFault(unavailable(message.fault.message, message.fault.hint));
        break;
      case 'back':
        this.#options.onBack?.(message.line);
        break;
      case 'silenced':
        this.#options.onFault(
          unavailable(`the unit stood still for ${message.after} ms, and its outputs were made safe`, undefined),
        );
        break;
      default:
        return;
    }
  }

  #onEdge({ line, level, time, sequence, opening }: KeptEdge, life: number): void {
    const watched = this.#watched.get(line);
    if (watched === undefined || this.#closing.signal.aborted) return;
    const kernel = { sequence, opening: `${life}.${opening}` };
    const before = watched.kernel;
    // 32 bits in the kernel, without an end here. A line that was opened again has missed what happened in between: one number is
    // left out, so that whoever follows it sees the gap, and what the kernel dropped before the first edge counts as well.
    watched.sequence +=
      before === undefined
        ? sequence
        : before.opening === kernel.opening
          ? (sequence - before.sequence) >>> 0
          : 1 + sequence;
    watched.kernel = kernel;
    const edge: LineEdge = { input: line, level, at: this.#toClock(time), sequence: watched.sequence };
    for (const watcher of [...watched.watchers]) watcher(edge);
  }
}

function unknownLine(way: 'input' | 'output', name: string): AtalayaError {
  return unavailable(
    `there is no ${way} line ${name}`,
    `Name the line ${name} in \`signal.lines.${way}s\`, or use one that is named there.`,
  );
}

function closed(): AtalayaError {
  return unavailable('the lines are closed', undefined);
}
