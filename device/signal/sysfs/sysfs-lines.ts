import type { Clock } from '../../kernel/clock.ts';
import { type AtalayaError, isAtalayaError, systemCode } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import { LineDebounce } from '../debounce-line.ts';
import type { LineEdge, Lines } from '../lines.ts';
import { addWatcher, type Watchers } from '../watchers.ts';
import { findPin, refusal, SYSFS_GPIO } from './find-pin.ts';
import { type OpenPin, onoffPins, type Pin } from './onoff-pins.ts';

export interface SysfsOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  /** Told of a line that the kernel does not serve any more. */
  readonly onFault: (fault: AtalayaError) => void;
  /** Another tree than /sys/class/gpio, and another way to its lines, for tests. */
  readonly root?: string;
  readonly openPin?: OpenPin;
}

interface Output {
  readonly wire: OutputLine;
  readonly pin: Pin;
}

interface Input {
  readonly name: string;
  readonly pin: Pin;
  readonly debounce: LineDebounce;
  readonly watchers: Watchers;
  /** It is debounced: edges are lost by intent. */
  readonly bounces: boolean;
  sequence: number;
}

/** How often, a millisecond apart, a `read` looks whether the edge that belongs to its level has come. */
const EDGE_WAITS = 20;

/**
 * Lines of /sys/class/gpio by `onoff`: for kernels without the character device, and less than that.
 *
 * An edge is dated when it arrives here, not when it happened. Its number is counted here: the kernel counts none, and tells two edges
 * that come close together as one; where that shows (the level is what it was) the number rises by two, a gap that says so, but a pair
 * between two looks leaves no trace. Debouncing is done here.
 *
 * Outputs are safe from the opening on, after `safe` and after `close`, which leaves them exported since a line that is let go may
 * change its level. When the unit is killed nobody makes them safe: sysfs keeps the level that they had until the next start.
 */
export class SysfsLines implements Lines {
  readonly #options: SysfsOptions;
  readonly #outputs = new Map<string, Output>();
  readonly #inputs = new Map<string, Input>();
  #closed = false;

  private constructor(options: SysfsOptions) {
    this.#options = options;
  }

  /** Throws `lines-unavailable` with what to do about it; nothing stays open then. */
  static async open(
    { outputs, inputs }: { readonly outputs: readonly OutputLine[]; readonly inputs: readonly InputLine[] },
    options: SysfsOptions,
  ): Promise<SysfsLines> {
    const openPin = options.openPin ?? (await onoffPins());
    const lines = new SysfsLines(options);
    try {
      for (const wire of outputs) lines.#openOutput(wire, openPin);
      for (const wire of inputs) lines.#openInput(wire, openPin);
    } catch (error) {
      await lines.close();
      throw error;
    }
    return lines;
  }

  async set(output: string, level: boolean): Promise<void> {
    this.#refuseClosed();
    const found = this.#outputs.get(output);
    if (found === undefined) throw unknownLine('output', output);
    this.#use(output, () => found.pin.write(level));
  }

  /** The level that counts, debounced as the input is. */
  async read(input: string): Promise<boolean> {
    this.#refuseClosed();
    const found = this.#input(input);
    const level = () => this.#use(input, () => found.pin.read());
    // Where the wire is not where the newest edge left it, the edge is on its way: it is told before the answer.
    for (let i = 0; i < EDGE_WAITS && level() !== found.debounce.raw; i += 1)
      await this.#options.timer.sleep(milliseconds(1));
    const stands = level();
    if (stands !== found.debounce.raw) {
      // It did not come: what was seen here takes its place, and the gap in the numbers says that it is not the edge's own time.
      found.sequence += 1;
      this.#take(found, stands);
    }
    return found.debounce.level;
  }

  watch(input: string, onEdge: (edge: LineEdge) => void): () => void {
    this.#refuseClosed();
    return addWatcher(this.#input(input).watchers, onEdge);
  }

  async safe(): Promise<void> {
    if (this.#closed) return;
    for (const { wire, pin } of this.#outputs.values()) {
      try {
        this.#use(wire.name, () => pin.write(wire.safe));
      } catch (error) {
        if (isAtalayaError(error)) this.#options.onFault(error);
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.safe();
    this.#closed = true;
    for (const { pin } of this.#outputs.values()) pin.close('keep');
    for (const { pin, debounce, watchers } of this.#inputs.values()) {
      watchers.clear();
      debounce.stop();
      pin.close('release');
    }
  }

  #openOutput(wire: OutputLine, openPin: OpenPin): void {
    if (wire.drive !== 'push-pull') throw cannot(wire.name, `be driven as ${wire.drive}`);
    // The kernel takes the direction's level as a voltage (drivers/gpio/gpiolib-sysfs.c, direction_store).
    const direction = wire.safe !== wire.activeLow ? 'high' : 'low';
    const pin = openPin({ number: this.#number(wire), direction, activeLow: wire.activeLow });
    this.#outputs.set(wire.name, { wire, pin });
    this.#use(wire.name, () => pin.write(wire.safe));
  }

  #openInput(wire: InputLine, openPin: OpenPin): void {
    if (wire.bias !== 'as-is') throw cannot(wire.name, `have its resistor ${wire.bias}`);
    const { clock, timer } = this.#options;
    const pin = openPin({ number: this.#number(wire), direction: 'in', activeLow: wire.activeLow });
    try {
      const level = this.#use(wire.name, () => pin.read());
      const debounce: LineDebounce = new LineDebounce(level, milliseconds(wire.debounceMs), clock, timer, (settled) => {
        input.sequence += 1;
        const edge: LineEdge = { input: wire.name, level: settled.level, at: settled.at, sequence: input.sequence };
        for (const watcher of [...input.watchers]) watcher(edge);
      });
      const input: Input = {
        name: wire.name,
        pin,
        debounce,
        watchers: new Set(),
        bounces: wire.debounceMs > 0,
        sequence: 0,
      };
      pin.watch((seen) => this.#onEdge(input, seen));
      this.#inputs.set(wire.name, input);
    } catch (error) {
      pin.close('release');
      throw error;
    }
  }

  #onEdge(input: Input, seen: boolean | Error): void {
    if (this.#closed) return;
    if (typeof seen !== 'boolean') this.#options.onFault(lost(input.name, seen));
    else if (seen !== input.debounce.raw || input.bounces) this.#take(input, seen);
    // There and back between two looks; where contacts bounce that is no loss.
    else input.sequence += 2;
  }

  #take({ debounce }: Input, level: boolean): void {
    debounce.edge({ level, at: this.#options.clock.monotonic() });
  }

  #number({ name, chip, line }: InputLine | OutputLine): number {
    try {
      return findPin(this.#options.root ?? SYSFS_GPIO, chip, line);
    } catch (error) {
      if (isAtalayaError(error)) throw refusal(`${name}: ${error.message}`, error.hint, error);
      throw error;
    }
  }

  #use<T>(name: string, what: () => T): T {
    try {
      return what();
    } catch (error) {
      throw lost(name, error);
    }
  }

  #input(name: string): Input {
    const input = this.#inputs.get(name);
    if (input === undefined) throw unknownLine('input', name);
    return input;
  }

  #refuseClosed(): void {
    if (this.#closed) throw refusal('the lines are closed', undefined);
  }
}

function lost(name: string, cause: unknown): AtalayaError {
  return refusal(
    `${name}: the kernel does not serve the line any more (${systemCode(cause) ?? String(cause)})`,
    'Connect its chip again and start the unit again.',
    cause,
  );
}

function cannot(name: string, what: string): AtalayaError {
  return refusal(
    `${name}: a line of sysfs cannot ${what}`,
    'Set `signal.lines.driver` to `gpio`, or leave `bias` and `drive` out and wire a resistor.',
  );
}

function unknownLine(way: 'input' | 'output', name: string): AtalayaError {
  return refusal(
    `there is no ${way} line ${name}`,
    `Name the line ${name} in \`signal.lines.${way}s\`, or use one that is named there.`,
  );
}
