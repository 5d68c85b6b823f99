import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { makeFolders } from '../../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../../device/kernel/errors.ts';
import { systemFiles } from '../../../../device/kernel/files.ts';
import { FolderLock } from '../../../../device/kernel/folder-lock.ts';
import type { Random } from '../../../../device/kernel/supervise.ts';
import type { Timer } from '../../../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds, seconds } from '../../../../device/kernel/units.ts';
import type { LinkCredentials } from '../../../link/link-options.ts';
import { openMqttLink } from '../../../link/mqtt-link.ts';
import { type OwnBroker, startOwnBroker } from '../../../simulate/own-broker.ts';
import { DemoAuthority } from '../../../simulate/pki/pki.ts';
import { type FleetFigures, SimulatedFleet, unitName } from '../../../simulate/simulated-fleet.ts';
import { ObedientUnit } from './obedient-unit.ts';
import { type OwnCentre, ownBridge, startOwnCentre } from './own-centre.ts';
import { openFleetConfig } from './simulated-config.ts';
import { openUnitLedger } from './unit-ledger.ts';

export interface SimulationOptions {
  readonly units: number;
  /** Events a unit and minute. */
  readonly rate: number;
  /** How long events happen; until the signal is aborted where absent. */
  readonly minutes?: number;
  /** Of everything; what is left in it goes on. */
  readonly folder: string;
  /** A broker that runs, and the folder of certificates for it. One of our own where absent. */
  readonly broker?: { readonly url: string; readonly certificates?: string };
  /** Run a bridge in this process too. */
  readonly bridge: boolean;
  /** The last so many units fail every trial of a configuration; none where absent. */
  readonly stubborn?: number;
  /** How long the centre is waited for at the end. */
  readonly patience: Milliseconds;
}

export interface SimulationParts {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** What the unit with this number sees is drawn from. */
  readonly traffic: (number: number) => Random;
  /** Ends the traffic; what was offered is still brought to the centre. */
  readonly signal: AbortSignal;
  /** The bridge is there; units come. */
  readonly onCentre: (centre: OwnCentre) => void;
  /** Every second. */
  readonly onFigures: (figures: FleetFigures) => void;
  readonly onFault: (unit: string, fault: AtalayaError) => void;
}

export interface SimulationSummary extends FleetFigures {
  /** The centre has acknowledged everything that it did not refuse. */
  readonly settled: boolean;
  /** While events happened. */
  readonly lastedMs: number;
  /**
   * What this process grew by while the units were opened and worked, below zero where it gave back more than they took, and the share of
   * one core that it took meanwhile; both by unit.
   */
  readonly bytesPerUnit: number;
  readonly cpuPerUnit: number;
  /** The bridge is in these figures too. */
  readonly withBridge: boolean;
  /** Events that the bridge in this process archived; undefined without one. */
  readonly archived: number | undefined;
}

const connectDeadline = milliseconds(20_000);
const backoff = { first: milliseconds(500), most: milliseconds(30_000) };

/**
 * A fleet on one desk: broker and bridge where they are asked for, and units with real sessions and real queues. Throws `program-missing`
 * without a broker, `store-locked` where another simulation works in the folder, and what a bridge and a disk throw.
 */
export async function runSimulation(options: SimulationOptions, parts: SimulationParts): Promise<SimulationSummary> {
  await makeFolders(systemFiles, options.folder);
  const open = new AsyncDisposableStack();
  try {
    const lock = await FolderLock.take(options.folder);
    open.defer(() => lock.release());
    const place = await openPlace(options, parts.clock, open);
    const centre = options.bridge
      ? await startOwnCentre(
          join(options.folder, 'centre'),
          { url: place.url, credentials: await place.credentials(ownBridge) },
          parts.clock,
        )
      : undefined;
    if (centre !== undefined) {
      open.defer(() => centre.stop());
      parts.onCentre(centre);
    }
    return await work(options, parts, place, centre);
  } finally {
    await open.disposeAsync();
  }
}

interface Place {
  readonly url: string;
  readonly credentials: (name: string) => Promise<LinkCredentials>;
  /** Of a broker of our own. */
  readonly ended?: Promise<void>;
}

/** The broker, and what each name connects to it with. */
async function openPlace(options: SimulationOptions, clock: Clock, open: AsyncDisposableStack): Promise<Place> {
  const { folder, broker } = options;
  if (broker !== undefined) {
    const { url, certificates } = broker;
    return {
      url,
      credentials: async (name) => (certificates === undefined ? {} : readCredentials(certificates, name)),
    };
  }
  const authority = await DemoAuthority.create(clock);
  const own: OwnBroker = await startOwnBroker({ folder: join(folder, 'broker'), authority, bridges: [ownBridge] });
  open.defer(() => own.stop());
  return {
    ...{ url: own.url, ended: own.ended },
    credentials: async (name) => {
      const { certPem, keyPem } = await authority.issue(name);
      return { ca: Buffer.from(authority.certPem), cert: Buffer.from(certPem), key: Buffer.from(keyPem) };
    },
  };
}

async function readCredentials(folder: string, name: string): Promise<LinkCredentials> {
  const read = (file: string) =>
    readFile(join(folder, file)).catch((cause: unknown) => {
      throw new AtalayaError('usage-invalid', `${join(folder, file)} cannot be read`, {
        hint: 'The folder of certificates has ca.pem and, for each unit, NAME.pem and NAME.key.',
        cause,
      });
    });
  return { ca: await read('ca.pem'), cert: await read(`${name}.pem`), key: await read(`${name}.key`) };
}

async function work(
  options: SimulationOptions,
  parts: SimulationParts,
  { url, credentials, ended }: Place,
  centre: OwnCentre | undefined,
): Promise<SimulationSummary> {
  const { units, rate, minutes, folder, patience, stubborn = 0 } = options;
  const { clock, timer, random, traffic, signal, onFault, onFigures } = parts;
  const issued = new Map<string, LinkCredentials>();
  for (let number = 1; number <= units; number += 1) issued.set(unitName(number), await credentials(unitName(number)));
  const witnesses = centre === undefined ? [] : [centre.witness];
  const config = await openFleetConfig(centre?.people, systemFiles, clock);
  const fails = new Set(Array.from({ length: Math.min(stubborn, units) }, (_, i) => unitName(units - i)));
  const before = process.memoryUsage.rss();
  const fleet = await SimulatedFleet.open(
    {
      ...{ units, folder: join(folder, 'units'), files: systemFiles, clock, timer, random, traffic, onFault },
      openLedger: (place) => openUnitLedger(place, { files: systemFiles, clock, timer, witnesses }),
      obey: (place, ledger, body) =>
        ObedientUnit.open({
          ...{ place, ledger, body, config, files: systemFiles, clock, timer, random },
          stubborn: fails.has(place.unit),
          updates: centre?.updates,
          onFault: (fault) => onFault(place.unit, fault),
        }),
      openLink: (unit, handlers, will) =>
        openMqttLink(
          {
            ...{
              url,
              clientId: unit,
              protocol: 'auto',
              will,
              backoff,
              connectDeadline,
              clock,
              timer,
              random,
            },
            ...issued.get(unit),
            keepAlive: seconds(60),
            sessionExpiry: seconds(3600),
          },
          handlers,
        ),
    },
    signal,
  );
  const stop = new AbortController();
  const over = new AbortController();
  const told = tell(timer, over.signal, () => onFigures(fleet.figures));
  try {
    // What connecting takes belongs to no figure; a broker that is away holds nothing up for long.
    await fleet.connected(connectDeadline, signal);
    const time = minutes === undefined ? undefined : milliseconds(minutes * 60_000);
    if (time !== undefined) void timer.sleep(time, signal).then(() => stop.abort());
    const begun = clock.monotonic();
    const cpu = process.cpuUsage();
    const living = fleet.live(rate, AbortSignal.any([signal, stop.signal]));
    await Promise.race([living, ...endings(centre?.running, ended)]);
    const lastedMs = clock.monotonic() - begun;
    const { user, system } = process.cpuUsage(cpu);
    const bytesPerUnit = (process.memoryUsage.rss() - before) / units;
    // The first signal ends the traffic, and what was offered still has its time; the program ends at a second one.
    const settled = await fleet.settle(patience, new AbortController().signal);
    return {
      ...fleet.figures,
      ...{ settled, lastedMs, bytesPerUnit, withBridge: centre !== undefined },
      cpuPerUnit: (user + system) / 1000 / Math.max(1, lastedMs) / units,
      archived: centre?.ready.bridge.ingest.figures.archived,
    };
  } finally {
    over.abort();
    await told;
    stop.abort();
    await fleet.close();
  }
}

/** What our own bridge and broker end the simulation with, should they end by themselves. */
function endings(bridge: Promise<void> | undefined, broker: Promise<void> | undefined): readonly Promise<void>[] {
  return [['bridge', bridge] as const, ['broker', broker] as const].flatMap(([name, running]) =>
    running === undefined
      ? []
      : running.then(() => {
          throw new AtalayaError('internal', `the ${name} has ended by itself`);
        }),
  );
}

async function tell(timer: Timer, signal: AbortSignal, say: () => void): Promise<void> {
  while (!signal.aborted) {
    say();
    await timer.sleep(milliseconds(1000), signal);
  }
}
