import { Ajv } from 'ajv';
import test from 'ava';
import fc, { type Arbitrary } from 'fast-check';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { encodeMessage, type Message, parseMessage, type Refused } from './message.ts';
import { refusalReasons } from './refusal.ts';
import { arbitraryMessage, publishedSchemaOf, type SampleMessage, topicNames } from './testing/arbitrary-message.ts';
import { blockBytes, longestPayload, type Topic, type TopicName, topics, type Way } from './topics.ts';

const wayOf = (name: TopicName): Way => topics[name].way;
const other = (way: Way): Way => (way === 'up' ? 'down' : 'up');

const encoded = ({ name, content }: SampleMessage): Buffer =>
  Buffer.from(encodeMessage(name, content as never).payload);

const parse = (topic: string, payload: Uint8Array | string, way: Way): Message | Refused =>
  parseMessage(topic, Buffer.from(payload), way);

const ajv = new Ajv({ strict: false, validateFormats: false });
/** Whether a payload is as the published schema has it, by a validator that is not ours. */
const published = new Map(
  topicNames.flatMap((name) => {
    const schema = publishedSchemaOf(name);
    return schema === undefined ? [] : [[name, ajv.compile(schema)] as const];
  }),
);

const messages = new Map(topicNames.map((name) => [name, arbitraryMessage(name)] as const));
const messageOf = (name: TopicName) => messages.get(name) as Arbitrary<SampleMessage>;
const anyMessage = fc.oneof(...messages.values());
const anyJsonMessage = fc.oneof(...[...published.keys()].map(messageOf));

/** The same good message each time. */
const oneOf = (name: TopicName) => fc.sample(messageOf(name), { numRuns: 1, seed: 7 })[0] as SampleMessage;

for (const name of topicNames) {
  test(`${name}: what is published is read back, unknown fields too`, (t) => {
    fc.assert(
      fc.property(messageOf(name), (sample) => {
        const { payload, qos, retain } = encodeMessage(name, sample.content as never);
        const message = parse(sample.topic, payload, wayOf(name));
        if (message.kind === 'refused') throw new Error(`${message.reason}: ${message.detail}`);
        t.like(message, { kind: 'message', name, unit: sample.unit, parameters: { ...sample.parameters } });
        t.is(qos, topics[name].qos);
        t.is(retain, topics[name].retain);
        const plain = (value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('hex') : JSON.parse(JSON.stringify(value));
        t.deepEqual(plain(message.content), plain(sample.content));
        t.true(published.get(name)?.(plain(sample.content)) ?? true);
      }),
      { numRuns: 60 },
    );
  });
}

test('what travels the wrong way is refused on every topic', (t) => {
  for (const name of topicNames) {
    const sample = oneOf(name);
    const refused = parse(sample.topic, encoded(sample), other(wayOf(name)));
    t.like(refused, { kind: 'refused', reason: 'wrong-way', unit: sample.unit, name });
  }
});

test('what is too long is refused on every topic before it is read', (t) => {
  for (const name of topicNames) {
    const sample = oneOf(name);
    const { payload }: Topic = topics[name];
    const most = payload === 'bytes' ? blockBytes : longestPayload;
    const padded = (bytes: number) => Buffer.concat([encoded(sample), Buffer.alloc(bytes, ' ')]).subarray(0, bytes);
    t.like(parse(sample.topic, padded(most + 1), wayOf(name)), {
      kind: 'refused',
      reason: 'oversized',
      unit: sample.unit,
    });
    t.is(parse(sample.topic, padded(most), wayOf(name)).kind, 'message', name);
  }
});

/** Payloads that are refused wherever JSON is, whatever the schema. */
const bad: readonly (readonly [what: string, payload: Uint8Array | string, reason: string, detail: RegExp])[] = [
  ['nothing', '', 'not-json', /empty/],
  ['no JSON', '{"a":}', 'not-json', /no JSON/],
  ['JSON that is cut off', '{"a":[1,2', 'not-json', /no JSON/],
  ['two values', '{}{}', 'not-json', /no JSON/],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), 'not-json', /UTF-8/],
  ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not-json', /UTF-8/],
  ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'not-json', /no JSON/],
  ['NUL bytes', Buffer.alloc(100), 'not-json', /no JSON/],
  ['a list', '[]', 'malformed', /\(document\)/],
  ['null', 'null', 'malformed', /\(document\)/],
  ['a number', '1', 'malformed', /\(document\)/],
  ['lists in lists', '['.repeat(60_000) + ']'.repeat(60_000), 'malformed', /nested deeper/],
  ['open lists', '['.repeat(120_000), 'malformed', /nested deeper/],
  ['objects in objects', `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`, 'malformed', /nested deeper/],
];

/** Members that no JSON of ours holds, put into a good message. */
const spoiling: readonly (readonly [what: string, member: string, detail: RegExp])[] = [
  ['a number beyond a double', '"later":1e999', /too large/],
  ['half of a surrogate pair', '"later":"\\ud800"', /surrogate/],
  ['half of a surrogate pair in a name', '"\\udfff":1', /surrogate/],
  ['a NUL', '"later":"a\\u0000b"', /NUL/],
  ['__proto__', '"__proto__":{"online":true}', /__proto__/],
  ['__proto__, spelled with an escape', '"\\u005f_proto__":1', /__proto__/],
  ['a name twice', '"later":1,"later":2', /twice/],
  ['a name twice, spelled with an escape', '"later":1,"l\\u0061ter":1', /twice/],
  ['a name twice, far inside', '"later":[{"a":{"b":1,"b":2}}]', /twice/],
  ['33 levels', `"later":${'['.repeat(32)}${']'.repeat(32)}`, /nested deeper/],
];

for (const name of published.keys()) {
  test(`${name}: hostile JSON is refused, each with its reason`, (t) => {
    const sample = oneOf(name);
    for (const [what, payload, reason, detail] of bad) {
      const refused = parse(sample.topic, payload, wayOf(name));
      t.like(refused, { kind: 'refused', reason, unit: sample.unit, name }, what);
      t.regex(refused.kind === 'refused' ? refused.detail : '', detail, what);
    }
    const good = encoded(sample).toString();
    for (const [what, member, detail] of spoiling) {
      const refused = parse(sample.topic, `${good.slice(0, -1)},${member}}`, wayOf(name));
      t.like(refused, { kind: 'refused', reason: 'malformed', unit: sample.unit }, what);
      t.regex(refused.kind === 'refused' ? refused.detail : '', detail, what);
    }
  });
}

test('a field of a later version passes, but in no document that is signed', (t) => {
  const strict: readonly TopicName[] = ['desired', 'certificateGrant', 'command', 'versions'];
  for (const name of published.keys()) {
    const sample = oneOf(name);
    const more = { ...(sample.content as object), constructor: 1, toString: 'x', hasOwnProperty: null };
    const message = parse(sample.topic, JSON.stringify(more), wayOf(name));
    t.is(message.kind, strict.includes(name) ? 'refused' : 'message', name);
    if (message.kind === 'refused') t.regex(message.detail, /constructor: is no field of this document/);
    else t.like(message.content, { constructor: 1, toString: 'x' });
  }
});

/** Every place in a value: the object or list, and the key there. */
function places(value: unknown): readonly (readonly [Record<string, unknown>, string])[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = value as Record<string, unknown>;
  return Object.keys(own).flatMap((key) => [[own, key] as const, ...places(own[key])]);
}

/** What only this software asks, beyond the published schemas. */
const beyond = /order of its lane|not below|beyond its count|gives no reason|not that of the topic/;

test('what is taken out of a message, put into it or changed is refused exactly where the published schema refuses it', (t) => {
  const odd = fc.constantFrom<unknown>(
    'remove',
    'add',
    -1,
    0,
    0.5,
    1e300,
    '',
    'x',
    'x'.repeat(3000),
    null,
    true,
    [],
    {},
    [[]],
  );
  fc.assert(
    fc.property(anyJsonMessage, fc.nat(), odd, (sample, where, what) => {
      const content = JSON.parse(JSON.stringify(sample.content)) as Record<string, unknown>;
      const all = places(content);
      const [parent, key] = all[where % all.length] as (typeof all)[number];
      if (what === 'remove' && Array.isArray(parent)) parent.splice(Number(key), 1);
      else if (what === 'remove') delete parent[key];
      else if (what === 'add') parent[`${key.slice(0, 20)}-more`] = 1;
      else parent[key] = what;
      const fits = published.get(sample.name)?.(content) === true;
      const text = JSON.stringify(content);
      const message = parse(sample.topic, text, wayOf(sample.name));
      if (message.kind === 'message') return fits;
      t.regex(message.reason, /^malformed$/);
      t.false(message.detail.includes('xxxx'), 'a detail repeats no value');
      return !fits || beyond.test(message.detail);
    }),
    { numRuns: 1500 },
  );
});

test('whatever comes on whatever topic: an answer, never a throw, and nothing passes that a schema refuses', (t) => {
  const level = fc.oneof(
    fc.constantFrom(
      'atalaya',
      'v1',
      'v2',
      'v0',
      'unit-1',
      'event',
      'command',
      'config',
      'evidence',
      'state',
      'reply',
      'desired',
      '',
      '+',
      '#',
      '$share',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constant('x'.repeat(200)),
  );
  const topic = fc.oneof(
    fc.array(level, { maxLength: 8 }).map((levels) => levels.join('/')),
    fc.array(level, { maxLength: 5 }).map((levels) => ['atalaya', 'v1', 'unit-1', ...levels].join('/')),
    anyMessage.map((sample) => sample.topic),
    fc.string({ unit: 'binary', maxLength: 80 }),
  );
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    anyMessage.map(encoded),
    fc.tuple(anyMessage.map(encoded), fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
      const copy = Buffer.from(bytes);
      copy[at % copy.byteLength] = value;
      return copy;
    }),
    fc.tuple(anyMessage.map(encoded), fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.byteLength)),
  );
  const seen = new Set<string>();
  fc.assert(
    fc.property(topic, payload, fc.constantFrom<Way>('up', 'down'), (on, bytes, way) => {
      const message = parseMessage(on, bytes, way);
      if (message.kind === 'message') {
        seen.add('message');
        return published.get(message.name)?.(JSON.parse(Buffer.from(bytes).toString())) ?? bytes.byteLength > 0;
      }
      seen.add(message.reason);
      return (
        (refusalReasons as readonly string[]).includes(message.reason) &&
        message.detail.length > 0 &&
        message.detail.length < 2000
      );
    }),
    { numRuns: 4000 },
  );
  t.true(seen.has('message') && seen.size >= 6, [...seen].join());
});

test('a flipped byte of a good message is read as a good message or refused', (t) => {
  fc.assert(
    fc.property(anyJsonMessage, fc.nat(), fc.integer({ min: 1, max: 255 }), (sample, at, flip) => {
      const bytes = Buffer.from(encoded(sample));
      const i = at % bytes.byteLength;
      bytes[i] = (bytes[i] as number) ^ flip;
      const message = parseMessage(sample.topic, bytes, wayOf(sample.name));
      return message.kind === 'refused' || published.get(sample.name)?.(JSON.parse(bytes.toString())) === true;
    }),
    { numRuns: 1500 },
  );
  t.pass();
});

test('what would be refused is not published: a fault of ours', (t) => {
  const cyclic = { online: true, self: {} };
  cyclic.self = cyclic;
  const cases: readonly (readonly [TopicName, unknown])[] = [
    ['state', { online: 'yes' }],
    ['state', { online: true, more: Number.NaN }],
    ['state', { online: true, more: '\ud800' }],
    ['state', { online: true, more: 1n }],
    ['state', { online: true, more: new Date(0) }],
    ['state', { online: true, more: 'x'.repeat(longestPayload) }],
    ['state', cyclic],
    ['state', Buffer.from('{}')],
    ['evidenceBlock', 'text'],
    ['evidenceBlock', new Uint8Array(0)],
    ['evidenceBlock', new Uint8Array(blockBytes + 1)],
    [
      'telemetry',
      {
        lane: 'alert',
        stream: '0'.repeat(16),
        events: [{ sequence: 1, previous: 0, time: '2026-03-01T12:00:00Z', data: { uptimeS: 1 } }],
      },
    ],
  ];
  for (const [name, payload] of cases) {
    const error = t.throws(() => encodeMessage(name, payload as never));
    t.true(isAtalayaError(error, 'internal'), String(error));
  }
  t.is(encodeMessage('state', { online: true, at: undefined }).payload, '{"online":true}');
});

test('events out of order, doubled, or linked backwards are refused', (t) => {
  const event = (sequence: number, previous: number) => ({
    sequence,
    previous,
    time: '2026-03-01T12:00:00Z',
    data: { uptimeS: 1 },
  });
  const message = (...events: readonly object[]) => ({ lane: 'telemetry', stream: '0123456789abcdef', events });
  const read = (content: object) => parse('atalaya/v1/unit-1/telemetry', JSON.stringify(content), 'up').kind;
  t.is(read(message(event(3, 1), event(9, 5), event(10, 9))), 'message');
  t.is(read(message(event(3, 3))), 'refused');
  t.is(read(message(event(3, 1), event(3, 1))), 'refused');
  t.is(read(message(event(4, 3), event(3, 2))), 'refused');
  t.is(read(message(event(3, 1), event(4, 2))), 'refused');
  t.is(read(message()), 'refused');
});

test('a block is given as it came, without a copy', (t) => {
  const bytes = Buffer.from([0, 255, 1]);
  const message = parseMessage('atalaya/v1/unit-1/evidence/E-1/plate~age/0', bytes, 'up');
  if (message.kind !== 'message' || message.name !== 'evidenceBlock') return t.fail();
  t.is(message.content.buffer, bytes.buffer);
  t.deepEqual(message.content, bytes);
  return t.deepEqual(message.parameters, { id: 'E-1', file: 'plate.age', block: '0' });
});
