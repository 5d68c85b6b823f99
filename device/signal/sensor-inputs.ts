import type { Clock } from '../kernel/clock.ts';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { SensorSettings } from './contract/line-settings.ts';
import { LineDebounce } from './debounce-line.ts';
import type { LineEdge, Lines } from './lines.ts';

export type SensorName = 'door' | 'tamper';

/** The housing was opened or closed, somebody began or ended to tamper. */
export interface SensorEvent {
  readonly sensor: SensorName;
  readonly input: string;
  readonly active: boolean;
  /** Monotonic time from which it stands so. */
  readonly at: Milliseconds;
}

/** A vehicle over a loop, in monotonic time. */
export interface LoopPassage {
  readonly input: string;
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

export interface SensorOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  /** Every input is read again so often, to find edges that were lost and lines that died. */
  readonly checkEvery: Milliseconds;
  readonly onSensor: (event: SensorEvent) => void;
  readonly onPassage: (passage: LoopPassage) => void;
}

interface Sensor {
  readonly name: SensorName;
  readonly input: string;
  readonly debounce: LineDebounce;
  /** False while its line cannot be read. */
  known: boolean;
}

interface Loop {
  readonly input: string;
  /** When the vehicle came that is over the loop now; undefined where there is none, or its coming was not seen. */
  since: Milliseconds | undefined;
  occupied: boolean;
  sequence: number | undefined;
}

/**
 * Door, tamper switch and loop detectors, as events.
 *
 * A door or switch that is active at the opening is told at once: it may have been opened while nobody watched. After that each change
 * is told once, when it has stood for the settings' time. A passage is told when the vehicle has left its loop, and only where its
 * coming and its going were both seen: a lost edge makes no passage out of two vehicles, it takes away those that it touches.
 */
export class SensorInputs {
  readonly #lines: Lines;
  readonly #options: SensorOptions;
  readonly #sensors: readonly Sensor[];
  readonly #loops: readonly Loop[];
  readonly #closing = new AbortController();
  readonly #unwatch: (() => void)[] = [];
  #checking: Promise<void> | undefined;
  #lost = 0;

  private constructor(lines: Lines, settings: SensorSettings, options: SensorOptions) {
    this.#lines = lines;
    this.#options = options;
    const { clock, timer, onSensor } = options;
    const period = milliseconds(settings.settleMs);
    this.#sensors = (['door', 'tamper'] as const).flatMap((name) => {
      const input = settings[name];
      if (input === undefined) return [];
      const debounce = new LineDebounce(false, period, clock, timer, ({ level, at }) =>
        onSensor({ sensor: name, input, active: level, at }),
      );
      return [{ name, input, debounce, known: false }];
    });
    this.#loops = settings.loops.map((input) => ({ input, since: undefined, occupied: false, sequence: undefined }));
  }

  /** Throws `lines-unavailable` for a line that is not there. */
  static async open(lines: Lines, settings: SensorSettings, options: SensorOptions): Promise<SensorInputs> {
    const inputs = new SensorInputs(lines, settings, options);
    try {
      await inputs.#follow();
    } catch (error) {
      await inputs.close();
      throw error;
    }
    inputs.#checking = inputs.#check();
    return inputs;
  }

  /** Edges of loops that did not arrive and were found out. */
  get lostEdges(): number {
    return this.#lost;
  }

  /** Whether the door is open, the tamper switch on; undefined where there is no such sensor, or its line cannot be read. */
  active(name: SensorName): boolean | undefined {
    const sensor = this.#sensors.find((one) => one.name === name);
    return sensor?.known === true ? sensor.debounce.level : undefined;
  }

  /** Nothing is told any more. May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const stop of this.#unwatch.splice(0)) stop();
    for (const { debounce } of this.#sensors) debounce.stop();
    await this.#checking;
  }

  async #follow(): Promise<void> {
    for (const sensor of this.#sensors) {
      this.#unwatch.push(this.#lines.watch(sensor.input, (edge) => sensor.debounce.edge(edge)));
      this.#see(sensor, await this.#lines.read(sensor.input));
    }
    for (const loop of this.#loops) {
      this.#unwatch.push(this.#lines.watch(loop.input, (edge) => this.#onLoop(loop, edge)));
      const occupied = await this.#lines.read(loop.input);
      // An edge that came in the meantime is newer than what was read.
      if (loop.sequence === undefined) loop.occupied = occupied;
    }
  }

  /** A level that was read, and that no edge has told. */
  #see(sensor: Sensor, level: boolean): void {
    sensor.known = true;
    if (level !== sensor.debounce.raw) sensor.debounce.edge({ level, at: this.#options.clock.monotonic() });
  }

  #onLoop(loop: Loop, { level, at, sequence }: LineEdge): void {
    if (loop.sequence !== undefined && sequence !== loop.sequence + 1) this.#lose(loop);
    // An edge that repeats the level stands for two that the kernel saw as one.
    else if (loop.occupied === level) this.#lose(loop);
    loop.sequence = sequence;
    if (!level && loop.since !== undefined) this.#options.onPassage({ input: loop.input, from: loop.since, to: at });
    loop.since = level ? at : undefined;
    loop.occupied = level;
  }

  #lose(loop: Loop): void {
    this.#lost += 1;
    loop.since = undefined;
  }

  async #check(): Promise<void> {
    const { timer, checkEvery } = this.#options;
    for (;;) {
      await timer.sleep(checkEvery, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      await Promise.all([
        ...this.#sensors.map(async (sensor) => {
          const level = await this.#read(sensor.input);
          if (level === undefined) sensor.known = false;
          else this.#see(sensor, level);
        }),
        ...this.#loops.map((loop) => this.#checkLoop(loop)),
      ]);
    }
  }

  async #checkLoop(loop: Loop): Promise<void> {
    const { sequence } = loop;
    const occupied = await this.#read(loop.input);
    if (loop.sequence !== sequence || occupied === loop.occupied) return;
    // An edge was lost, or the line is gone: whatever is over the loop, its coming was not seen.
    this.#lose(loop);
    if (occupied !== undefined) loop.occupied = occupied;
  }

  /** Undefined where the line does not answer in time. */
  #read(input: string): Promise<boolean | undefined> {
    const { timer, checkEvery } = this.#options;
    return withDeadline(this.#lines.read(input), checkEvery, `reading ${input}`, timer).catch(() => undefined);
  }
}
