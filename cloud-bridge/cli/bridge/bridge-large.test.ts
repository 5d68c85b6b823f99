import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../../device/kernel/units.ts';
import { startPostgres } from '../../centre/archive/testing/start-postgres.ts';
import { countOf, pause, until } from '../../centre/bridge/testing/bridge-trial.ts';
import { SpeakingUnit } from '../../centre/bridge/testing/speaking-unit.ts';
import { makeWitnessPem } from '../../centre/witness/witness-key.ts';
import { openMqttLink } from '../../link/mqtt-link.ts';
import { startMosquitto } from '../../testing/start-mosquitto.ts';
import { loadBridgeConfig } from './bridge-config.ts';
import { type BridgeReady, runBridge } from './compose-bridge.ts';

interface TestStore {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}
const S3rver = createRequire(import.meta.url)('s3rver') as new (options: Record<string, unknown>) => TestStore;

/** How long something may take on a machine with much else to do, in ms. */
const busy = 30_000;

test('two bridges on PostgreSQL and S3 share the units of one Mosquitto through $share', async (t) => {
  const [broker, postgres] = [await startMosquitto({}), await startPostgres()];
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-large-'));
  const store = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: join(folder, 's3') });
  const end = new AbortController();
  const running: Promise<void>[] = [];
  const units: SpeakingUnit[] = [];
  try {
    if (broker === undefined || postgres === undefined) {
      t.log('mosquitto or PostgreSQL is not installed: passed over');
      t.pass();
      return;
    }
    const { port } = await store.run();
    const database = await postgres.database('fleet');
    const url = `postgres://atalaya@/fleet?host=${encodeURIComponent(String(database.host))}&port=${database.port ?? 5432}`;
    await writeFile(join(folder, 'url'), `${url}\n`);
    await writeFile(join(folder, 'witness.pem'), makeWitnessPem());
    await writeFile(join(folder, 'access'), 'S3RVER');
    await writeFile(join(folder, 'secret'), 'S3RVER');
    const ready = await Promise.all(
      ['bridge-1', 'bridge-2'].map(async (name) => {
        const file = join(folder, `${name}.yaml`);
        const blobs = `{ endPoint: 127.0.0.1, port: ${port}, tls: false, bucket: evidence, accessKeyFile: access, secretKeyFile: secret }`;
        await writeFile(
          file,
          `name: ${name}\ndata: ${name}\nbroker: { url: "${broker.url}" }\nsharing: { group: atalaya }\narchive: { urlFile: url }\nblobs: ${blobs}\nwitness: { keyFile: witness.pem }\nevidence: all\nops: null\n`,
        );
        const there = Promise.withResolvers<BridgeReady>();
        const run = runBridge(await loadBridgeConfig(file), {
          ...{ clock: systemClock, signal: end.signal, log: silentLog, onReady: there.resolve },
        });
        run.catch(there.reject);
        running.push(run);
        return there.promise;
      }),
    );
    for (const { bridge } of ready) await until('online', () => bridge.online, busy);
    for (const id of ['unit-1', 'unit-2', 'unit-3']) units.push(unitOn(broker.url, id));
    for (const unit of units) await unit.online();
    const body = Buffer.alloc(200_000, 'b');
    for (const unit of units) {
      await unit.state();
      await sayCounts(unit);
      const keys = Buffer.from('keys');
      unit.onGet = (get) => void unit.blocks(get, get.file === 'keys' ? keys : body);
      const entry = unit.entry(1, {
        id: `${unit.id}-000000001`,
        files: [{ name: 'at.jpg', bytes: body.byteLength, header: 0, body: sha256(body) }],
        sealing: { keys: { bytes: 4, sha256: sha256(keys) } },
      });
      await until(
        'its key is known everywhere',
        async () => {
          await unit.events('infraction', [{ sequence: 1, data: entry as unknown as JsonValue }]);
          return unit.upTo('infraction') === 1;
        },
        busy,
      );
    }
    for (const unit of units) {
      // As an outbox does: a broker keeps nothing for a bridge that is connected and has not subscribed yet.
      const acknowledged = async () => {
        if (unit.upTo('telemetry') === 500) return true;
        await pause(500);
        if (unit.upTo('telemetry') < 500) await sayCounts(unit);
        return false;
      };
      await until(`${unit.id} is acknowledged`, acknowledged, busy);
    }
    const took = ready.map(({ bridge }) => bridge.ingest.figures.archived);
    t.is(
      took.reduce((sum, one) => sum + one, 0),
      1503,
      'each event once, by one of them',
    );
    t.true(
      took.every((one) => one > 0),
      String(took),
    );
    for (const unit of units) {
      const at = { unit: unit.id, evidence: `${unit.id}-000000001` };
      await until(
        'the sealed files are here',
        async () => {
          // A store that is busy is asked again, as by whoever calls the bridge.
          const view = await ready[0]?.bridge.evidence.view(at.unit, at.evidence).catch((error: unknown) => {
            if (!isAtalayaError(error, 'archive-unavailable')) throw error;
            return undefined;
          });
          return view?.files.every(({ state }) => state === 'finished') === true;
        },
        busy,
      );
    }
  } finally {
    // Also where something has failed: a unit that looks for its broker for ever would keep this file from ending.
    await Promise.allSettled(units.map((unit) => unit.close()));
    end.abort();
    await Promise.allSettled(running);
    await broker?.stop();
    await postgres?.stop();
    await store.close().catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
});

async function sayCounts(unit: SpeakingUnit): Promise<void> {
  for (let from = 1; from <= 500; from += 50) {
    const events = Array.from({ length: 50 }, (_, i) => ({ sequence: from + i, data: countOf(from + i) }));
    await unit.events('count', events);
  }
}

const unitOn = (url: string, id: string): SpeakingUnit =>
  new SpeakingUnit(id, (handlers) =>
    openMqttLink(
      {
        ...{ url, clientId: id, protocol: 'auto', clock: systemClock, timer: systemTimer, random: Math.random },
        ...{ keepAlive: seconds(10), sessionExpiry: seconds(600), connectDeadline: milliseconds(5000) },
        backoff: { first: milliseconds(50), most: milliseconds(500) },
      },
      handlers,
    ),
  );
