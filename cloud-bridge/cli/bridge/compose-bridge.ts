import { join } from 'node:path';
import type { Clock } from '../../../device/kernel/clock.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { explain } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type Random, supervise } from '../../../device/kernel/supervise.ts';
import { systemTimer, type Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { desiredFault } from '../../centre/api/config-handlers.ts';
import { type BridgeHealth, OpsServer, type PartHealth } from '../../centre/api/ops-server.ts';
import { ApiServer } from '../../centre/api/server.ts';
import type { Services } from '../../centre/api/services.ts';
import { TrustWatch } from '../../centre/api/trust-watch.ts';
import type { Archive } from '../../centre/archive/archive.ts';
import { Bridge } from '../../centre/bridge/bridge.ts';
import type { Sharing } from '../../centre/bridge/subscriptions.ts';
import { BridgeMetrics } from '../../centre/metrics/bridge-metrics.ts';
import { RolloutKeeper } from '../../centre/rollout/rollout-keeper.ts';
import { rolloutUpdates } from '../../centre/updates/rollout-updates.ts';
import type { UpdateParts } from '../../centre/updates/update-ports.ts';
import { makeWitnessPem, type WitnessKey, witnessKeyOf } from '../../centre/witness/witness-key.ts';
import type { Reported } from '../../contract/state.ts';
import type { Link, LinkHandlers } from '../../link/link.ts';
import { openMqttLink } from '../../link/mqtt-link.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { figuresOf } from './figures.ts';
import { checkCredentials, linkOptions } from './link-settings.ts';
import { apiPlaces, listenerOf, listening, opsPlace } from './listening.ts';
import { needed } from './needed-file.ts';
import { type Engines, openEngines } from './open-engines.ts';
import { openPeople } from './open-people.ts';
import { openUpdates } from './open-updates.ts';

export interface BridgeParts {
  readonly clock: Clock;
  /** Ends the bridge. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly timer?: Timer;
  readonly random?: Random;
  /** In place of a connection to the broker that the configuration names, for tests. */
  readonly connect?: (handlers: LinkHandlers) => Link;
  /** In place of the engines that the configuration names, for tests; they are closed with the bridge. */
  readonly engines?: Engines;
  /** In place of the update repository that the configuration names, for tests and simulations. */
  readonly updates?: UpdateParts;
  /** Called when units and people are listened to. */
  readonly onReady?: (ready: BridgeReady) => void;
}

export interface BridgeReady {
  readonly bridge: Bridge;
  /** Of the API and of `/healthz` and `/metrics`. */
  readonly addresses: readonly string[];
  /** What units are told to trust as the witness. */
  readonly witness: string;
}

/** Between two looks at the rollouts. */
const rolloutEvery = milliseconds(2000);
/** Between two looks at how long the trust document holds. */
const trustEvery = milliseconds(60_000);

/**
 * The centre's end as a configuration says, until the signal is aborted. Throws `config-invalid`, `key-missing` and `key-invalid` for what
 * a person has to put right, `store-locked` where another bridge works on the folder, and what the engines throw.
 */
export async function runBridge(config: BridgeConfig, parts: BridgeParts): Promise<void> {
  await makeFolders(systemFiles, config.data);
  const lock = await FolderLock.take(config.data);
  try {
    const { clock, log, timer = systemTimer, random = Math.random } = parts;
    if (parts.connect === undefined) await checkCredentials(config, clock, log);
    const engines = parts.engines ?? (await openEngines(config, { clock, log, timer, random }));
    try {
      await work(config, parts, engines);
    } finally {
      await engines.close();
    }
  } finally {
    await lock.release();
  }
}

async function work(config: BridgeConfig, parts: BridgeParts, { archive, blobs, queues }: Engines): Promise<void> {
  const { clock, signal, log, timer = systemTimer, random = Math.random } = parts;
  const witnessKey = await openWitness(config);
  const people = await openPeople(config, archive, clock, log);
  const bridge = new Bridge({
    ...{ archive, blobs, queues, witnessKey, clock, timer, random, log },
    connect: parts.connect ?? ((handlers) => openMqttLink(linkOptions(config, { clock, timer, random }), handlers)),
    sharing: sharingOf(config),
    evidence: config.evidence,
    updates: parts.updates ?? (await openUpdates(config, clock)),
    telemetryDays: config.telemetryDays,
    silentAfter: milliseconds(config.silentMinutes * 60_000),
    mostBytes: config.memoryMegabytes * 1e6,
    mostBytesOfUnit: config.unitMegabytes * 1e6,
  });
  const rollouts = new RolloutKeeper({
    archive,
    release: (unit, document) => bridge.configs.release(unit, document, 'rollout'),
    view: async (unit) => {
      const newest = await bridge.configs.newest(unit);
      const reported = (await archive.document('reported', unit))?.value as unknown as Reported | undefined;
      return {
        ...(newest === undefined
          ? {}
          : { newest: { version: newest.document.version, signature: newest.document.signature?.value ?? '' } }),
        ...(reported === undefined ? {} : { reported }),
      };
    },
    check: (document) => desiredFault(services, document),
    ...(bridge.updates.signs ? { updates: rolloutUpdates(bridge.updates, archive, clock) } : {}),
    ...{ clock, name: config.name, lease: milliseconds(30_000) },
  });
  const services: Services = { bridge, archive, blobs, rollouts, people, clock };
  const api = new ApiServer(services, timer, log);
  const trust = new TrustWatch({ people, alerts: bridge.alerts, clock });
  const metrics = new BridgeMetrics(() => figuresOf(bridge, api, trust));
  const ops =
    config.ops === null
      ? undefined
      : new OpsServer({
          ...config.ops,
          health: () => healthOf(bridge, archive, trust),
          metrics: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
        });
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  try {
    const listener = await listenerOf(config);
    const addresses = [...(await listening(apiPlaces(listener), () => api.listen(listener)))];
    if (ops !== undefined && config.ops !== null)
      addresses.push(await listening([opsPlace(config.ops)], () => ops.listen()));
    log.info({ part: 'bridge', addresses, witness: witnessKey.vkey }, 'the bridge is there');
    parts.onReady?.({ bridge, addresses, witness: witnessKey.vkey });
    const loop = { clock, timer, random, log };
    const working = [bridge.run(all), keepRollouts(rollouts, bridge, all, loop), keepWatch(trust, all, loop)];
    try {
      await Promise.all(working);
    } finally {
      stop.abort();
      await Promise.allSettled(working);
    }
  } finally {
    metrics.close();
    await Promise.allSettled([api.close(), ops?.close()]);
  }
}

async function keepWatch(
  trust: TrustWatch,
  signal: AbortSignal,
  { clock, timer, random, log }: { clock: Clock; timer: Timer; random: Random; log: Log },
): Promise<void> {
  await supervise(
    async (attempt) => {
      while (!attempt.signal.aborted) {
        await trust.round();
        attempt.beat();
        await timer.sleep(trustEvery, attempt.signal);
      }
    },
    {
      ...{ name: 'the watch over the trust document', signal, clock, timer, random },
      backoff: { first: milliseconds(1000), most: milliseconds(60_000) },
      deadline: milliseconds(600_000),
      grace: milliseconds(60_000),
      onFault: (error, wait) => log.warn({ part: 'bridge', error, waitMs: wait }, 'the trust document is not watched'),
    },
  );
}

async function keepRollouts(
  rollouts: RolloutKeeper,
  bridge: Bridge,
  signal: AbortSignal,
  { clock, timer, random, log }: { clock: Clock; timer: Timer; random: Random; log: Log },
): Promise<void> {
  let wake = () => {};
  bridge.onReported = () => wake();
  await supervise(
    async (attempt) => {
      while (!attempt.signal.aborted) {
        await rollouts.tick(attempt.signal);
        attempt.beat();
        const woken = new AbortController();
        wake = () => woken.abort();
        await timer.sleep(rolloutEvery, AbortSignal.any([attempt.signal, woken.signal]));
      }
    },
    {
      ...{ name: 'the rollouts', signal, clock, timer, random },
      backoff: { first: milliseconds(1000), most: milliseconds(30_000) },
      deadline: milliseconds(600_000),
      grace: milliseconds(60_000),
      onFault: (error, wait) => log.warn({ part: 'rollouts', error, waitMs: wait }, 'the rollouts are held up'),
    },
  );
}

function sharingOf({ sharing: { group, partition } }: BridgeConfig): Sharing {
  if (group !== undefined) return { kind: 'shared', group };
  return partition === undefined ? { kind: 'alone' } : { kind: 'partition', ...partition };
}

/** One that the configuration names has to be there: two bridges that each made their own would be two witnesses under one name. */
async function openWitness({ data, witness: { name, keyFile } }: BridgeConfig): Promise<WitnessKey> {
  if (keyFile !== undefined) return witnessKeyOf(name, (await needed(keyFile, 'witness.keyFile')).toString());
  const path = join(data, 'witness.pem');
  const standing = await readWholeFile(systemFiles, path);
  const pem = standing?.toString() ?? makeWitnessPem();
  if (standing === undefined) await writeWholeFile(systemFiles, path, Buffer.from(pem));
  return witnessKeyOf(name, pem);
}

async function healthOf(bridge: Bridge, archive: Archive, trust: TrustWatch): Promise<BridgeHealth> {
  const good = (detail: string): PartHealth => ({ state: 'good', detail });
  const failed = (error: unknown): PartHealth => ({ state: 'failed', detail: explain(error).split('\n')[0] ?? '' });
  const broker = bridge.online
    ? good('connected')
    : bridge.linkFault === undefined
      ? ({ state: 'failed', detail: 'not connected' } as const)
      : failed(bridge.linkFault);
  const kept = await archive.document('trust', 'current').then(() => good('answers'), failed);
  // Of an archive that does not answer its own part says so.
  const trusted = await trust.health().catch(() => undefined);
  const parts: BridgeHealth['parts'] = { broker, archive: kept, ...(trusted === undefined ? {} : { trust: trusted }) };
  const states = new Set(Object.values(parts).map(({ state }) => state));
  return { state: states.has('failed') ? 'failed' : states.has('degraded') ? 'degraded' : 'good', parts };
}
