import type { PhaseReading, PhaseSource } from '../judge/phase.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { LineEdge, Lines } from './lines.ts';
import { PhaseHistory } from './phase-history.ts';

/** The input lines of one signal head, high while the lamp is lit. What is not wired is not named. */
export interface HeadWiring {
  readonly head: string;
  readonly red: string;
  readonly amber?: string | undefined;
  readonly green?: string | undefined;
}

export interface InputPhaseOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  /** Every input is read again so often, to find edges that were lost and lines that died. */
  readonly checkEvery: Milliseconds;
  /** An input that was not confirmed for so long is not believed; longer than `checkEvery`. */
  readonly staleAfter: Milliseconds;
}

interface TrackedInput {
  readonly name: string;
  level: boolean;
  /** Newest moment at which the level is known to have stood. */
  confirmed: Milliseconds;
  /** Sequence of the newest edge, undefined before the first. */
  sequence: number | undefined;
}

/**
 * The phase of signal heads whose lamps are wired to input lines.
 *
 * It answers for the moment that is asked for, not for now: a frame is judged after it was taken. What it is not sure of it does not
 * say: contradicting lamps, a line that was not confirmed for too long, the time in which an edge was lost, and the time before
 * the opening are all unknown. A phase that stood at the opening is counted from there, which understates it.
 */
export class InputPhaseSource implements PhaseSource {
  readonly #lines: Lines;
  readonly #options: InputPhaseOptions;
  readonly #heads: ReadonlyMap<string, { readonly wiring: HeadWiring; readonly history: PhaseHistory }>;
  readonly #inputs: ReadonlyMap<string, TrackedInput>;
  readonly #closing = new AbortController();
  readonly #unwatch: (() => void)[] = [];
  #checking: Promise<void> | undefined;
  #lostEdges = 0;

  constructor(
    lines: Lines,
    wirings: readonly HeadWiring[],
    inputs: readonly TrackedInput[],
    options: InputPhaseOptions,
  ) {
    this.#lines = lines;
    this.#options = options;
    this.#heads = new Map(wirings.map((wiring) => [wiring.head, { wiring, history: new PhaseHistory() }]));
    this.#inputs = new Map(inputs.map((input) => [input.name, input]));
  }

  /** Reads every wired input once and follows it from then on. Throws `lines-unavailable` for a line that is not there. */
  static async open(
    lines: Lines,
    wirings: readonly HeadWiring[],
    options: InputPhaseOptions,
  ): Promise<InputPhaseSource> {
    const names = [...new Set(wirings.flatMap(wiredTo))];
    const confirmed = options.clock.monotonic();
    const inputs = names.map((name): TrackedInput => ({ name, level: false, confirmed, sequence: undefined }));
    const source = new InputPhaseSource(lines, wirings, inputs, options);
    try {
      for (const name of names) source.#unwatch.push(lines.watch(name, (edge) => source.#onEdge(edge)));
      for (const input of inputs) {
        const level = await lines.read(input.name);
        // An edge that came in the meantime is newer than what was read.
        if (input.sequence === undefined) input.level = level;
      }
    } catch (error) {
      await source.close();
      throw error;
    }
    source.#update(options.clock.monotonic());
    source.#checking = source.#check();
    return source;
  }

  /** Edges that did not arrive and were found out, since the opening. */
  get lostEdges(): number {
    return this.#lostEdges;
  }

  phaseAt(head: string, time: UtcMilliseconds, _elapsed: Milliseconds): PhaseReading {
    const found = this.#heads.get(head);
    if (found === undefined) return { known: false, reason: `no input line is wired to the head ${head}` };
    const { clock, staleAfter } = this.#options;
    const { now, utc } = bothAtOnce(clock);
    const behind = utc - time;
    for (const input of wiredTo(found.wiring)) {
      const age = now - Math.max(behind, 0) - this.#tracked(input).confirmed;
      if (age > staleAfter)
        return { known: false, reason: `the input ${input} has not been confirmed for ${Math.round(age)} ms` };
    }
    if (-behind > staleAfter) return { known: false, reason: `the moment lies ${Math.round(-behind)} ms ahead` };
    const stretch = found.history.at(milliseconds(now - behind));
    if (stretch === undefined) return { known: false, reason: 'the moment lies before what is remembered' };
    if (stretch.phase === undefined) return { known: false, reason: stretch.reason };
    const since = utcMilliseconds(utc - (now - stretch.from));
    return { known: true, phase: stretch.phase, since, source: 'input-line' };
  }

  /** Stops following the lines; what is asked from then on grows stale. May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const stop of this.#unwatch.splice(0)) stop();
    await this.#checking;
  }

  #onEdge({ input: name, level, at, sequence }: LineEdge): void {
    const input = this.#tracked(name);
    const lost = input.sequence !== undefined && sequence !== input.sequence + 1;
    if (lost) this.#lose(input);
    input.level = level;
    input.confirmed = at;
    input.sequence = sequence;
    this.#update(at);
  }

  async #check(): Promise<void> {
    const { timer, checkEvery } = this.#options;
    for (;;) {
      await timer.sleep(checkEvery, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      await Promise.all([...this.#inputs.values()].map((input) => this.#confirm(input)));
    }
  }

  async #confirm(input: TrackedInput): Promise<void> {
    const { clock, timer, checkEvery } = this.#options;
    const asked = clock.monotonic();
    const { sequence } = input;
    // A line that cannot be read is not confirmed, and goes stale: nothing more needs to be done about it here.
    const level = await withDeadline(this.#lines.read(input.name), checkEvery, `reading ${input.name}`, timer).catch(
      () => undefined,
    );
    if (level === undefined || input.sequence !== sequence) return;
    if (level !== input.level) {
      this.#lose(input);
      input.level = level;
      // Its number is unknown now; the next edge begins the count anew.
      input.sequence = undefined;
      this.#update(asked);
    }
    input.confirmed = asked;
  }

  /** An edge was lost some time after the level was last confirmed: from there on nothing is known. */
  #lose(input: TrackedInput): void {
    this.#lostEdges += 1;
    for (const { wiring, history } of this.#heads.values()) {
      if (wiredTo(wiring).includes(input.name))
        history.doubt(input.confirmed, `an edge of the input ${input.name} was lost`);
    }
  }

  #update(at: Milliseconds): void {
    for (const { wiring, history } of this.#heads.values()) {
      history.add(at, (lamp) => {
        const name = wiring[lamp];
        return name === undefined ? undefined : this.#tracked(name).level;
      });
    }
  }

  #tracked(name: string): TrackedInput {
    return this.#inputs.get(name) as TrackedInput;
  }
}

function wiredTo({ red, amber, green }: HeadWiring): readonly string[] {
  return [red, amber, green].filter((name) => name !== undefined);
}

/**
 * Both clocks at one moment: whoever is set aside between the two readings would ask for another moment than was meant, and on a busy machine
 * that is milliseconds of a red phase.
 */
function bothAtOnce(clock: Clock): { readonly now: Milliseconds; readonly utc: UtcMilliseconds } {
  for (let tries = 1; ; tries += 1) {
    const before = clock.monotonic();
    const utc = clock.utc();
    const now = clock.monotonic();
    if (now - before < 1 || tries === 5) return { now, utc };
  }
}
