import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { commandSchemaId } from '../../../cloud-bridge/contract/acts.ts';
import { filtersOf, topicOf } from '../../../cloud-bridge/contract/address.ts';
import type { People } from '../../../cloud-bridge/contract/people.ts';
import { makePerson, peopleOf } from '../../../cloud-bridge/contract/testing/made-people.ts';
import { type LinkClient, makeLinkClient } from '../../../cloud-bridge/testing/link-client.ts';
import { openTestLink } from '../../../cloud-bridge/testing/mqtt-harness.ts';
import { startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import type { CommandExecutors } from '../../../cloud-bridge/unit-end/commands/command-types.ts';
import type { Grants } from '../../../cloud-bridge/unit-end/evidence/grants.ts';
import type { OwnState } from '../../../cloud-bridge/unit-end/unit-end.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { onDisk } from '../../evidence/testing/stores.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import { type Log, silentLog } from '../../kernel/log/log.ts';
import { signDocument } from '../../kernel/signed/sign-document.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { toIso, utcMilliseconds } from '../../kernel/units.ts';
import { unitConfig } from '../../testing/trust-files.ts';
import { type CommandParts, commandExecutors } from '../remote/commands.ts';
import { openCloud, type UnitCloud } from './unit-cloud.ts';

const unit = 'unit-7';
const technician = makePerson('Dan', 'technician');
const people: People = await peopleOf([technician]);

interface Place {
  readonly data: string;
  readonly centre: LinkClient;
  readonly lines: string[];
  readonly faults: AtalayaError[];
  /** Ids of commands. */
  readonly done: string[];
  state: OwnState;
  open(): Promise<UnitCloud>;
}

/** A unit's store on the disk, a broker of its own and a centre that hears states and replies. Undefined where there is no broker. */
async function placeOf(t: ExecutionContext): Promise<Place | undefined> {
  const broker = await startMosquitto();
  if (broker === undefined) {
    t.log('Mosquitto is not installed: passed over');
    t.pass();
    return undefined;
  }
  t.teardown(() => broker.stop());
  const data = await mkdtemp(join(tmpdir(), 'unit-cloud-hostile-'));
  t.teardown(() => rm(data, { recursive: true, force: true }));
  const options = onDisk({ unit, clock: systemClock, timer: systemTimer });
  const store = await EvidenceStore.open(join(data, 'evidence'), options);
  t.teardown(() => store.close());
  const centre = makeLinkClient((handlers) => openTestLink({ url: broker.url, clientId: 'bridge-1' }, handlers));
  t.teardown(() => centre.link.close());
  await centre.link.subscribe([...filtersOf('reply', unit), ...filtersOf('state', unit), ...filtersOf('count', unit)]);
  await centre.online();
  const config = unitConfig(data, { cloud: { broker: broker.url, protocol: '5' } });
  const lines: string[] = [];
  const say = (_: object, message: string) => void lines.push(message);
  const log: Log = { ...silentLog, info: say, warn: say, error: say };
  const done: string[] = [];
  const execute = async (_: unknown, { id }: { readonly id: string }) => {
    done.push(id);
    return { outcome: 'done' as const };
  };
  const place: Place = {
    data,
    centre,
    lines,
    faults: [],
    done,
    state: { boot: 'boot-1' },
    open: async () => {
      const cloud = await openCloud({
        config,
        live: () => config,
        store,
        clock: systemClock,
        log,
        people: () => people,
        state: () => place.state,
        executors: () => ({ 'self-test': execute }) as unknown as CommandExecutors,
        desired: async () => undefined,
        notice: (fault) => place.faults.push(fault),
        tell: () => {},
      });
      t.teardown(() => cloud.close());
      return cloud;
    },
  };
  return place;
}

async function selfTest(id: string): Promise<string> {
  const now = Date.now();
  const body = {
    schema: commandSchemaId,
    unit,
    name: 'self-test',
    id,
    issued: toIso(utcMilliseconds(now)),
    expires: toIso(utcMilliseconds(now + 60_000)),
    arguments: {},
  } as const;
  return JSON.stringify(await signDocument(body, technician.signer));
}

/** Ten seconds; whether it came to be is for the assertions behind it. */
async function until(what: () => boolean): Promise<void> {
  for (let i = 0; !what() && i < 1000; i += 1) await wait(10);
}

test.serial('a command that comes while the unit stops is answered: now, or after the next start', async (t) => {
  const place = await placeOf(t);
  if (place === undefined) return;
  const { centre, done } = place;
  // One that was on its way when the unit stopped may come twice.
  const replies = () => [
    ...new Set(centre.arrivals.map(({ topic }) => topic).filter((topic) => topic.endsWith('/reply'))),
  ];
  const ids = Array.from({ length: 90 }, (_, i) => `self-test-${i}`);
  const signed = new Map<string, string>();
  for (const id of ids) signed.set(id, await selfTest(id));
  const give = (id: string) =>
    centre.link.publish(topicOf('command', unit, { name: 'self-test', id }), signed.get(id) ?? '', { qos: 1 });
  for (let from = 0; from < ids.length; from += 15) {
    const cloud = await place.open();
    await until(() => cloud.view.offlineSince === undefined);
    const before = replies().length;
    const given = Promise.all(ids.slice(from, from + 15).map(give));
    await until(() => replies().length > before);
    await Promise.all([given, cloud.close()]);
  }
  await place.open();
  await until(() => replies().length >= ids.length);
  t.deepEqual(replies().toSorted(), ids.map((id) => topicOf('reply', unit, { id })).toSorted());
  t.is(new Set(done).size, done.length, 'none is done twice');
});

test.serial('whoever speaks for the centre fills no log and stops nothing, whatever he sends', async (t) => {
  const place = await placeOf(t);
  if (place === undefined) return;
  const { centre, lines } = place;
  const cloud = await place.open();
  await until(() => cloud.view.offlineSince === undefined);
  const before = lines.length;
  for (let i = 0; i < 400; i += 1) {
    await centre.link.publish(topicOf('cosigned', unit, {}), JSON.stringify({ note: `no note ${i}\n` }), { qos: 1 });
    await centre.link.publish(topicOf('ack', unit, {}), '{"marks":[]}', { qos: 1 });
  }
  await until(() => cloud.view.refusedMessages === 400);
  t.is(cloud.view.refusedMessages, 400);
  t.true(lines.length - before <= 101, `${lines.length - before} lines`);
  const topic = topicOf('command', unit, { name: 'self-test', id: 'self-test-1' });
  await centre.link.publish(topic, await selfTest('self-test-1'), { qos: 1 });
  await centre.until(() => centre.arrivals.some((one) => one.topic.endsWith('self-test-1/reply')));
  t.deepEqual(place.faults, []);
});

test.serial('a centre that refuses everything is told of, and drowns nothing else', async (t) => {
  const place = await placeOf(t);
  if (place === undefined) return;
  const { centre } = place;
  const cloud = await place.open();
  await until(() => cloud.view.offlineSince === undefined);
  const at = { line: 'a', direction: 'forward', class: 'car', dated: true, frame: 1, track: 1 } as const;
  for (let i = 0; i < 300; i += 1)
    await cloud.offer({ kind: 'count', time: systemClock.utc(), data: { ...at, frame: i } });
  await until(() => centre.arrivals.some(({ topic }) => topic.endsWith('/event/count')));
  const sent = centre.arrivals.find(({ topic }) => topic.endsWith('/event/count'));
  const { stream } = JSON.parse(sent?.payload.toString() ?? '{}');
  for (let from = 1; from <= 300; from += 100) {
    const refused = Array.from({ length: 100 }, (_, i) => ({
      lane: 'telemetry',
      stream,
      sequence: from + i,
      reason: 'because',
    }));
    const ack = { marks: [{ lane: 'telemetry', stream, upTo: 0 }], refused };
    await centre.link.publish(topicOf('ack', unit, {}), JSON.stringify(ack), { qos: 1 });
  }
  await until(() => cloud.view.figures?.refused === 300);
  t.is(cloud.view.figures?.refused, 300);
  t.is(place.faults.length, 100);
  t.true(place.faults.every(({ code }) => code === 'message-refused'));
});

test.serial('a state that is not of the contract is told to a person, and the unit is there', async (t) => {
  const place = await placeOf(t);
  if (place === undefined) return;
  place.state = { boot: 'boot-1', site: 'x'.repeat(201) };
  const cloud = await place.open();
  await until(() => cloud.view.offlineSince === undefined);
  t.is(cloud.view.offlineSince, undefined);
  t.is(place.faults[0]?.code, 'internal');
  await place.centre.until(() => place.centre.texts.some((text) => text.includes('"online":true')));
});

test.serial('grants that are damaged grant nothing, are told, and keep no unit from its centre', async (t) => {
  const place = await placeOf(t);
  if (place === undefined) return;
  await mkdir(join(place.data, 'outbox'));
  await writeFile(join(place.data, 'outbox', 'grants.json'), '{"format":"atalaya/grants/1","grants":"all"}');
  const cloud = await place.open();
  await until(() => cloud.view.offlineSince === undefined);
  t.is(cloud.view.offlineSince, undefined);
  t.deepEqual(
    place.faults.map(({ code }) => code),
    ['store-damaged'],
  );
});

test('a pull of evidence that came to its deadline grants no more than it had', async (t) => {
  const late = new AbortController();
  const granted: string[] = [];
  const grants = {
    grant: async (id: string) => {
      granted.push(id);
      if (granted.length === 2) late.abort();
    },
  } as unknown as Grants;
  const executors = commandExecutors({ clock: systemClock } as CommandParts, grants);
  const [person] = people.all;
  if (person === undefined) throw new Error('nobody is known');
  const outcome = await executors['evidence-pull'](
    { evidence: ['E-1', 'E-2', 'E-3', 'E-4'], hours: 1 },
    { id: 'pull-0001', person, signal: late.signal },
  );
  t.is(outcome.outcome, 'failed');
  t.deepEqual(granted, ['E-1', 'E-2']);
});
