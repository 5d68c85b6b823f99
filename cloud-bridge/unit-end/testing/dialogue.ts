import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { filtersOf, topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { Reported } from '../../contract/state.ts';
import {
  longestPayload,
  type TopicName,
  type TopicParameters,
  type TopicPayload,
  topics,
} from '../../contract/topics.ts';
import type { LinkHarness } from '../../testing/link-cases.ts';
import { makeLinkClient } from '../../testing/link-client.ts';
import { recordedEnd } from './recorded-end.ts';

const unit = 'unit-1';

/** What the centre has to say to this unit, one of each. */
async function sayEverything(
  say: <N extends TopicName>(name: N, parameters: TopicParameters<N>, content: TopicPayload<N>) => Promise<void>,
) {
  const times = { issued: '2026-03-01T12:00:00Z', expires: '2026-03-01T12:10:00Z' };
  const ack = { marks: [{ lane: 'alert' as const, stream: '0123456789abcdef', upTo: 3 }] };
  const id = 'snapshot-1';
  const command = {
    schema: 'atalaya/command/1' as const,
    unit,
    name: 'snapshot' as const,
    id,
    ...times,
    arguments: {},
  };
  const get = { evidence: 'unit-1-000012', file: 'clip.age', blocks: [0, 1] };
  await say('ack', {}, ack);
  await say('command', { name: 'snapshot', id }, command);
  await say('evidenceGet', {}, get);
  await say('cosigned', {}, { note: 'a note' });
  return [
    { inbox: 'ack', content: ack },
    { inbox: 'command', content: command, topic: { name: 'snapshot', id } },
    { inbox: 'evidenceGet', content: get },
    { inbox: 'cosigned', content: 'a note' },
  ];
}

function reportOf(version: number): Reported {
  const ref = { version, sha256: 'a'.repeat(64) };
  return { at: '2026-03-01T12:00:00Z', outcome: 'confirmed', ...ref, reasons: [], inForce: ref };
}

/** A unit and a centre from the first connection to the leave-taking, a cut link between; the same over every broker. */
export async function dialogue(t: ExecutionContext, harness: LinkHarness): Promise<void> {
  const centre = makeLinkClient((handlers) => harness.open({ clientId: 'bridge-1', sessionKept: true }, handlers));
  const up = (Object.keys(topics) as TopicName[]).filter((name) => topics[name].way === 'up');
  await centre.link.subscribe(up.flatMap((name) => filtersOf(name)));
  await centre.online();
  const say = async <N extends TopicName>(name: N, parameters: TopicParameters<N>, content: TopicPayload<N>) => {
    const { payload, qos, retain } = encodeMessage(name, content);
    await centre.link.publish(topicOf(name, unit, parameters), payload, { qos, retain });
  };
  const heard = (topic: string) => centre.arrivals.filter((one) => one.topic === topic).map(({ payload }) => payload);
  const read = (topic: string) => heard(topic).map((payload) => JSON.parse(payload.toString()));
  const states = () => read(topicOf('state', unit, {})).map(({ online }) => online);

  // Retained, and there before the unit is.
  const desired = '{"schema":"atalaya/config/1"}';
  await centre.link.publish(topicOf('desired', unit, {}), desired, { qos: 1, retain: true });
  const recorded = recordedEnd(unit, (handlers, will) =>
    harness.open({ clientId: unit, will, sessionKept: true }, handlers),
  );
  const { end, delivered, refused } = recorded;
  t.teardown(() => Promise.all([end.close(), centre.link.close()]));
  recorded.checkpoint = 'note 1';
  end.report(reportOf(1));
  end.open();
  await centre.until(() => states().at(-1) === true && heard(topicOf('checkpoint', unit, {})).length === 1);
  for (let i = 0; recorded.sessions.length === 0 && i < 200; i += 1) await wait(10);
  t.is(recorded.sessions.length, 1);
  t.deepEqual(read(topicOf('reported', unit, {})), [reportOf(1)]);

  const said = await sayEverything(say);
  await centre.link.publish(topicOf('ack', unit, {}), '{"marks":', { qos: 1 });
  await centre.link.publish(topicOf('ack', unit, {}), ' '.repeat(longestPayload + 1), { qos: 1 });
  const reply = { id: 'snapshot-1', name: 'snapshot', at: '2026-03-01T12:00:00Z', outcome: 'done' } as const;
  await end.reply(reply);
  await end.block('unit-1-000012', 'clip.age', 1, Buffer.from('sealed'));
  const blockTopic = topicOf('evidenceBlock', unit, { id: 'unit-1-000012', file: 'clip.age', block: '1' });
  await centre.until(() => heard(blockTopic).length === 1);
  t.deepEqual(read(topicOf('reply', unit, { id: 'snapshot-1' })), [reply]);
  t.is(heard(blockTopic)[0]?.toString(), 'sealed');
  for (let i = 0; refused.length < 3 && i < 200; i += 1) await wait(10);
  end.report(reportOf(2));
  await centre.until(() => read(topicOf('reported', unit, {})).at(-1)?.version === 2);
  t.deepEqual(delivered.slice(0, 1), [{ inbox: 'desired', content: Buffer.from(desired) }]);
  t.deepEqual(delivered.slice(1), said as typeof delivered);
  t.deepEqual(
    refused.map(({ reason }) => reason),
    ['malformed', 'not-json', 'oversized'],
  );
  t.deepEqual(end.counts, { taken: 4, refused: 3 });

  const connections = states().filter(Boolean).length;
  harness.cut(unit);
  await centre.until(() => states().includes(false));
  recorded.checkpoint = 'note 2';
  await centre.until(() => states().filter(Boolean).length > connections && states().at(-1) === true);
  await centre.until(() => read(topicOf('checkpoint', unit, {})).at(-1)?.note === 'note 2');
  t.like(read(topicOf('state', unit, {})).at(-1), { online: true, boot: 'boot-1' });

  await end.close();
  await centre.until(() => states().at(-1) === false);
  t.is((await end.reply(reply).catch((error: unknown) => error as { code: string }))?.code, 'link-down');
  t.deepEqual(recorded.faults, []);
}
