import { noPackage } from '../../device/evidence/make-package.ts';
import { payloadOf } from '../../device/evidence/record/envelope.ts';
import { makeEvidenceRecord } from '../../device/evidence/record/make-record.ts';
import { indexEntryOf } from '../../device/evidence/record/read-entry.ts';
import { commitAct, recordAct } from '../../device/evidence/record-act.ts';
import { contextAt, infractionAt } from '../../device/evidence/testing/fixtures.ts';
import { systemClock as clock } from '../../device/kernel/clock.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds, toIso } from '../../device/kernel/units.ts';
import { type Lane, lanes, type OutboxEvent } from '../contract/outbox.ts';
import { makeAlert, makeTelemetry } from './made-events.ts';
import type { Note, Oracle } from './oracle.ts';
import { printOf } from './print.ts';
import type { UnitStores } from './unit-stores.ts';

/** Events a second, without bursts. */
const rates: Readonly<Record<Lane, number>> = { alert: 1, infraction: 4, telemetry: 12 };
const turnMs = 100;

/**
 * What happens at a roadside: alerts, sealed infractions and acts, counts and figures, each noted before it is offered and after it is
 * durable.
 */
export class UnitWork {
  readonly #stores: UnitStores;
  readonly #oracle: Oracle;
  readonly #random: Random;
  readonly #next: Record<Lane, number> = { alert: 1, infraction: 1, telemetry: 1 };
  /** Of a lane all that was begun, one after the other. */
  readonly #turns: Record<Lane, Promise<void>> = {
    alert: Promise.resolve(),
    infraction: Promise.resolve(),
    telemetry: Promise.resolve(),
  };
  readonly #due: Record<Lane, number> = { alert: 0, infraction: 0, telemetry: 0 };
  #quiet = false;

  /** `notes`: what earlier starts noted. */
  constructor(stores: UnitStores, oracle: Oracle, notes: readonly Note[], random: Random) {
    this.#stores = stores;
    this.#oracle = oracle;
    this.#random = random;
    for (const one of notes) if (one.note === 'will') this.#next[one.lane] = Math.max(this.#next[one.lane], one.n + 1);
    this.#next.infraction = stores.ledger.last + 1;
  }

  /** So many more events of a lane, at once. Rejects with what its store throws. */
  burst(lane: Lane, count: number): Promise<void> {
    const turn = this.#turns[lane].then(() => (lane === 'infraction' ? this.#seal(count) : this.#offer(lane, count)));
    this.#turns[lane] = turn;
    turn.catch(() => undefined);
    return turn;
  }

  /** Makes events until it is told to be quiet. Rejects with what a store throws: none of it is to be expected. */
  async run(signal: AbortSignal): Promise<void> {
    while (!this.#quiet && !signal.aborted) {
      for (const lane of lanes) {
        this.#due[lane] += (rates[lane] * turnMs * 2 * this.#random()) / 1000;
        const count = Math.floor(this.#due[lane]);
        this.#due[lane] -= count;
        if (count > 0) await this.burst(lane, count);
      }
      await systemTimer.sleep(milliseconds(turnMs), signal);
    }
  }

  /** No more events; resolves when those that were begun are durable. */
  async quiet(): Promise<void> {
    this.#quiet = true;
    await Promise.all(Object.values(this.#turns));
  }

  async #offer(lane: 'alert' | 'telemetry', count: number): Promise<void> {
    const spool = lane === 'alert' ? this.#stores.alerts : this.#stores.telemetry;
    const made = Array.from({ length: count }, (_, i) => this.#make(lane, this.#next[lane] + i));
    this.#next[lane] += count;
    await this.#oracle.write(made.map(({ n, event }) => ({ note: 'will', lane, n, print: printOfEvent(event) })));
    const offers = made.map(async ({ n, event }): Promise<Note> => {
      const sequence = await spool.offer(event);
      return { note: 'did', lane, n, sequence, stream: spool.stream ?? '' };
    });
    await this.#oracle.write(await Promise.all(offers));
  }

  #make(lane: 'alert' | 'telemetry', n: number): { readonly n: number; readonly event: OutboxEvent } {
    const make = lane === 'alert' ? makeAlert : makeTelemetry;
    return { n, event: make(n, clock.utc(), this.#random) };
  }

  async #seal(count: number): Promise<void> {
    const { ledger } = this.#stores;
    const commits = Array.from({ length: count }, async (): Promise<Note> => {
      const n = this.#next.infraction;
      this.#next.infraction += 1;
      const signed = n % 3 === 0 ? await this.#infraction(n) : await this.#act(n);
      return { note: 'sealed', sequence: signed.sequence, sha256: sha256(payloadOf(signed)) };
    });
    await this.#oracle.write(await Promise.all(commits));
    if (ledger.fault !== undefined) throw ledger.fault;
  }

  #infraction(n: number) {
    const { provenance, raw, calibration } = contextAt(n);
    return this.#stores.ledger.commit(
      (head) =>
        makeEvidenceRecord(head, { infraction: infractionAt(n), provenance, raw, calibration, ...noPackage }, clock),
      (record, position, signed) => indexEntryOf({ ...signed, kind: 'evidence', record }, position),
    );
  }

  #act(n: number) {
    const { ledger } = this.#stores;
    if (n % 3 === 1) {
      const actor = { kind: 'person', name: 'chaos', account: 'chaos' } as const;
      return commitAct(ledger, { actor, action: { kind: 'list' }, reason: `look number ${n}` }, clock);
    }
    const id = `command-${n}`;
    const reason = 'because '.repeat(1 + Math.floor(this.#random() * 50));
    const action = { kind: 'command', id, name: 'self-test', outcome: 'failed', reason } as const;
    return recordAct(ledger, { actor: { kind: 'unit', name: 'commands' }, action, reason: `act number ${n}` }, clock);
  }
}

const printOfEvent = ({ kind, time, data }: OutboxEvent): string => printOf({ kind, time: toIso(time), data });
