import { join } from 'node:path';
import type { Clock } from '../../device/kernel/clock.ts';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import type { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../device/kernel/units.ts';
import { type Lane, lanes } from '../contract/outbox.ts';
import type { Link, LinkHandlers } from '../link/link.ts';
import type { LastWill } from '../unit-end/unit-end.ts';
import type { Obedience, UnitBody } from './obedience.ts';
import { bootOf, type SimulatedLedger, SimulatedUnit } from './simulated-unit.ts';

/** Where one unit of the fleet is. */
export interface UnitPlace {
  readonly unit: string;
  readonly site: string;
  readonly folder: string;
  readonly boot: string;
}

export interface FleetParts<L extends SimulatedLedger = SimulatedLedger> {
  readonly units: number;
  readonly folder: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** What the unit with this number, from 1, sees is drawn from. */
  readonly traffic: (number: number) => Random;
  readonly openLedger: (place: UnitPlace) => Promise<L>;
  readonly openLink: (unit: string, handlers: LinkHandlers, will: LastWill) => Link;
  /** What obeys in the name of a unit; nothing where absent. */
  readonly obey?: (place: UnitPlace, ledger: L, body: UnitBody) => Promise<Obedience>;
  readonly onFault: (unit: string, fault: AtalayaError) => void;
}

/** Sums over the fleet. */
export interface FleetFigures {
  readonly units: number;
  readonly online: number;
  readonly offered: number;
  readonly acknowledged: number;
  readonly queued: Readonly<Record<Lane, number>>;
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly resentEvents: number;
  readonly refusedEvents: number;
  readonly refusedMessages: number;
  readonly reconnects: number;
  readonly cosigned: number;
}

/** Units that open their queues, or close them, at the same time: each does a dozen durable writes. */
const atOnce = 16;

export const unitName = (number: number): string => `sim-${`${number}`.padStart(4, '0')}`;

/** Many simulated units in this process. */
export class SimulatedFleet {
  readonly #parts: Pick<FleetParts, 'units' | 'clock' | 'timer'>;
  readonly #units: SimulatedUnit[];

  constructor(parts: Pick<FleetParts, 'units' | 'clock' | 'timer'>, units: SimulatedUnit[]) {
    this.#parts = parts;
    this.#units = units;
  }

  /** Opens the units, each with its session; those that were open are closed again where one cannot be, or the signal is aborted. */
  static async open<L extends SimulatedLedger>(parts: FleetParts<L>, signal: AbortSignal): Promise<SimulatedFleet> {
    const fleet = new SimulatedFleet(parts, []);
    const boot = bootOf(parts.clock);
    const numbers = Array.from({ length: parts.units }, (_, i) => i + 1);
    try {
      await eachOf(numbers, async (number) => {
        signal.throwIfAborted();
        fleet.#units.push(await openUnit(parts, number, boot));
      });
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  get figures(): FleetFigures {
    const sum = (pick: (figures: SimulatedUnit['figures']) => number) =>
      all.reduce((total, figures) => total + pick(figures), 0);
    const all = this.#units.map(({ figures }) => figures);
    const queuedOf = (lane: Lane) => sum(({ queued }) => queued[lane]);
    return {
      units: all.length,
      online: sum(({ online }) => (online ? 1 : 0)),
      offered: sum(({ offered }) => offered),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      queued: { alert: queuedOf('alert'), infraction: queuedOf('infraction'), telemetry: queuedOf('telemetry') },
      sentMessages: sum(({ sentMessages }) => sentMessages),
      sentBytes: sum(({ sentBytes }) => sentBytes),
      resentEvents: sum(({ resentEvents }) => resentEvents),
      refusedEvents: sum(({ refused }) => refused),
      refusedMessages: sum(({ refusedMessages }) => refusedMessages),
      reconnects: sum(({ reconnects }) => reconnects),
      cosigned: sum(({ cosigned }) => cosigned),
    };
  }

  /** Waits until every unit is connected, so long at most. */
  async connected(patience: Milliseconds, signal: AbortSignal): Promise<void> {
    const { clock, timer, units } = this.#parts;
    const until = clock.monotonic() + patience;
    while (this.figures.online < units && clock.monotonic() < until && !signal.aborted)
      await timer.sleep(milliseconds(50), signal);
  }

  /** Lets events happen until the signal is aborted. Rejects with the first fault of a disk. */
  async live(perMinute: number, signal: AbortSignal): Promise<void> {
    const fault = new AbortController();
    const all = AbortSignal.any([signal, fault.signal]);
    const living = this.#units.map(async (unit) => {
      try {
        await unit.live(perMinute, all);
      } catch (error) {
        fault.abort();
        throw error;
      }
    });
    const ended = await Promise.allSettled(living);
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  /** Lets so many events happen in each unit, one right after the other. */
  async fill(events: number): Promise<void> {
    await eachOf(this.#units, async (unit) => {
      // Offers that wait for one another share a durable write.
      for (let done = 0; done < events; done += 200)
        await Promise.all(Array.from({ length: Math.min(200, events - done) }, () => unit.happen()));
    });
  }

  /** Waits until the centre has acknowledged everything; false where it has not in time. */
  async settle(patience: Milliseconds, signal: AbortSignal): Promise<boolean> {
    const { clock, timer } = this.#parts;
    const until = clock.monotonic() + patience;
    for (const unit of this.#units) unit.checkpointed();
    for (;;) {
      const { queued } = this.figures;
      if (lanes.every((lane) => queued[lane] === 0)) return true;
      if (clock.monotonic() >= until || signal.aborted) return false;
      await timer.sleep(milliseconds(50), signal);
    }
  }

  /** Every unit takes leave and closes its queues. */
  async close(): Promise<void> {
    await eachOf(this.#units, (unit) => unit.close());
  }
}

async function openUnit<L extends SimulatedLedger>(
  parts: FleetParts<L>,
  number: number,
  boot: string,
): Promise<SimulatedUnit> {
  const { files, clock, timer, random, traffic, obey, onFault, openLedger, openLink } = parts;
  const unit = unitName(number);
  const folder = join(parts.folder, unit);
  const place = { unit, site: `Simulated crossing ${number}`, folder, boot };
  await makeFolders(files, folder);
  const ledger = await openLedger(place);
  try {
    return await SimulatedUnit.open({
      ...place,
      folder: join(folder, 'outbox'),
      ...{ files, ledger, clock, timer, random, traffic: traffic(number), onFault },
      openLink: (handlers, will) => openLink(unit, handlers, will),
      ...(obey === undefined ? {} : { obey: (body) => obey(place, ledger, body) }),
    });
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

/** A few at a time. Rejects with the first fault, when none is under way any more. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const faults: unknown[] = [];
  const workers = Array.from({ length: atOnce }, async () => {
    for (let item = waiting.shift(); item !== undefined && faults.length === 0; item = waiting.shift())
      await work(item).catch((error: unknown) => faults.push(error));
  });
  await Promise.all(workers);
  if (faults.length > 0) throw faults[0];
}
