import type { Clock } from '../clock.ts';
import type { Milliseconds } from '../units.ts';
import { type LogLevel, logLevels } from './log.ts';

/** Which lines are written: a level, and for a while perhaps another. It needs no timer: whoever asks finds out that the while is over. */
export class LevelGate {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #lasting: LogLevel;
  #passing: { readonly level: LogLevel; readonly until: number } | undefined;

  constructor(level: LogLevel, clock: Pick<Clock, 'monotonic'>) {
    this.#lasting = level;
    this.#clock = clock;
  }

  get level(): LogLevel {
    if (this.#passing !== undefined && this.#clock.monotonic() >= this.#passing.until) this.#passing = undefined;
    return this.#passing?.level ?? this.#lasting;
  }

  set(level: LogLevel, forMs?: Milliseconds): void {
    if (forMs === undefined) {
      this.#lasting = level;
      this.#passing = undefined;
    } else this.#passing = { level, until: this.#clock.monotonic() + forMs };
  }

  passes(level: LogLevel): boolean {
    return logLevels.indexOf(level) >= logLevels.indexOf(this.level);
  }
}
