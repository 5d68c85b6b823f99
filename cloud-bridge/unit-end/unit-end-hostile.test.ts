import test from 'ava';
import fc, { type Arbitrary } from 'fast-check';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import type { Command } from '../contract/acts.ts';
import { topicOf } from '../contract/address.ts';
import {
  arbitraryMessage,
  publishedSchemaOf,
  type SampleMessage,
  topicNames,
} from '../contract/testing/arbitrary-message.ts';
import { blockBytes, longestPayload, type TopicName, topics } from '../contract/topics.ts';
import type { Arrival, LinkHandlers } from '../link/link.ts';
import { commandOf, Surroundings, staff, stranger, unit } from './commands/testing/made-inbox.ts';
import { type Delivered, recordedEnd } from './testing/recorded-end.ts';

/** Stands in every hostile message; it is to be found nowhere afterwards. */
const plate = 'PLATE4711XYZ';
const downNames = topicNames.filter((name) => topics[name].way === 'down');
const upNames = topicNames.filter((name) => topics[name].way === 'up');

/** A message on its way, and what is to come of it. */
interface Sending {
  readonly topic: string;
  readonly payload: Buffer;
  /** Undefined: it is refused and reaches nobody. */
  readonly reaches: Delivered | undefined;
  readonly counts: 'taken' | 'refused';
}

interface Text {
  readonly topic: string;
  readonly content: Readonly<Record<string, unknown>>;
}

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const onto = ({ name, parameters, content }: SampleMessage): Text => ({
  topic: topicOf(name, unit, parameters as never),
  content: content as Text['content'],
});

/** What is wrong with the text of a message, its topic being right. */
function spoiled(name: TopicName): Arbitrary<(content: Text['content']) => Buffer> {
  const schema = publishedSchemaOf(name);
  if (schema === undefined) return fc.constantFrom(0, blockBytes + 1).map((size) => () => Buffer.alloc(size, 1));
  const field = fc.constantFrom(...((schema.required ?? []) as [string, ...string[]]));
  const members = (content: Text['content']) => JSON.stringify(content).slice(1);
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  return fc.oneof(
    fc.nat().map((at) => (content: Text['content']) => {
      const text = bytes(content);
      return text.subarray(0, at % text.byteLength);
    }),
    fc.uint8Array({ maxLength: 40 }).map((noise) => () => Buffer.from([0xff, ...noise])),
    fc.constant((content: Text['content']) => Buffer.concat([bytes(content), Buffer.alloc(longestPayload, ' ')])),
    field.map((one) => (content: Text['content']) => bytes({ ...content, [one]: undefined, later: plate })),
    field.map((one) => (content: Text['content']) => bytes({ ...content, [one]: null, later: plate })),
    fc
      .constantFrom(
        `{"later":"${plate}","later":"${plate}",`,
        `{"__proto__":{"polluted":"${plate}"},`,
        `{"later":${deep},`,
        '{"later":1e999,',
        `{"later":"\\ud800${plate}",`,
      )
      .map((head) => (content: Text['content']) => bytes(`${head}${members(content)}`)),
    fc.constantFrom('null', '[]', '0', `"${plate}"`, `["${plate}"]`, '{}').map((text) => () => bytes(text)),
  );
}

function deliveryOf(
  name: TopicName,
  payload: Buffer,
  { content }: Text,
  parameters: SampleMessage['parameters'],
): Delivered {
  switch (name) {
    case 'desired':
    case 'certificateGrant':
      return { inbox: name, content: payload };
    case 'command':
      return { inbox: 'command', content, topic: parameters as { name: string; id: string } };
    case 'cosigned':
      return { inbox: 'cosigned', content: (content as { readonly note?: unknown }).note };
    case 'jobNotify':
      return { inbox: 'jobNotify', content: (content as { readonly job?: unknown }).job };
    case 'streamData':
      return { inbox: 'streamData', content: payload, topic: parameters };
    default:
      return { inbox: name as 'ack' | 'evidenceGet' | 'streamAnswer', content };
  }
}

function sendingsOf(name: TopicName): Arbitrary<Sending> {
  const sample = arbitraryMessage(name);
  const good = sample.map((message): Sending => {
    const text = onto(message);
    if (message.content instanceof Uint8Array) {
      const payload = Buffer.from(message.content);
      return { ...text, payload, reaches: deliveryOf(name, payload, text, message.parameters), counts: 'taken' };
    }
    // What was read is what was sent, as JSON has it.
    const payload = bytes(text.content);
    const read = { ...text, content: JSON.parse(payload.toString()) };
    return { ...text, payload, reaches: deliveryOf(name, payload, read, message.parameters), counts: 'taken' };
  });
  const malformed = fc.tuple(sample, spoiled(name)).map(([message, spoil]): Sending => {
    const { topic, content } = onto(message);
    const spoilt = spoil(content);
    // An empty message is no grant and no hint: that it is taken back.
    const isEmptied = name === 'certificateGrant' || name === 'jobNotify';
    const payload = isEmptied && spoilt.byteLength === 0 ? bytes('{') : spoilt;
    const isAnswered = name === 'desired' || name === 'certificateGrant';
    const reaches: Delivered | undefined = isAnswered ? { inbox: name, content: payload } : undefined;
    return { topic, payload, reaches, counts: 'refused' };
  });
  const elsewhere = (place: Arbitrary<(topic: string) => string>) =>
    fc.tuple(sample, place).map(([message, move]): Sending => {
      const { topic, content } = onto(message);
      const payload = message.content instanceof Uint8Array ? Buffer.from(message.content) : bytes(content);
      return { topic: move(topic), payload, reaches: undefined, counts: 'refused' };
    });
  const foreign = elsewhere(
    fc.constantFrom<((topic: string) => string)[]>(
      (topic) => topic.replace(`/${unit}/`, '/unit-2/'),
      (topic) => topic.replace(`/${unit}/`, `/${plate}/`),
      (topic) => topic.replace('/v1/', '/v2/'),
      (topic) => topic.replace('/v1/', `/${plate}/`),
      (topic) => topic.replace('atalaya/', `${plate}/`),
      (topic) => `${topic}/${plate}`,
      (topic) => topic.slice(0, topic.lastIndexOf('/')),
      (topic) => `${topic}${'/x'.repeat(600)}`,
      () => `atalaya/v1/${unit}/command/reboot/${plate}!`,
      () => `atalaya/v1/${unit}/command/format-disk/${plate}`,
    ),
  );
  return fc.oneof(
    { weight: 2, arbitrary: good },
    { weight: 3, arbitrary: malformed },
    { weight: 2, arbitrary: foreign },
  );
}

/** What a unit itself sends, handed back to it. */
const wrongWay = fc.oneof(...upNames.map((name) => arbitraryMessage(name))).map((message): Sending => {
  const { topic, content } = onto(message);
  const payload = content instanceof Uint8Array ? Buffer.from(content) : bytes(content);
  return { topic, payload, reaches: undefined, counts: 'refused' };
});

/** An end, and the hand of a broker that sends what it likes. */
function victim() {
  let handlers: LinkHandlers | undefined;
  const recorded = recordedEnd(unit, (given) => {
    handlers = given;
    return {
      state: { kind: 'offline', fault: undefined },
      inFlight: 0,
      publish: async () => undefined,
      subscribe: async () => undefined,
      unsubscribe: async () => undefined,
      close: async () => undefined,
    };
  });
  recorded.end.open();
  const give = async (arrival: Pick<Arrival, 'topic' | 'payload'>) =>
    handlers?.arrived({ ...arrival, retained: false, duplicate: false });
  return { recorded, give };
}

for (const name of downNames) {
  test(`${name}: what is good arrives as it was sent, in its order; what is not is counted and reaches nobody`, async (t) => {
    const traffic = fc.array(fc.oneof({ weight: 5, arbitrary: sendingsOf(name) }, { weight: 1, arbitrary: wrongWay }), {
      minLength: 1,
      maxLength: 12,
    });
    let [taken, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(traffic, fc.array(fc.nat(), { maxLength: 4 }), async (sendings, again) => {
        const { recorded, give } = victim();
        // Some come once more, out of order.
        const all = [...sendings, ...again.map((at) => sendings[at % sendings.length] as Sending)];
        for (const sending of all) await give(sending);
        t.deepEqual(
          recorded.delivered,
          all.flatMap(({ reaches }) => reaches ?? []),
        );
        const expected = {
          taken: all.filter(({ counts }) => counts === 'taken').length,
          refused: all.filter(({ counts }) => counts === 'refused').length,
        };
        t.deepEqual(recorded.end.counts, expected);
        t.is(recorded.refused.length, expected.refused);
        for (const { detail } of recorded.refused) {
          t.true(detail.length > 0 && detail.length < 1000);
          t.false(detail.includes(plate));
        }
        t.is(({} as { polluted?: unknown }).polluted, undefined);
        taken += expected.taken;
        refused += expected.refused;
      }),
      { numRuns: 60, seed: 11 },
    );
    t.true(taken > 50 && refused > 100, `${taken} good, ${refused} hostile`);
  });
}

/** How a command that somebody signed is tampered with, or not. */
type Trick =
  | 'none'
  | 'again'
  | 'altered'
  | 'renamed'
  | 'other-unit'
  | 'stranger'
  | 'unsigned'
  | 'expired'
  | 'forbidden'
  | 'torn';
const tricks: readonly Trick[] = [
  'none',
  'again',
  'altered',
  'renamed',
  'other-unit',
  'stranger',
  'unsigned',
  'expired',
  'forbidden',
  'torn',
];

async function tricked(trick: Trick, id: string): Promise<{ readonly topic: string; readonly payload: Buffer }> {
  const past = { issued: '2026-03-01T10:00:00Z', expires: '2026-03-01T11:00:00Z' };
  const signed = async (): Promise<Command> => {
    switch (trick) {
      case 'stranger':
        return commandOf('reboot', id, stranger);
      case 'forbidden':
        return commandOf('reboot', id, staff.auditor);
      case 'expired':
        return commandOf('reboot', id, staff.supervisor, past);
      case 'other-unit':
        return commandOf('reboot', id, staff.supervisor, { unit: 'unit-2' });
      default:
        return commandOf('reboot', id);
    }
  };
  const { signature, ...body } = await signed();
  const document =
    trick === 'altered'
      ? { ...body, arguments: { reason: 'another one' }, signature }
      : trick === 'unsigned'
        ? body
        : { ...body, signature };
  const whole = bytes(document);
  return {
    topic: topicOf('command', unit, { name: 'reboot', id: trick === 'renamed' ? `${id}-other` : id }),
    payload: trick === 'torn' ? whole.subarray(0, whole.byteLength - 9) : whole,
  };
}

test('commands that are replayed, reordered, altered, forged, late, misdirected or torn are never done; good ones once', async (t) => {
  const script = fc.array(fc.tuple(fc.constantFrom(...tricks), fc.nat({ max: 5 })), { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const around = new Surroundings();
      const inbox = await around.open(new MemoryFiles());
      const { recorded, give } = victim();
      const good = new Set<string>();
      const spent = new Set<string>();
      let torn = 0;
      for (const [trick, at] of steps) {
        const id = `command-${at}`;
        const message = await tricked(trick, id);
        await give(message);
        if (trick === 'again') await give(message);
        if (trick === 'torn') torn += 1;
        // What somebody known has signed is answered once, whatever is said under that name later.
        if ((trick === 'none' || trick === 'again') && !spent.has(id)) good.add(id);
        if (['none', 'again', 'expired', 'forbidden'].includes(trick)) spent.add(id);
        for (const { content, topic } of recorded.delivered.splice(0))
          await inbox.take(content as Command, topic as { name: string; id: string });
      }
      await inbox.idle();
      t.deepEqual(new Set(around.ran.map(({ context }) => context.id)), good);
      t.is(around.ran.length, good.size);
      t.is(around.replied.filter(({ outcome }) => outcome === 'done').length, good.size);
      t.is(recorded.end.counts.refused, torn);
      t.deepEqual(around.faults, []);
      await inbox.close();
    }),
    { numRuns: 40, seed: 12 },
  );
});
