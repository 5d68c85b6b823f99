import type { Random } from '../../device/kernel/supervise.ts';
import { type Fault, lastingOf, type PlannedFault, type Station } from './faults.ts';

export interface FaultPlan {
  readonly random: Random;
  readonly units: readonly Station[];
  /** All faults are over by then. */
  readonly seconds: number;
  /** Between the beginnings of two faults, on the average. */
  readonly everyMs: number;
  /** Longest that a fault lasts; most are far shorter. */
  readonly longestMs: number;
}

/** A process or a line that has just been healed is left alone for so long, so that some of them get somewhere. */
const restMs = 400;
/** Looks at the whole deck for a fault whose part is free, before a turn passes without one. */
const tries = 20;

/**
 * What is to happen when, drawn at random: the same for the same draws. Faults overlap freely, but nothing that is broken is broken again
 * before it is healed. The kinds come from a shuffled deck that is dealt to its end before it is shuffled anew, so that a short run has
 * some of each.
 */
export function planFaults(plan: FaultPlan): readonly PlannedFault[] {
  const { random, seconds, everyMs } = plan;
  const end = seconds * 1000;
  const planned: PlannedFault[] = [];
  const busy = new Map<string, number>();
  const deck = new Deck(plan);
  for (let at = 0; at < end; at += everyMs * (0.3 + 1.4 * random())) {
    const fault = freeFault(deck, busy, at, end);
    if (fault === undefined) continue;
    const until = at + lastingOf(fault) + restMs;
    for (const part of partsOf(fault)) busy.set(part, until);
    planned.push({ at: Math.round(at), fault });
  }
  return planned;
}

function freeFault(deck: Deck, busy: ReadonlyMap<string, number>, at: number, end: number): Fault | undefined {
  for (let left = tries; left > 0; left -= 1) {
    const fault = deck.next();
    const free = partsOf(fault).every((part) => (busy.get(part) ?? 0) <= at);
    if (free && at + lastingOf(fault) <= end) return fault;
    deck.putBack();
  }
  return undefined;
}

/** What of the whole a fault takes for itself. */
function partsOf(fault: Fault): readonly string[] {
  switch (fault.kind) {
    case 'kill':
    case 'freeze':
      return [`process ${fault.party}`];
    case 'kill-broker':
      return ['process broker'];
    case 'burst':
      return [`process ${fault.unit}`];
    case 'cut':
    case 'cut-mid-message':
      return [];
    case 'line-down':
    case 'delay':
    case 'loss':
    case 'rate':
      return [`line ${fault.line}`];
  }
}

type Maker = () => Fault;

class Deck {
  readonly #plan: FaultPlan;
  #cards: Maker[] = [];
  #drawn: Maker | undefined;

  constructor(plan: FaultPlan) {
    this.#plan = plan;
  }

  next(): Fault {
    if (this.#cards.length === 0) this.#cards = this.#shuffled();
    this.#drawn = this.#cards.pop() as Maker;
    return this.#drawn();
  }

  /** The kind that was dealt last comes again, after the others. */
  putBack(): void {
    if (this.#drawn !== undefined) this.#cards.unshift(this.#drawn);
  }

  #shuffled(): Maker[] {
    const cards = this.#all();
    for (let i = cards.length - 1; i > 0; i -= 1) {
      const j = this.#below(i + 1);
      [cards[i], cards[j]] = [cards[j] as Maker, cards[i] as Maker];
    }
    return cards;
  }

  #all(): Maker[] {
    const unit = () => this.#one(this.#plan.units);
    // The bridge has one line where each unit has one: often enough to be hit, not so often that all wait for it.
    const line = (): Station => (this.#below(4) === 0 ? 'bridge' : unit());
    const ms = (least: number) => this.#lasting(least);
    const cutMid = (): Fault => ({
      kind: 'cut-mid-message',
      line: line(),
      way: this.#one(['up', 'up', 'down']),
      bytes: 1 + this.#below(this.#one([40, 4000, 100_000])),
    });
    const kill = (): Fault => ({ kind: 'kill', party: unit(), ms: ms(50) });
    return [
      () => ({ kind: 'kill-broker', forgetful: false, ms: ms(200) }),
      () => ({ kind: 'kill-broker', forgetful: true, ms: ms(200) }),
      () => ({ kind: 'kill', party: 'bridge', ms: ms(50) }),
      kill,
      kill,
      () => ({ kind: 'freeze', party: 'broker', ms: ms(200) }),
      () => ({ kind: 'freeze', party: 'bridge', ms: ms(200) }),
      () => ({ kind: 'freeze', party: unit(), ms: ms(200) }),
      () => ({ kind: 'cut', line: line() }),
      cutMid,
      cutMid,
      () => ({ kind: 'line-down', line: line(), ms: ms(300) }),
      () => {
        const delayMs = 20 + this.#below(480);
        return { kind: 'delay', line: line(), delayMs, jitterMs: this.#below(delayMs), ms: ms(1000) };
      },
      () => ({ kind: 'loss', line: line(), percent: 5 + this.#below(30), ms: ms(1000) }),
      () => ({ kind: 'rate', line: line(), kbit: 64 * 2 ** this.#below(6), ms: ms(1000) }),
      () => ({ kind: 'burst', unit: unit(), lane: 'telemetry', count: 200 + this.#below(2800) }),
      () => ({ kind: 'burst', unit: unit(), lane: this.#one(['alert', 'infraction']), count: 50 + this.#below(450) }),
    ];
  }

  /** Most faults are short; a few last as long as any may. */
  #lasting(least: number): number {
    const { random, longestMs } = this.#plan;
    return Math.round(least + (longestMs - least) * random() ** 3);
  }

  #below(limit: number): number {
    return Math.floor(this.#plan.random() * limit);
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)] as T;
  }
}
