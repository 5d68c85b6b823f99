import { systemClock } from '../../../../device/kernel/clock.ts';
import { type Log, type LogFields, silentLog } from '../../../../device/kernel/log/log.ts';
import { systemTimer } from '../../../../device/kernel/timer.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import { MemoryBroker } from '../../../testing/memory-broker.ts';
import type { Archive } from '../../archive/archive.ts';
import { ArchiveContent, MemoryArchive } from '../../archive/testing/memory-archive.ts';
import type { Blobs } from '../../blobs/blobs.ts';
import { MemoryBlobs } from '../../blobs/testing/memory-blobs.ts';
import { makeWitnessPem, witnessKeyOf } from '../../witness/witness-key.ts';
import { Bridge, type BridgeOptions } from '../bridge.ts';
import { SpeakingUnit, type UnitKey } from './speaking-unit.ts';

/** Waits until something is so. Throws after some seconds. */
export async function until(what: string, is: () => boolean | Promise<boolean>, ms = 8000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`still not so after ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface TrialOptions extends Partial<BridgeOptions> {
  readonly name?: string;
}

/** A broker, an archive and blobs in memory, bridges and units on them. */
export class BridgeTrial {
  readonly broker = new MemoryBroker();
  readonly content = new ArchiveContent();
  readonly archive = new MemoryArchive(systemClock, this.content);
  readonly blobs = new MemoryBlobs();
  readonly witnessKey = witnessKeyOf('witness.test', makeWitnessPem());
  readonly lines: { readonly level: string; readonly fields: LogFields; readonly message: string }[] = [];
  readonly #units: SpeakingUnit[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  readonly log: Log = {
    ...silentLog,
    info: (fields, message) => void this.lines.push({ level: 'info', fields, message }),
    warn: (fields, message) => void this.lines.push({ level: 'warn', fields, message }),
    error: (fields, message) => void this.lines.push({ level: 'error', fields, message }),
  };

  /** A bridge at work. `stop` ends it. */
  async bridge(
    options: TrialOptions = {},
  ): Promise<{ readonly bridge: Bridge; stop(): Promise<void>; readonly ended: Promise<void> }> {
    const { name = 'bridge-1', ...more } = options;
    const bridge = new Bridge({
      connect: (handlers) => this.broker.link(handlers, { clientId: name, sessionKept: true }),
      archive: this.archive as Archive,
      blobs: this.blobs as Blobs,
      queues: undefined,
      witnessKey: this.witnessKey,
      sharing: { kind: 'alone' },
      evidence: 'on-request',
      updates: undefined,
      telemetryDays: undefined,
      silentAfter: milliseconds(600_000),
      mostBytes: 32e6,
      mostBytesOfUnit: 16e6,
      clock: systemClock,
      timer: systemTimer,
      random: Math.random,
      log: this.log,
      ...more,
    });
    const end = new AbortController();
    const ended = bridge.run(end.signal);
    ended.catch(() => undefined);
    const stop = async () => {
      end.abort();
      await ended.catch(() => undefined);
    };
    this.#stops.push(stop);
    await until('the bridge is online', () => bridge.online);
    return { bridge, stop, ended };
  }

  /** A unit that has said that it is there. */
  async unit(id: string, key?: UnitKey): Promise<SpeakingUnit> {
    const unit = await this.stranger(id, key);
    await unit.state();
    return unit;
  }

  /** One that has said nothing yet. */
  async stranger(id: string, key?: UnitKey): Promise<SpeakingUnit> {
    const unit = new SpeakingUnit(
      id,
      (handlers) => this.broker.link(handlers, { clientId: id, sessionKept: true }),
      key,
    );
    this.#units.push(unit);
    await unit.online();
    return unit;
  }

  /** Of the archive, by sequence. */
  async sequences(unit: string, lane: 'alert' | 'infraction' | 'telemetry'): Promise<readonly number[]> {
    const events = await this.archive.events({ unit, lane, order: 'sequence', limit: 100_000 });
    return events.map(({ sequence }) => sequence);
  }

  async end(): Promise<void> {
    for (const stop of this.#stops) await stop();
    await Promise.all(this.#units.map((unit) => unit.close()));
  }
}

export const countOf = (n: number) => ({ line: `line ${n}`, direction: 'in', class: 'car', dated: true });
export const alertOf = (id: string, state: 'raised' | 'critical' | 'closed', name = 'camera-lost') => ({
  ...{ id, name, state, since: '2026-03-01T12:00:00.000Z', detail: 'no picture' },
});
