import type { Archive, ArchivedEvent } from '../centre/archive/archive.ts';
import type { Lane } from '../contract/outbox.ts';
import { printOf } from './print.ts';
import type { LaneTruth } from './unit-truth.ts';

export interface ArchiveCheck {
  /** What is not as it must be, a line each, `lost: unit-1/alert/17` and the like. */
  readonly violations: readonly string[];
  readonly archived: Readonly<Record<Lane, number>>;
  /** Telemetry that is missing, declared by the unit, and dropped by its bound. */
  readonly gaps: number;
  /** Events that came in after a later one of their lane: sent again. Their place is none the worse for it. */
  readonly overtaken: number;
}

interface Found {
  readonly sequence: number;
  readonly previous: number;
  readonly position: number;
  readonly print: string;
}

const page = 5000;

/**
 * Holds an archive against what every unit has: each event once, none lost, none doubled, none foreign, each in its place with its content
 * byte for byte, linked to the one before it; gaps in telemetry alone, declared, and no more than the unit dropped.
 */
export async function checkArchive(
  archive: Pick<Archive, 'events' | 'refusals'>,
  truths: readonly LaneTruth[],
): Promise<ArchiveCheck> {
  const violations: string[] = [];
  const archived: Record<Lane, number> = { alert: 0, infraction: 0, telemetry: 0 };
  let gaps = 0;
  let overtaken = 0;
  const found = await collect(archive);
  for (const truth of truths) {
    const name = nameOf(truth.unit, truth.lane);
    const streams = found.get(name) ?? new Map<string, Found[]>();
    found.delete(name);
    const events = streams.get(truth.stream ?? '') ?? [];
    streams.delete(truth.stream ?? '');
    const lane = new LaneCheck(truth, events);
    violations.push(...lane.check());
    for (const [stream, others] of streams) violations.push(...lane.strange(stream, others));
    archived[truth.lane] += events.length;
    gaps += lane.gaps;
    overtaken += lane.overtaken;
  }
  for (const [name, streams] of found) {
    const count = [...streams.values()].reduce((sum, { length }) => sum + length, 0);
    violations.push(`foreign: ${name} is no lane of these units; ${count} events`);
  }
  for (const unit of new Set(truths.map((truth) => truth.unit))) {
    for (const { lane, sequence, reason } of await archive.refusals(unit)) {
      violations.push(`refused: ${unit}/${lane}/${sequence}: ${reason}`);
    }
  }
  return { violations, archived, gaps, overtaken };
}

const nameOf = (unit: string, lane: Lane): string => `${unit}/${lane}`;

/** By `unit/lane`, then by stream; of each event no more than is compared. */
async function collect(archive: Pick<Archive, 'events'>): Promise<Map<string, Map<string, Found[]>>> {
  const all = new Map<string, Map<string, Found[]>>();
  for (let afterPosition = 0; ; ) {
    const events = await archive.events({ order: 'position', afterPosition, limit: page });
    for (const event of events) {
      const name = nameOf(event.unit, event.lane);
      const streams = all.get(name) ?? new Map<string, Found[]>();
      all.set(name, streams);
      const found = streams.get(event.stream) ?? [];
      streams.set(event.stream, found);
      found.push(foundOf(event));
    }
    const last = events.at(-1);
    if (last === undefined) return all;
    afterPosition = last.position;
  }
}

const foundOf = (event: ArchivedEvent): Found => {
  const { sequence, previous, position } = event;
  return { sequence, previous, position, print: printOf(event) };
};

/** One lane of one unit. */
class LaneCheck {
  gaps = 0;
  overtaken = 0;
  readonly #truth: LaneTruth;
  /** By sequence. */
  readonly #events: readonly Found[];
  /** Where the truth has a print. */
  readonly #placeOf: ReadonlyMap<string, number>;

  constructor(truth: LaneTruth, events: readonly Found[]) {
    this.#truth = truth;
    this.#events = events.toSorted((a, b) => a.sequence - b.sequence);
    this.#placeOf = new Map([...truth.sealed].map(([sequence, print]) => [print, sequence]));
  }

  check(): readonly string[] {
    this.overtaken = this.#events.filter(({ position }, i) => position < (this.#events[i - 1]?.position ?? 0)).length;
    return [...this.#contents(), ...this.#order(), ...this.#missing()];
  }

  /** Events under a numbering that the unit does not have. */
  strange(stream: string, events: readonly Found[]): readonly string[] {
    return events.map(({ sequence, print }) => {
      const known = this.#placeOf.get(print);
      const what = known === undefined ? 'foreign' : `doubled: ${this.#at(known)} again as`;
      return known === undefined
        ? `foreign: ${this.#at(sequence)} of the numbering ${stream}`
        : `${what} ${sequence} of the numbering ${stream}`;
    });
  }

  *#contents(): Generator<string> {
    const { sealed, possible, last } = this.#truth;
    const archivedAt = new Map(this.#events.map(({ sequence, print }) => [sequence, print]));
    const seen = new Map<string, number>();
    for (const { sequence, print } of this.#events) {
      const before = seen.get(print);
      seen.set(print, sequence);
      const known = this.#placeOf.get(print);
      if (before !== undefined) yield `doubled: ${this.#at(before)} again as ${sequence}`;
      else if (sequence > last && known !== undefined) yield `doubled: ${this.#at(known)} again as ${sequence}`;
      else if (sequence > last) yield `foreign: ${this.#at(sequence)} was never sealed`;
      else if (known === sequence) continue;
      else if (known !== undefined && archivedAt.get(known) !== print) {
        yield `out of order: ${this.#at(known)} stands in the place of ${sequence}`;
      } else if (known !== undefined) yield `doubled: ${this.#at(known)} again as ${sequence}`;
      else if (sealed.has(sequence)) yield `altered: ${this.#at(sequence)}`;
      else if (!possible.has(print)) yield `foreign: ${this.#at(sequence)} was never offered`;
    }
  }

  /** The order of the offers is that of the sequences, also of those whose offers were not answered. */
  *#order(): Generator<string> {
    const { offered } = this.#truth;
    let highest = 0;
    for (const { sequence, print } of this.#events) {
      const n = offered.get(print);
      if (n === undefined) continue;
      if (n < highest) yield `out of order: ${this.#at(sequence)} was offered before the one ahead of it`;
      highest = Math.max(highest, n);
    }
  }

  *#missing(): Generator<string> {
    const { unit, lane, last, dropped } = this.#truth;
    const declared: { readonly after: number; readonly before: number }[] = [];
    for (const { sequence, previous } of this.#events) {
      if (sequence > last || previous === sequence - 1) continue;
      if (lane !== 'telemetry' || previous >= sequence) {
        yield `link broken: ${this.#at(sequence)} names ${previous} as the one before it`;
      } else if (sequence - 1 > dropped.upTo) {
        yield `gap undeserved: ${this.#at(sequence)} declares one from ${previous} on, and the unit dropped up to ${dropped.upTo}`;
      } else declared.push({ after: previous, before: sequence });
    }
    const there = new Set(this.#events.map(({ sequence }) => sequence));
    for (let missing = 1; missing <= last; missing += 1) {
      if (there.has(missing)) continue;
      // Of what was dropped some may have been on their way and be here: a gap is declared by any event behind it, not by the next one.
      if (declared.some(({ after, before }) => after < missing && missing < before)) this.gaps += 1;
      else yield `lost: ${this.#at(missing)}`;
    }
    if (this.gaps > dropped.events) {
      yield `gap undeserved: ${nameOf(unit, lane)} lacks ${this.gaps} events, and the unit dropped ${dropped.events}`;
    }
  }

  #at(sequence: number): string {
    return `${nameOf(this.#truth.unit, this.#truth.lane)}/${sequence}`;
  }
}
