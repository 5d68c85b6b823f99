import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeWitnessPem, witnessKeyOf } from '../../../cloud-bridge/centre/witness/witness-key.ts';
import { topicOf } from '../../../cloud-bridge/contract/address.ts';
import { openPlainLink } from '../../../cloud-bridge/testing/plain-link.ts';
import { type StartedBroker, startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import type { CommandExecutors } from '../../../cloud-bridge/unit-end/commands/command-types.ts';
import type { Config } from '../../config/config-schema.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { formatNote, parseNote } from '../../evidence/log/note.ts';
import { onDisk, seal } from '../../evidence/testing/stores.ts';
import { systemClock } from '../../kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log/log.ts';
import { scratchFolder } from '../../kernel/testing/scratch-folder.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { unitConfig } from '../../testing/trust-files.ts';
import { until } from '../../testing/until.ts';
import { alertOf, alone, openCloud, type UnitCloud } from './unit-cloud.ts';

const anAlert = alertOf({
  id: 'disk-nearly-full-1',
  name: 'disk-nearly-full',
  state: 'raised',
  since: '2026-03-01T12:00:00.000Z',
  detail: '90 % of the disk is in use',
});

interface Place {
  readonly folder: string;
  readonly store: EvidenceStore;
  readonly notices: AtalayaError[];
  readonly documents: string[];
  /** At the console. */
  readonly said: string[];
  /** In the log, as a warning or an error. */
  readonly warned: string[];
  readonly config: (cloud: Readonly<Record<string, unknown>>) => Config;
  open(config: Config): Promise<UnitCloud>;
}

async function placeOf(t: ExecutionContext): Promise<Place> {
  const folder = scratchFolder(t);
  const store = await EvidenceStore.open(join(folder, 'evidence'), onDisk({ clock: systemClock, unit: 'unit-7' }));
  t.teardown(() => store.close());
  const notices: AtalayaError[] = [];
  const documents: string[] = [];
  const said: string[] = [];
  const warned: string[] = [];
  const warn = (_: unknown, message: string) => void warned.push(message);
  return {
    folder,
    store,
    notices,
    documents,
    said,
    warned,
    config: (cloud) => unitConfig(join(folder, 'data'), { cloud }),
    open: async (config) => {
      const cloud = await openCloud({
        config,
        live: () => config,
        store,
        clock: systemClock,
        log: { ...silentLog, warn, error: warn },
        people: () => undefined,
        state: () => ({ boot: 'boot-1', software: '1', health: 'good', problems: [] }),
        executors: () => ({}) as CommandExecutors,
        desired: async (payload) => {
          documents.push(Buffer.from(payload).toString());
        },
        notice: (fault) => notices.push(fault),
        tell: (sentence) => said.push(sentence),
      });
      t.teardown(() => cloud.close());
      return cloud;
    },
  };
}

/** Whoever listens at the broker: what it hears, as `topic payload`. */
async function listener(t: ExecutionContext, broker: StartedBroker) {
  const heard: string[] = [];
  const link = openPlainLink(broker.url, 'bridge-1', {
    online: () => {},
    offline: () => {},
    arrived: ({ topic, payload }) => {
      heard.push(`${topic} ${payload.toString()}`);
    },
  });
  t.teardown(() => link.close());
  await link.subscribe(['#']);
  await until('the listener is there', () => link.state.kind === 'online');
  return { heard, link, last: (topic: RegExp) => heard.findLast((one) => topic.test(one)) ?? '' };
}

async function brokerOf(t: ExecutionContext): Promise<StartedBroker | undefined> {
  const broker = await startMosquitto();
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return undefined;
  }
  t.teardown(() => broker.stop());
  return broker;
}

const handles = () => process.getActiveResourcesInfo().filter((name) => /Timeout|TCP|FSReq/.test(name)).length;

test.serial('a unit without a broker is alone: no folder, no socket, nothing that waits', async (t) => {
  const { folder, config, open } = await placeOf(t);
  const before = handles();
  const cloud = await open(config({}));
  t.is(cloud, alone);
  t.true(handles() <= before);
  await cloud.offer(anAlert);
  await cloud.drain(milliseconds(10_000));
  await cloud.close();
  t.deepEqual(await readdir(folder), ['evidence']);
});

test.serial('a certificate that cannot be read is named with its field before anything is made', async (t) => {
  const { folder, config, open } = await placeOf(t);
  const cert = join(folder, 'unit.pem');
  const given = { broker: 'mqtts://127.0.0.1:9', ca: cert, cert, key: join(folder, 'unit.key') };
  const missing = await t.throwsAsync(open(config(given)));
  t.true(isAtalayaError(missing, 'config-invalid'));
  t.is(missing?.message, `${cert} of cloud.ca cannot be read`);
  await writeFile(cert, '');
  const key = await t.throwsAsync(open(config(given)));
  t.is(key?.message, `${given.key} of cloud.key cannot be read`);
  t.false((await readdir(folder)).includes('data'));
});

test.serial('what is opened half-way is closed again, and opens when the disk is in order', async (t) => {
  const { folder, config, open } = await placeOf(t);
  const commands = join(folder, 'data/outbox/commands');
  await mkdir(join(folder, 'data/outbox'), { recursive: true });
  // The last thing that is opened before the link finds a file in the place of its folder.
  await writeFile(commands, '');
  const before = handles();
  for (let i = 0; i < 3; i += 1) {
    const error = await t.throwsAsync(open(config({ broker: 'mqtt://127.0.0.1:9', dataBudgetMegabytesPerMonth: 10 })));
    t.true(isAtalayaError(error), error?.message);
  }
  await systemTimer.sleep(milliseconds(50));
  t.true(handles() <= before, 'nothing is left that keeps the program alive');
  await rm(commands);
  const cloud = await open(config({ broker: 'mqtt://127.0.0.1:9' }));
  t.not(cloud, alone);
  await cloud.close();
  await cloud.close();
});

test.serial(
  'what is offered while nobody is there is kept for the next start, and the end does not wait for anybody',
  async (t) => {
    const { config, open } = await placeOf(t);
    const settings = config({ broker: 'mqtt://127.0.0.1:9' });
    const first = await open(settings);
    await first.offer(anAlert);
    const asked = performance.now();
    await first.drain(milliseconds(10_000));
    await first.close();
    t.true(performance.now() - asked < 3000);
    const error = await t.throwsAsync(first.offer(anAlert));
    t.truthy(error, 'an end is an end');
    const second = await open(settings);
    t.is(second.view.figures?.queued.alert, 1);
    t.true(second.view.offlineSince !== undefined);
    await second.close();
  },
);

test.serial(
  'a broker: the state is there and leaves with the unit, events go, documents come, and being heard is noted',
  async (t) => {
    const broker = await brokerOf(t);
    if (broker === undefined) return;
    const { heard, link, last } = await listener(t, broker);
    const { config, open, documents, store, notices, said, warned } = await placeOf(t);
    const cloud = await open(config({ broker: broker.url }));
    await until('the state is said', () => /"online":true/.test(last(/\/state /)));
    await until('it knows that it is online', () => cloud.view.offlineSince === undefined);
    const heardAt = cloud.view.heardAt ?? Number.NaN;
    t.true(heardAt > 0);

    await cloud.offer(anAlert);
    await seal(store, 1);
    await until(
      'both arrive',
      () =>
        heard.some((one) => one.includes('disk-nearly-full')) && heard.some((one) => one.includes('unit-7-000000001')),
    );
    // Nobody answers but the broker, and that it does is what a configuration on trial has to show.
    await until('the broker was heard', () => (cloud.view.heardAt ?? 0) > heardAt);

    const topic =
      last(/\/state /)
        .split(' ')[0]
        ?.replace(/state$/, 'config/desired') ?? '';
    await link.publish(topic, '{"schema":"atalaya/config/1"}', { qos: 1, retain: true });
    await until('a document comes', () => documents.length > 0);

    const reconnects = cloud.view.reconnects;
    await broker.restart();
    await until('it is back', () => cloud.view.reconnects > reconnects && cloud.view.offlineSince === undefined);
    await until('the listener is back', () => link.state.kind === 'online');
    await cloud.close();
    await until('it took leave', () => /"online":false/.test(last(/\/state /)));
    t.deepEqual(notices, []);
    t.is(said[0], 'link: connected to the broker, MQTT 5');
    t.regex(said[1] ?? '', /^link: the broker is lost, .*; what is sealed waits for it$/);
    t.is(said.at(-1), 'link: connected to the broker again, MQTT 5');
    t.is(new Set(said).size, said.length, 'each once an outage');
    t.true(warned.length > 0);
    const warnings = warned.length;
    await systemTimer.sleep(milliseconds(100));
    t.is(warned.length, warnings);
    t.is(said.filter((one) => one.includes('lost')).length, 1, 'taking leave is no loss');
  },
);

test.serial('a broker that has frozen does not hold the unit up at its end', async (t) => {
  const broker = await brokerOf(t);
  if (broker === undefined) return;
  const { config, open, store } = await placeOf(t);
  const cloud = await open(config({ broker: broker.url }));
  await until('it is there', () => cloud.view.offlineSince === undefined);
  process.kill(broker.pid, 'SIGSTOP');
  try {
    await cloud.offer(anAlert);
    await seal(store, 1);
    cloud.stateChanged();
    await systemTimer.sleep(milliseconds(100));
    const asked = performance.now();
    await cloud.close();
    t.log(`closed after ${Math.round(performance.now() - asked)} ms`);
    // A process that is told to end is given four and a half seconds.
    t.true(performance.now() - asked < 3500);
  } finally {
    process.kill(broker.pid, 'SIGCONT');
  }
});

test.serial('a unit that is stopped takes leave without a word of a fault, connected or not', async (t) => {
  const broker = await brokerOf(t);
  if (broker === undefined) return;
  const { config, open, said, warned, notices, store } = await placeOf(t);
  const cloud = await open(config({ broker: broker.url }));
  await until('it is there', () => cloud.view.offlineSince === undefined);
  await cloud.offer(anAlert);
  await seal(store, 1);
  await cloud.close();
  t.deepEqual([warned, notices, said.length], [[], [], 1]);
});

test.serial('a broker that nobody reaches is said once with the reason, however often it is tried', async (t) => {
  const { config, open, said, notices } = await placeOf(t);
  const cloud = await open(config({ broker: 'mqtt://127.0.0.1:9' }));
  await until('it is said', () => said.length > 0);
  await systemTimer.sleep(milliseconds(4000));
  await cloud.close();
  t.deepEqual(said, ['link: the broker is not reached, nobody listens at 127.0.0.1:9; what is sealed waits for it']);
  t.deepEqual(notices, []);
});

test.serial('damaged queues and a damaged memory of commands keep no unit from working, and are told', async (t) => {
  const { folder, config, open, notices } = await placeOf(t);
  const settings = config({ broker: 'mqtt://127.0.0.1:9' });
  const first = await open(settings);
  await first.offer(anAlert);
  await first.close();
  const outbox = join(folder, 'data/outbox');
  for (const journal of ['alert/journal', 'telemetry/journal', 'commands/ids']) {
    const names = await readdir(join(outbox, journal));
    await writeFile(join(outbox, journal, names.find((name) => !name.startsWith('.')) ?? ''), 'not a journal\n');
  }
  for (const name of ['grants.json', 'ledger-mark.json', 'data-budget.json'])
    await writeFile(join(outbox, name), 'damaged');
  const second = await open(settings);
  t.is(second.view.setAside.length, 3, second.view.setAside.join('; '));
  t.regex(second.view.setAside.join(), /queue of alerts.*queue of figures.*memory of commands/);
  t.is(notices.length, 4, 'and the grants');
  await second.offer(anAlert);
  t.is(second.view.figures?.queued.alert, 1);
  await second.close();
  t.true((await readdir(join(outbox, 'commands'))).some((name) => name.startsWith('ids.damaged-')));
  const third = await open(settings);
  t.deepEqual(third.view.setAside, []);
  await third.close();
  t.is(notices.length, 5, 'the grants alone, until something is granted');
});

test.serial("a witness that is in nobody's settings is told once, with what to do", async (t) => {
  const broker = await brokerOf(t);
  if (broker === undefined) return;
  const { link } = await listener(t, broker);
  const { config, open, store, notices } = await placeOf(t);
  const cloud = await open(config({ broker: broker.url }));
  await until('it is there', () => cloud.view.offlineSince === undefined);
  const witness = witnessKeyOf('a-witness', makeWitnessPem());
  for (let i = 1; i <= 2; i += 1) {
    await seal(store, i);
    const { text, note } = await store.ledger.checkpoint();
    const own = parseNote(Buffer.from(note));
    if (!own.ok) throw new Error(own.reason);
    const cosigned = formatNote({ text, signatures: [...own.note.signatures, witness.cosign(text, 1n)] });
    await link.publish(topicOf('cosigned', 'unit-7', {}), JSON.stringify({ note: cosigned }), { qos: 1 });
  }
  await until('it is told', () => notices.length > 0);
  await systemTimer.sleep(milliseconds(300));
  await cloud.close();
  t.is(notices.length, 1, notices.join('; '));
  t.is(
    notices[0]?.message,
    'the cosigned note was not taken: it bears no cosignature of a known witness, and one of "a-witness"',
  );
  t.regex(notices[0]?.hint ?? '', /after `witness:`, into evidence.witnesses/);
});
