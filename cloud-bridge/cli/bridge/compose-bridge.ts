import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../device/kernel/clock.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError, explain, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type Random, supervise } from '../../../device/kernel/supervise.ts';
import { systemTimer, type Timer } from '../../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../../device/kernel/units.ts';
import { desiredFault } from '../../centre/api/config-handlers.ts';
import { type BridgeHealth, OpsServer, type PartHealth } from '../../centre/api/ops-server.ts';
import { PeopleKeeper } from '../../centre/api/people-keeper.ts';
import { ApiServer } from '../../centre/api/server.ts';
import type { Services } from '../../centre/api/services.ts';
import type { Archive } from '../../centre/archive/archive.ts';
import { Bridge } from '../../centre/bridge/bridge.ts';
import type { Sharing } from '../../centre/bridge/subscriptions.ts';
import { BridgeMetrics } from '../../centre/metrics/bridge-metrics.ts';
import { RolloutKeeper } from '../../centre/rollout/rollout-keeper.ts';
import { makeWitnessPem, type WitnessKey, witnessKeyOf } from '../../centre/witness/witness-key.ts';
import type { Reported } from '../../contract/state.ts';
import type { Link, LinkHandlers } from '../../link/link.ts';
import { openMqttLink } from '../../link/mqtt-link.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { figuresOf } from './figures.ts';
import { type Engines, openEngines } from './open-engines.ts';

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

/**
 * The centre's end as a configuration says, until the signal is aborted. Throws `config-invalid`, `key-missing` and `key-invalid` for what
 * a person has to put right, `store-locked` where another bridge works on the folder, and what the engines throw.
 */
export async function runBridge(config: BridgeConfig, parts: BridgeParts): Promise<void> {
  await makeFolders(systemFiles, config.data);
  const lock = await FolderLock.take(config.data);
  try {
    const { clock, log, timer = systemTimer, random = Math.random } = parts;
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
    connect: parts.connect ?? ((handlers) => openMqttLink(linkOptions(config, clock, timer, random), handlers)),
    sharing: sharingOf(config),
    evidence: config.evidence,
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
    ...{ clock, name: config.name, lease: milliseconds(30_000) },
  });
  const services: Services = { bridge, archive, blobs, rollouts, people, clock };
  const api = new ApiServer(services, timer, log);
  const metrics = new BridgeMetrics(() => figuresOf(bridge, api));
  const ops =
    config.ops === null
      ? undefined
      : new OpsServer({
          ...config.ops,
          health: () => healthOf(bridge, archive),
          metrics: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
        });
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  try {
    const addresses = [...(await api.listen(await listenerOf(config)))];
    if (ops !== undefined) addresses.push(await ops.listen());
    log.info({ part: 'bridge', addresses, witness: witnessKey.vkey }, 'the bridge is there');
    parts.onReady?.({ bridge, addresses, witness: witnessKey.vkey });
    const working = [bridge.run(all), keepRollouts(rollouts, bridge, all, { clock, timer, random, log })];
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

/** The certificate is read at each connection, so that a renewed one is used. */
function linkOptions({ name, broker }: BridgeConfig, clock: Clock, timer: Timer, random: Random) {
  const { url, ca, cert, key, serverName, protocol, keepAliveS, sessionHours } = broker;
  return {
    ...{ url, clientId: name, protocol, clock, timer, random },
    ...(serverName === undefined ? {} : { serverName }),
    keepAlive: seconds(keepAliveS),
    sessionExpiry: seconds(Math.round(sessionHours * 3600)),
    receiveMaximum: 200,
    backoff: { first: milliseconds(500), most: milliseconds(30_000) },
    connectDeadline: milliseconds(15_000),
    credentials: async () => ({
      ...(ca === undefined ? {} : { ca: await needed(ca, 'broker.ca') }),
      ...(cert === undefined ? {} : { cert: await needed(cert, 'broker.cert') }),
      ...(key === undefined ? {} : { key: await needed(key, 'broker.key') }),
    }),
  };
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

async function openPeople(config: BridgeConfig, archive: Archive, clock: Clock, log: Log): Promise<PeopleKeeper> {
  const { rootKey, document } = config.trust;
  const people = new PeopleKeeper(archive, rootKey === undefined ? undefined : await rootOf(rootKey), clock);
  if (document !== undefined) {
    try {
      await people.accept((await needed(document, 'trust.document')).toString());
    } catch (error) {
      // A newer one that was presented since is no reason to stay away.
      if (!isAtalayaError(error, 'document-refused') || (await people.people()) === undefined) throw error;
      log.warn({ part: 'bridge', error }, 'the trust document of the configuration is not taken; the one in use stays');
    }
  }
  if ((await people.people()) === undefined) {
    log.warn({ part: 'bridge' }, 'nobody may ask anything of this bridge: there is no trust document in force');
  }
  return people;
}

async function rootOf(path: string): Promise<KeyObject> {
  try {
    const key = createPublicKey(await needed(path, 'trust.rootKey'));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    if (isAtalayaError(error)) throw error;
  }
  throw new AtalayaError('key-invalid', `${path} is no Ed25519 key in PEM`);
}

async function listenerOf({ data, api: { socket, tls } }: BridgeConfig) {
  return {
    socket: socket === null ? undefined : (socket ?? join(data, 'api.sock')),
    tls:
      tls === undefined
        ? undefined
        : {
            ...{ host: tls.host, port: tls.port },
            cert: await needed(tls.cert, 'api.tls.cert'),
            key: await needed(tls.key, 'api.tls.key'),
          },
  };
}

async function needed(path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new AtalayaError('key-missing', `${path} ${why}`, { hint: `It is named by ${field}.`, cause: error });
  }
}

async function healthOf(bridge: Bridge, archive: Archive): Promise<BridgeHealth> {
  const good = (detail: string): PartHealth => ({ state: 'good', detail });
  const failed = (error: unknown): PartHealth => ({ state: 'failed', detail: explain(error).split('\n')[0] ?? '' });
  const broker = bridge.online
    ? good('connected')
    : bridge.linkFault === undefined
      ? ({ state: 'failed', detail: 'not connected' } as const)
      : failed(bridge.linkFault);
  const kept = await archive.document('trust', 'current').then(() => good('answers'), failed);
  const parts = { broker, archive: kept };
  const state = Object.values(parts).every((part) => part.state === 'good') ? 'good' : 'failed';
  return { state, parts };
}
