import type { RunFacts } from '../health/progress.ts';
import type { Clock } from '../kernel/clock.ts';
import { milliseconds } from '../kernel/units.ts';

/** Notes what a run does, for whoever holds it to its progress. */
export class RunProgress {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** When each seal under way began, oldest first. */
  readonly #seals = new Set<{ readonly began: number }>();
  #captured: number;
  #judgedAt: number;
  #judged = 0;
  #ended = false;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#captured = clock.monotonic();
    this.#judgedAt = this.#captured;
  }

  captured(): void {
    this.#captured = this.#clock.monotonic();
  }

  judged(): void {
    this.#judgedAt = this.#clock.monotonic();
    this.#judged += 1;
  }

  /** The same promise; until it settles a seal is under way. */
  sealing<T>(seal: Promise<T>): Promise<T> {
    const one = { began: this.#clock.monotonic() };
    this.#seals.add(one);
    const done = () => void this.#seals.delete(one);
    seal.then(done, done);
    return seal;
  }

  /** The source has ended. */
  ended(): void {
    this.#ended = true;
  }

  get facts(): RunFacts {
    const now = this.#clock.monotonic();
    const [oldest] = this.#seals;
    return {
      sinceCaptured: milliseconds(now - this.#captured),
      sinceJudged: milliseconds(now - this.#judgedAt),
      judged: this.#judged,
      oldestSeal: oldest === undefined ? undefined : milliseconds(now - oldest.began),
      sourceEnded: this.#ended,
    };
  }
}
