import { Allowance } from '../../../cloud-bridge/unit-end/commands/allowance.ts';
import type { Clock } from '../../kernel/clock.ts';
import { milliseconds } from '../../kernel/units.ts';

/** A link that comes and goes all night fills no screen. */
const sentences = { most: 20, every: milliseconds(30 * 60_000) };
/** Reasons of one outage that a person is told. */
const mostReasons = 5;

/** What the console says of the link: that it is there, that it is lost, that it is there again; each reason once an outage. */
export class LinkWords {
  readonly #clock: Clock;
  readonly #tell: (sentence: string) => void;
  readonly #allowance: Allowance;
  readonly #reasons = new Set<string>();
  #is: 'new' | 'online' | 'offline' = 'new';
  #was = false;

  constructor(clock: Clock, tell: (sentence: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#allowance = new Allowance(sentences, clock.monotonic());
  }

  online(protocol: string): void {
    // Of an outage that nobody was told of, nobody is told the end.
    if (!this.#was || this.#reasons.size > 0) {
      this.#say(`link: connected to the broker${this.#was ? ' again' : ''}, MQTT ${protocol}`);
    }
    this.#reasons.clear();
    this.#is = 'online';
    this.#was = true;
  }

  offline(why: string): void {
    const how = this.#is === 'online' ? 'the broker is lost' : 'the broker is not reached';
    this.#is = 'offline';
    // Attempts that fail in turns for two reasons are no news.
    if (this.#reasons.has(why) || this.#reasons.size >= mostReasons) return;
    if (this.#say(`link: ${how}, ${why}; what is sealed waits for it`)) this.#reasons.add(why);
  }

  /** Whether it was said. */
  #say(sentence: string): boolean {
    if (!this.#allowance.take(this.#clock.monotonic())) return false;
    this.#tell(sentence);
    return true;
  }
}
