import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { commandNames } from '../contract/acts.ts';
import { topicOf } from '../contract/address.ts';
import { type TopicName, topics } from '../contract/topics.ts';
import { filterMatches } from '../link/topic-filter.ts';
import {
  filtersOfWay,
  mosquittoFiles,
  rabbitDefinitions,
  rabbitFiles,
  recommendedMosquitto,
  recommendedRabbit,
  shippedBrokerFiles,
} from './broker-files.ts';

const here = new URL('.', import.meta.url);

test('the shipped files are those that the functions make; make docs writes them anew', (t) => {
  const shipped = shippedBrokerFiles();
  for (const { file, text } of shipped) t.is(readFileSync(new URL(file, here), 'utf8'), text, file);
  for (const folder of ['mosquitto', 'rabbitmq'])
    t.deepEqual(
      readdirSync(new URL(folder, here)).sort(),
      shipped.flatMap(({ file }) => (file.startsWith(`${folder}/`) ? [file.slice(folder.length + 1)] : [])).sort(),
    );
});

/** A topic of each name, and for the commands of each command. */
const examples = (unit: string): { name: TopicName; topic: string }[] => [
  ...(Object.keys(topics) as TopicName[])
    .filter((name) => name !== 'command')
    .map((name) => {
      const parameters = { id: 'x1234567', file: 'still-1.age', block: '0' };
      return { name, topic: topicOf(name, unit, parameters as never) };
    }),
  ...commandNames.map((name) => ({
    name: 'command' as const,
    topic: topicOf('command', unit, { name, id: 'x1234567' }),
  })),
];

/** What Mosquitto's list allows: patterns for everyone, the section of a user for that one. */
function allowed(acl: string, user: string, verb: 'read' | 'write', topic: string): boolean {
  let section: string | undefined;
  return acl.split('\n').some((line) => {
    const [kind, action, filter] = line.split(' ');
    if (kind === 'user') section = action;
    const counts = kind === 'pattern' || (kind === 'topic' && section === user);
    return counts && action === verb && filterMatches((filter ?? '').replace('%u', user), topic);
  });
}

test('the access list of Mosquitto allows what the table says, and nothing else', (t) => {
  const acl = mosquittoFiles(recommendedMosquitto).find(({ file }) => file === 'acl')?.text ?? '';
  for (const { name, topic } of examples('unit-a')) {
    const up = topics[name].way === 'up';
    t.is(allowed(acl, 'unit-a', 'write', topic), up, `unit-a says ${topic}`);
    t.is(allowed(acl, 'unit-a', 'read', topic), !up, `unit-a hears ${topic}`);
    t.is(allowed(acl, 'bridge-1', 'write', topic), !up, `the bridge says ${topic}`);
    t.is(allowed(acl, 'bridge-1', 'read', topic), up, `the bridge hears ${topic}`);
    for (const verb of ['read', 'write'] as const)
      t.false(allowed(acl, 'unit-b', verb, topic), `unit-b would ${verb} ${topic}`);
  }
  t.false(allowed(acl, 'unit-a', 'write', 'atalaya/v1/unit-a/anything'));
  t.false(allowed(acl, 'unit-a', 'read', 'atalaya/v1/unit-a/anything'));
});

test('the permissions in RabbitMQ allow what the table says, and nothing else', (t) => {
  const definitions = JSON.parse(rabbitDefinitions(['unit-a', 'unit-b', 'bridge-1']));
  const may = (user: string, verb: 'read' | 'write', key: string): boolean =>
    definitions.topic_permissions
      .filter((one: { user: string }) => one.user === user)
      .some((one: Record<string, string>) => new RegExp((one[verb] ?? '').replaceAll('{username}', user)).test(key));
  const key = (topic: string) => topic.replaceAll('/', '.').replaceAll('+', '*');
  for (const { name, topic } of examples('unit-a')) {
    const up = topics[name].way === 'up';
    t.is(may('unit-a', 'write', key(topic)), up, `unit-a says ${topic}`);
    t.is(may('bridge-1', 'write', key(topic)), !up, `the bridge says ${topic}`);
    t.false(may('unit-b', 'write', key(topic)), `unit-b would say ${topic}`);
  }
  for (const filter of filtersOfWay('down', 'unit-a')) {
    t.true(may('unit-a', 'read', key(filter)), filter);
    t.false(may('unit-b', 'read', key(filter)), filter);
  }
  for (const filter of filtersOfWay('up', '+')) t.true(may('bridge-1', 'read', key(filter)), filter);
  for (const filter of ['atalaya.#', '#', 'atalaya.v1.unit-a.#', 'atalaya.v1.*.ack', 'atalaya.v1.unit-ab.ack'])
    t.false(may('unit-a', 'read', filter), filter);
});

test('a queue in RabbitMQ is its own user’s, with or without an ending', (t) => {
  const { permissions } = JSON.parse(rabbitDefinitions(['unit-a']));
  const own = new RegExp(permissions[0].configure);
  for (const id of ['unit-a', 'unit-a.0123456789abcdef']) t.true(own.test(`mqtt-subscription-${id}qos1`), id);
  for (const id of ['unit-b', 'unit-ab', 'unit-a-b', 'unit-a.b', 'unit-aqos1.x'])
    t.false(own.test(`mqtt-subscription-${id}qos1`), id);
});

test('a name that could mean more than itself is refused', (t) => {
  const refused = (make: () => unknown, what: string) => t.true(isAtalayaError(t.throws(make), 'config-invalid'), what);
  for (const name of ['unit-1|.*', '.*', '', 'Unit', 'bridge-1\ntopic readwrite #', '+']) {
    refused(() => rabbitDefinitions([name]), name);
    refused(() => mosquittoFiles({ ...recommendedMosquitto, bridges: [name] }), name);
  }
  refused(() => rabbitFiles({ ...recommendedRabbit, units: ['bridge-9'] }), 'a unit named as a bridge');
  refused(() => mosquittoFiles({ ...recommendedMosquitto, bridges: ['unit-1'] }), 'a bridge named as a unit');
});
