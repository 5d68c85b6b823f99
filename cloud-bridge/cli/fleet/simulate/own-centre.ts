import { createPublicKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../../../../device/kernel/durable-file.ts';
import { systemFiles } from '../../../../device/kernel/files.ts';
import { openLog } from '../../../../device/kernel/log/pino-log.ts';
import { makePersonKey, signerOf } from '../../../contract/person-key.ts';
import { readKeyFile, writeKeyFile } from '../../../fleet/key-files.ts';
import { emptyTrust, signTrust, withPerson } from '../../../fleet/trust-draft.ts';
import type { LinkCredentials } from '../../../link/link-options.ts';
import { MadeDirector, madeTargets } from '../../../simulate/made-director.ts';
import { type BridgeConfig, bridgeConfigSchema } from '../../bridge/bridge-config.ts';
import { type BridgeReady, runBridge } from '../../bridge/compose-bridge.ts';
import { verifyReport } from '../../bridge/verify-report.ts';
import type { FleetUpdates } from './obedient-unit.ts';

/** Whom the centre trusts: paths of the signed document and of the public root key. */
export interface CentrePeople {
  readonly trust: string;
  readonly root: string;
}

/** A bridge in this process, and what a person needs to ask it. */
export interface OwnCentre {
  /** As `--bridge` takes it. */
  readonly address: string;
  /** Private key of a supervisor. */
  readonly key: string;
  readonly people: CentrePeople;
  /** What units are told to trust as the witness. */
  readonly witness: string;
  readonly ready: BridgeReady;
  readonly updates: FleetUpdates;
  /** Rejects where the bridge ends by itself. */
  readonly running: Promise<void>;
  stop(): Promise<void>;
}

export const ownBridge = 'bridge-1';

/**
 * Starts a bridge with everything in `folder`: keys and a trust document are made at the first start and used again at the next. Throws as
 * `runBridge`.
 */
export async function startOwnCentre(
  folder: string,
  broker: { readonly url: string; readonly credentials: LinkCredentials },
  clock: Clock,
): Promise<OwnCentre> {
  const at = (name: string) => join(folder, name);
  await makeFolders(systemFiles, folder);
  const { key, root, trust } = await openPeople(folder, clock);
  const files: Record<string, string> = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const content = broker.credentials[name];
    if (content === undefined) continue;
    files[name] = at(`broker-${name}.pem`);
    await writeFile(files[name], content, { mode: 0o600 });
  }
  const config: BridgeConfig = bridgeConfigSchema.parse({
    name: ownBridge,
    data: at('data'),
    broker: { url: broker.url, ...files },
    trust: { rootKey: root, document: trust },
    ops: null,
  });
  const log = openLog({ level: 'info', folder: at('log'), keepDays: 14, name: ownBridge, clock });
  const stop = new AbortController();
  const ready = Promise.withResolvers<BridgeReady>();
  const targets = madeTargets();
  const updates = { director: new MadeDirector(targets), verify: verifyReport, openStreams: undefined };
  const running = runBridge(config, { clock, signal: stop.signal, log, updates, onReady: ready.resolve });
  running.catch(ready.reject);
  try {
    const it = await ready.promise;
    return {
      // Where the bridge listens unless its configuration says otherwise.
      address: `unix:${at('data/api.sock')}`,
      ...{ key, people: { trust, root }, witness: it.witness, ready: it, running },
      updates: {
        targets,
        job: async (unit) => {
          const newest = (await it.bridge.updates.standing(unit))?.newest;
          return newest?.assigned === undefined ? undefined : newest.job;
        },
      },
      stop: async () => {
        stop.abort();
        await running.finally(() => log.close());
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Paths of the supervisor's key, of the public root key and of the trust document. */
async function openPeople(folder: string, clock: Clock) {
  const at = (name: string) => join(folder, name);
  const paths = { key: at('supervisor.pem'), root: at('root.public.pem'), trust: at('trust.json') };
  if ((await readWholeFile(systemFiles, paths.trust)) !== undefined) return paths;
  const root = await ownKey(at('root.pem'));
  const person = { name: 'Desk', role: 'supervisor', publicKey: publicOf(await ownKey(paths.key)) } as const;
  const draft = withPerson(emptyTrust(clock.utc()), person);
  const signed = await signTrust(draft, { now: clock.utc() }, signerOf(root));
  await writeWholeFile(systemFiles, paths.root, Buffer.from(publicOf(root)));
  // Last: a start that was cut short before it begins anew.
  await writeWholeFile(systemFiles, paths.trust, Buffer.from(JSON.stringify(signed)));
  return paths;
}

/** The private key in a file that is made where it is missing; PEM. */
async function ownKey(path: string): Promise<string> {
  if ((await readWholeFile(systemFiles, path)) === undefined) {
    const { privatePem, id } = makePersonKey();
    await writeKeyFile(path, privatePem, 0o600, id);
  }
  return readKeyFile(path, 'Remove the folder of the simulation to begin anew.');
}

const publicOf = (privatePem: string): string =>
  createPublicKey(privatePem).export({ format: 'pem', type: 'spki' }).toString();
