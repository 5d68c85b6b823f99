import type { Infraction } from '../judge/infraction.ts';
import type { Clock } from '../kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { Lines } from './lines.ts';
import { OutputDriver } from './output-driver.ts';

export interface SignalPlan {
  /** Lit from an infraction on for `duration`, anew with each. */
  readonly beacon?: { readonly output: string; readonly duration: Milliseconds } | undefined;
  /** One pulse an infraction, and dark for `rest` after each, as the lamp needs it. */
  readonly strobe?:
    | {
        readonly output: string;
        readonly pulse: Milliseconds;
        readonly rest: Milliseconds;
        /** Without it, true. */
        readonly enabled?: boolean;
      }
    | undefined;
  /** Longest time that a line may take to obey. */
  readonly deadline: Milliseconds;
}

export interface SignalCounts {
  readonly infractions: number;
  readonly pulses: number;
  /** Infractions that fell into the pulse or rest of others and share the one pulse that follows. */
  readonly shared: number;
  readonly faults: number;
  /** Longest time from an infraction to the first line that showed it, where one did. */
  readonly longestDelay: Milliseconds | undefined;
}

/**
 * Shows infractions at the roadside: beacon and strobe follow each one.
 *
 * `show` returns at once and never throws: whatever a line does, the way of a frame goes on. A level stands within the plan's
 * deadline or a fault is told; lines do not wait for one another. A pulse is never longer than planned by more than the line's own
 * delay, and at most one waits for the lamp's rest. `stop` leaves every output in its safe level.
 */
export class Signaller {
  readonly #lines: Lines;
  readonly #plan: SignalPlan;
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #onFault: (fault: AtalayaError) => void;
  readonly #stopping = new AbortController();
  readonly #beacon: OutputDriver | undefined;
  readonly #strobe: OutputDriver | undefined;
  readonly #counts = { infractions: 0, pulses: 0, shared: 0, faults: 0 };
  #longestDelay: number | undefined;
  #beaconEnd = 0;
  #beaconLit = false;
  #strobeBusy = false;
  /** When the infraction came that waits for the next pulse. */
  #pulseWanted: Milliseconds | undefined;

  constructor(lines: Lines, plan: SignalPlan, clock: Clock, timer: Timer, onFault: (fault: AtalayaError) => void) {
    this.#lines = lines;
    this.#plan = plan;
    this.#clock = clock;
    this.#timer = timer;
    this.#onFault = (fault) => {
      this.#counts.faults += 1;
      onFault(fault);
    };
    const driver = (output: string | undefined) =>
      output === undefined ? undefined : new OutputDriver(lines, output, plan.deadline, timer, this.#onFault);
    this.#beacon = driver(plan.beacon?.output);
    this.#strobe = driver(plan.strobe?.output);
  }

  get counts(): SignalCounts {
    const longestDelay = this.#longestDelay === undefined ? undefined : milliseconds(this.#longestDelay);
    return { ...this.#counts, longestDelay };
  }

  /** To be called when the evidence of an infraction is sealed. */
  show(_infraction: Pick<Infraction, 'rule'>): void {
    if (this.#stopping.signal.aborted) return;
    this.#counts.infractions += 1;
    const now = this.#clock.monotonic();
    this.#light(now);
    this.#flash(now);
  }

  /** Ends everything and makes every output safe. Resolves within the plan's deadline, whatever the lines do; may be called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#beacon?.stop();
    this.#strobe?.stop();
    try {
      await withDeadline(this.#lines.safe(), this.#plan.deadline, 'making the lines safe', this.#timer);
    } catch (error) {
      if (isAtalayaError(error)) this.#onFault(error);
    }
  }

  #light(now: Milliseconds): void {
    const { beacon } = this.#plan;
    if (beacon === undefined) return;
    this.#beaconEnd = now + beacon.duration;
    if (this.#beaconLit) return;
    this.#beaconLit = true;
    void this.#shine(this.#beacon as OutputDriver, now);
  }

  async #shine(driver: OutputDriver, asked: Milliseconds): Promise<void> {
    if (await driver.reach(true)) this.#note(asked);
    for (;;) {
      const left = this.#beaconEnd - this.#clock.monotonic();
      if (left <= 0 || this.#stopping.signal.aborted) break;
      await this.#timer.sleep(milliseconds(left), this.#stopping.signal);
    }
    this.#beaconLit = false;
    if (!this.#stopping.signal.aborted) await driver.reach(false);
  }

  #flash(now: Milliseconds): void {
    if (this.#strobe === undefined || this.#plan.strobe?.enabled === false) return;
    if (this.#pulseWanted !== undefined) {
      this.#counts.shared += 1;
      return;
    }
    this.#pulseWanted = now;
    if (this.#strobeBusy) return;
    this.#strobeBusy = true;
    void this.#pulse(this.#strobe);
  }

  async #pulse(driver: OutputDriver): Promise<void> {
    const { pulse, rest } = this.#plan.strobe as NonNullable<SignalPlan['strobe']>;
    while (this.#pulseWanted !== undefined && !this.#stopping.signal.aborted) {
      const asked = this.#pulseWanted;
      this.#pulseWanted = undefined;
      if (await driver.reach(true)) {
        this.#note(asked);
        this.#counts.pulses += 1;
        await this.#timer.sleep(pulse, this.#stopping.signal);
      }
      await driver.reach(false);
      await this.#timer.sleep(rest, this.#stopping.signal);
    }
    this.#strobeBusy = false;
  }

  #note(asked: Milliseconds): void {
    this.#longestDelay = Math.max(this.#longestDelay ?? 0, this.#clock.monotonic() - asked);
  }
}
