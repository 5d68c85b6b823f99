import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { commandNames } from './acts.ts';
import { addressOf, filterOf, filtersOf, topicOf } from './address.ts';
import { arbitraryMessage, topicNames } from './testing/arbitrary-message.ts';
import { type TopicName, topics } from './topics.ts';

const messages = fc.oneof(...topicNames.map(arbitraryMessage));

/** Whether a filter covers a topic (MQTT 5, 4.7), without `#`. */
function covers(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  return wanted.length === levels.length && wanted.every((level, i) => level === '+' || level === levels[i]);
}

test('a topic is taken apart into what it was made of', (t) => {
  fc.assert(
    fc.property(messages, ({ name, unit, topic, parameters }) => {
      t.deepEqual(addressOf(topic), { kind: 'known', name, unit, parameters: { ...parameters } });
    }),
    { numRuns: 500 },
  );
});

test('no two topics have one spelling', (t) => {
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(messages, ({ name, topic }) => {
      const other = seen.get(topic) ?? name;
      seen.set(topic, name);
      return other === name;
    }),
    { numRuns: 2000 },
  );
  t.true(seen.size > 1000);
});

test('a filter covers its topic, of one unit, of all, and of other versions', (t) => {
  fc.assert(
    fc.property(messages, ({ name, unit, topic }) => {
      t.true(covers(filterOf(name), topic));
      t.true(covers(filterOf(name, unit), topic));
      t.false(covers(filterOf(name, `${unit.slice(0, 60)}-x`), topic));
      t.false(covers(filterOf(name, unit), topic.replace('/v1/', '/v2/')));
      t.true(covers(filterOf(name, unit, { anyVersion: true }), topic.replace('/v1/', '/v2/')));
      t.is(filtersOf(name, unit).filter((filter) => covers(filter, topic)).length, 1);
    }),
    { numRuns: 300 },
  );
  t.is(filterOf('command', 'unit-1'), 'atalaya/v1/unit-1/command/+/+');
  t.is(filterOf('state', undefined, { anyVersion: true }), 'atalaya/+/+/state');
});

test('what a unit subscribes to covers nothing that it sends', (t) => {
  const down = topicNames.filter((name) => topics[name].way === 'down').flatMap((name) => filtersOf(name, 'unit-1'));
  t.true(down.includes('atalaya/v1/unit-1/command/reboot/+'));
  t.false(down.some((filter) => filter.includes('command/+')));
  fc.assert(
    fc.property(messages, ({ name, parameters }) => {
      const { id = '' } = parameters;
      // An id that is the name of a command is the one exception; the unit then refuses its own reply.
      fc.pre(topics[name].way === 'up' && !(commandNames as readonly string[]).includes(id));
      const topic = topicOf(name, 'unit-1', parameters as never);
      return !down.some((filter) => covers(filter, topic));
    }),
    { numRuns: 500 },
  );
});

const table: readonly (readonly [topic: string, reason: string, unit?: string])[] = [
  ['', 'foreign-topic'],
  ['atalaya', 'foreign-topic'],
  ['atalaya/v1', 'foreign-topic'],
  ['/atalaya/v1/unit-1/state', 'foreign-topic'],
  ['Atalaya/v1/unit-1/state', 'foreign-topic'],
  ['$SYS/broker/uptime', 'foreign-topic'],
  ['atalaya/one/unit-1/state', 'foreign-topic'],
  ['atalaya/v01/unit-1/state', 'foreign-topic'],
  ['atalaya/v1/unit-1', 'foreign-topic', 'unit-1'],
  ['atalaya/v1/unit-1/', 'foreign-topic', 'unit-1'],
  ['atalaya/v1/unit-1/states', 'foreign-topic', 'unit-1'],
  ['atalaya/v1/unit-1/state/', 'foreign-topic', 'unit-1'],
  ['atalaya/v1/unit-1/event/other', 'foreign-topic', 'unit-1'],
  ['atalaya/v1/unit-1/__proto__', 'foreign-topic', 'unit-1'],
  [`atalaya/v1/unit-1/${'x/'.repeat(2000)}`, 'foreign-topic'],
  ['atalaya/v2/unit-1/state', 'unknown-version', 'unit-1'],
  ['atalaya/v99/Unit 1/anything/at/all', 'unknown-version'],
  ['atalaya/v1/Unit-1/state', 'unit-malformed'],
  ['atalaya/v1//state', 'unit-malformed'],
  ['atalaya/v1/-unit/state', 'unit-malformed'],
  [`atalaya/v1/${'u'.repeat(64)}/state`, 'unit-malformed'],
  ['atalaya/v1/unit\0/state', 'unit-malformed'],
  ['atalaya/v1/unit-1\n/state', 'unit-malformed'],
  ['atalaya/v1/unit-1/command/format-disk/command-1', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/command/reboot/short', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/command/toString/command-1', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/command//reply', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/evidence/E-1/still-1.age/0', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/evidence/E-1/~~/0', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/evidence/E-1/../0', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/evidence/E-1/still-1~age/01', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/evidence/E-1/still-1~age/1000001', 'parameter-malformed', 'unit-1'],
  ['atalaya/v1/unit-1/evidence/E-1/still-1~age/-1', 'parameter-malformed', 'unit-1'],
];

for (const [topic, reason, unit] of table) {
  test(`${reason}: ${JSON.stringify(topic.slice(0, 60))}`, (t) => {
    const refused = addressOf(topic);
    t.like(refused, { kind: 'refused', reason });
    if (refused.kind !== 'refused') return;
    t.is(refused.unit, unit);
    t.true(refused.detail.length > 10 && refused.detail.length < 200);
  });
}

test('an unknown version is named, and so is the one that is spoken', (t) => {
  t.like(addressOf('atalaya/v2/unit-1/state'), {
    detail: 'the topic is of version v2 of the contract, and v1 is spoken here',
  });
});

test('no topic has a dot: RabbitMQ makes a slash of it', (t) => {
  t.is(
    topicOf('evidenceBlock', 'unit-1', { id: 'E.1', file: 'still-1.age', block: '0' }),
    'atalaya/v1/unit-1/evidence/E~1/still-1~age/0',
  );
  fc.assert(fc.property(messages, ({ topic }) => !topic.includes('.')));
});

test('no topic is made of what does not fit', (t) => {
  const cases: readonly (readonly [TopicName, string, object])[] = [
    ['state', 'Unit 1', {}],
    ['state', '+', {}],
    ['reply', 'unit-1', {}],
    ['reply', 'unit-1', { id: '+' }],
    ['command', 'unit-1', { name: 'reply', id: 'command-1' }],
    ['evidenceBlock', 'unit-1', { id: 'E-1', file: 'a/b', block: '0' }],
    ['evidenceBlock', 'unit-1', { id: 'E-1', file: 'a~b', block: '0' }],
    ['evidenceBlock', 'unit-1', { id: 'E-1', file: 'a', block: '#' }],
  ];
  for (const [name, unit, parameters] of cases) {
    const error = t.throws(() => topicOf(name, unit, parameters as never));
    t.true(isAtalayaError(error, 'internal'));
  }
});

test('a name that brokers keep for bridges is no unit', (t) => {
  t.throws(() => topicOf('state', 'bridge-1', {}));
  t.like(addressOf('atalaya/v1/bridge-1/state'), { kind: 'refused', reason: 'unit-malformed' });
  t.like(addressOf('atalaya/v1/bridge1/state'), { kind: 'known', unit: 'bridge1' });
});
