import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { filtersOf, topicOf } from '../contract/address.ts';
import type { CertificateReport } from '../contract/certificate.ts';
import type { Reported } from '../contract/state.ts';
import { longestPayload, type TopicName, topics } from '../contract/topics.ts';
import type { Link, LinkHandlers, LinkSession } from '../link/link.ts';
import { MemoryBroker, type MemoryBrokerOptions } from '../testing/memory-broker.ts';
import { recordedEnd } from './testing/recorded-end.ts';
import { UnitEnd } from './unit-end.ts';

const unit = 'unit-1';
const stateTopic = topicOf('state', unit, {});
const reportedTopic = topicOf('reported', unit, {});
const checkpointTopic = topicOf('checkpoint', unit, {});

function reportOf(version: number): Reported {
  const ref = { version, sha256: 'a'.repeat(64) };
  return { at: '2026-03-01T12:00:00Z', outcome: 'confirmed', ...ref, reasons: [], inForce: ref };
}

function desk(options: MemoryBrokerOptions = {}) {
  const broker = new MemoryBroker(options);
  const recorded = recordedEnd(unit, (handlers, will) =>
    broker.link(handlers, { clientId: unit, will, sessionKept: true }),
  );
  const retained = (topic: string): unknown => JSON.parse(broker.retained.get(topic)?.toString() ?? 'null');
  const said = (topic: string) =>
    broker.published.filter((one) => one.topic === topic).map(({ payload }) => JSON.parse(payload.toString()));
  return { broker, recorded, end: recorded.end, retained, said };
}

/** Lets everything happen that can happen without time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i += 1) await turn();
}

test('the retained state says that the unit is there, that it was lost, that it is there again, and that it left', async (t) => {
  const { broker, recorded, end, retained } = desk();
  end.open();
  t.is(end.session, undefined);
  await settle();
  t.like(retained(stateTopic), { online: true, boot: 'boot-1', health: 'good', protocol: '5' });
  t.is(recorded.sessions.length, 1);
  t.is(end.session?.protocol, '5');
  broker.stop();
  await settle();
  t.deepEqual(retained(stateTopic), { online: false, boot: 'boot-1' });
  t.is(end.session, undefined);
  broker.start();
  await settle();
  t.like(retained(stateTopic), { online: true });
  t.is(recorded.sessions.length, 2);
  await Promise.all([end.close(), end.close()]);
  t.deepEqual(retained(stateTopic), { online: false, boot: 'boot-1' });
  t.is(recorded.offline.length, 2);
  t.is(recorded.offline[1], undefined);
  end.stateChanged();
  await settle();
  t.deepEqual(retained(stateTopic), { online: false, boot: 'boot-1' });
});

test('it subscribes to exactly what travels down to this unit, of any version', async (t) => {
  const subscribed: string[] = [];
  const { end } = recordedEnd(unit, () => ({
    ...deadLink,
    subscribe: async (filters) => void subscribed.push(...filters),
  }));
  end.open();
  const down = (Object.keys(topics) as TopicName[]).filter((name) => topics[name].way === 'down');
  const wanted = down.flatMap((name) => filtersOf(name, unit, { anyVersion: true }));
  t.deepEqual(subscribed.toSorted(), wanted.toSorted());
  t.true(subscribed.every((filter) => filter.split('/')[2] === unit));
});

test('state, report and checkpoint are said anew at each connection, each as it is then', async (t) => {
  const { broker, recorded, end, retained, said } = desk();
  end.report(reportOf(1));
  end.open();
  await settle();
  t.like(retained(reportedTopic), { version: 1 });
  t.is(said(checkpointTopic).length, 0, 'there is none yet');
  broker.stop();
  end.report(reportOf(2));
  end.report(reportOf(3));
  recorded.checkpoint = 'note 1';
  end.checkpointed();
  recorded.state = { ...recorded.state, health: 'degraded' };
  end.stateChanged();
  recorded.checkpoint = 'note 2';
  await settle();
  broker.start();
  await settle();
  t.deepEqual(
    said(reportedTopic).map(({ version }) => version),
    [1, 3],
  );
  t.deepEqual(said(checkpointTopic), [{ note: 'note 2' }]);
  t.like(retained(stateTopic), { online: true, health: 'degraded' });
});

test('what is said of the certificate stands as the others do; a grant that is taken back is none', async (t) => {
  const broker = new MemoryBroker();
  const topic = topicOf('certificate', unit, {});
  const report = (at: string): CertificateReport => {
    const digest = 'a'.repeat(64);
    const enrolled = { unit, version: 1, authority: digest, certificate: 'ab', expires: '2027-01-01T00:00:00Z' };
    return { at, enrolled, from: '2026-01-01T00:00:00Z', due: '2026-09-01T00:00:00Z', age: 'not-due' };
  };
  let now: CertificateReport | undefined;
  const grants: string[] = [];
  const refused: string[] = [];
  const inboxes = { ack: () => {}, desired: async () => {}, command: async () => {}, evidenceGet: async () => {} };
  const end = new UnitEnd({
    unit,
    clock: systemClock,
    openLink: (handlers, will) => broker.link(handlers, { clientId: unit, will, sessionKept: true }),
    state: () => ({}),
    checkpoint: () => undefined,
    certificate: () => now,
    inboxes: {
      ...inboxes,
      cosigned: async () => {},
      certificateGrant: (payload) => void grants.push(payload.toString()),
    },
    online: () => {},
    offline: () => {},
    refused: ({ reason }) => refused.push(reason),
  });
  end.open();
  await settle();
  const said = () =>
    broker.published.filter((one) => one.topic === topic).map(({ payload }) => JSON.parse(payload.toString()).at);
  t.deepEqual(said(), [], 'there is none yet');
  now = report('2026-03-01T12:00:00Z');
  end.certificateChanged();
  await settle();
  broker.stop();
  now = report('2026-03-02T12:00:00Z');
  end.certificateChanged();
  broker.start();
  await settle();
  t.deepEqual(said(), ['2026-03-01T12:00:00Z', '2026-03-02T12:00:00Z']);
  const centre = broker.link({ online: () => {}, offline: () => {}, arrived: () => {} }, { clientId: 'bridge-1' });
  await settle();
  const give = (content: string) => centre.publish(topicOf('certificateGrant', unit, {}), content, { qos: 1 });
  await give('x');
  await give('');
  await settle();
  t.deepEqual(grants, ['x'], 'what cannot be read is answered by whoever judges it');
  t.deepEqual(refused, ['not-json']);
  await Promise.all([end.close(), centre.close()]);
});

test('of what changes while the broker is slow only the newest is said, and it is said', async (t) => {
  const { broker, end, said } = desk();
  end.open();
  await settle();
  broker.hold();
  for (let version = 1; version <= 50; version += 1) end.report(reportOf(version));
  await settle();
  t.deepEqual(
    said(reportedTopic).map(({ version }) => version),
    [1],
  );
  broker.release();
  await settle();
  t.deepEqual(
    said(reportedTopic).map(({ version }) => version),
    [1, 50],
  );
});

test('whatever happens to the link, the newest of each gets through', async (t) => {
  const { broker, recorded, end, retained, said } = desk();
  end.open();
  await settle();
  for (let version = 1; version <= 60; version += 1) {
    if (version % 7 === 0) broker.loseNext();
    if (version % 5 === 0) broker.cut();
    if (version % 11 === 0) broker.hold();
    end.report(reportOf(version));
    recorded.checkpoint = `note ${version}`;
    end.checkpointed();
    await turn();
    if (version % 11 === 4) broker.release();
  }
  broker.release();
  await settle();
  t.like(retained(reportedTopic), { version: 60 });
  t.deepEqual(said(checkpointTopic).at(-1), { note: 'note 60' });
  t.like(retained(stateTopic), { online: true });
});

/** A link that is there and does nothing. */
const deadLink: Link = {
  state: { kind: 'offline', fault: undefined },
  inFlight: 0,
  publish: async () => undefined,
  subscribe: async () => undefined,
  unsubscribe: async () => undefined,
  close: async () => undefined,
};
const session: LinkSession = {
  protocol: '5',
  receiveMaximum: 64,
  maximumPacketSize: undefined,
  sharedSubscriptions: true,
  resumed: false,
};

/** An end on a link whose publishing is `publish`; `handlers` are the end's. */
function onLink(publish: Link['publish']) {
  let handlers: LinkHandlers | undefined;
  const recorded = recordedEnd(unit, (given) => {
    handlers = given;
    return { ...deadLink, publish };
  });
  recorded.end.open();
  if (handlers === undefined) throw new Error('no link was opened');
  return { recorded, end: recorded.end, handlers };
}

test('a connection that is broken and not yet told of is not asked again and again', async (t) => {
  let asked = 0;
  let broken = false;
  const { end, handlers } = onLink(async () => {
    asked += 1;
    // Without an end this would never let the loop turn.
    if (broken && asked < 1000) throw new AtalayaError('link-down', 'the socket was destroyed');
  });
  await handlers.online(session);
  broken = true;
  asked = 0;
  end.stateChanged();
  await settle();
  t.is(asked, 1);
});

test('a connection that was lost while the state was being said is not told of as online', async (t) => {
  let lose: (fault: AtalayaError) => void = () => undefined;
  const { recorded, handlers } = onLink(() => new Promise((_, reject) => (lose = reject)));
  const announced = handlers.online(session);
  await turn();
  const down = new AtalayaError('link-down', 'the broker hung up');
  lose(down);
  handlers.offline(down);
  await announced;
  t.deepEqual(recorded.sessions, []);
  t.deepEqual(recorded.offline, [down]);
});

test('a state that is no state of the contract is told, and the unit says all the same that it is there', async (t) => {
  const { recorded, end, retained } = desk();
  recorded.state = { boot: 'boot-1', problems: ['x'.repeat(2001)] };
  end.open();
  await settle();
  t.is(recorded.sessions.length, 1);
  t.like(retained(stateTopic), { online: true, protocol: '5' });
  t.is(recorded.faults.length, 1);
  t.is(recorded.faults[0]?.code, 'internal');
  end.stateChanged();
  await settle();
  t.is(recorded.faults.length, 2);
  recorded.state = { boot: 'boot-1', problems: ['disk: full'] };
  end.stateChanged();
  await settle();
  t.like(retained(stateTopic), { problems: ['disk: full'] });
});

test('a report that cannot travel is told, and holds up nothing', async (t) => {
  const { recorded, end, retained, said } = desk();
  recorded.checkpoint = 'note 1';
  end.report({ ...reportOf(1), reasons: Array.from({ length: 100 }, () => 'x'.repeat(2000)) });
  end.open();
  await settle();
  t.is(recorded.sessions.length, 1, 'the connection stands');
  t.deepEqual(said(checkpointTopic), [{ note: 'note 1' }]);
  t.is(recorded.faults.length, 1);
  t.is(said(reportedTopic).length, 0);
  end.report(reportOf(2));
  await settle();
  t.like(retained(reportedTopic), { version: 2 });
});

test('a broker that refuses a report is told of, and asked again with the next; one that refuses the state is left', async (t) => {
  let refusing = reportedTopic;
  const { recorded, end, said } = desk({ refuses: (topic) => (topic === refusing ? 'not authorised' : undefined) });
  end.report(reportOf(1));
  end.open();
  await settle();
  t.is(recorded.sessions.length, 1);
  t.is(recorded.faults[0]?.code, 'link-refused');
  end.report(reportOf(2));
  await settle();
  t.is(recorded.faults.length, 2);
  refusing = stateTopic;
  end.report(reportOf(3));
  await settle();
  t.deepEqual(
    said(reportedTopic).map(({ version }) => version),
    [3],
  );
  const other = desk({ refuses: () => 'not authorised' });
  other.end.open();
  await settle();
  t.deepEqual(other.recorded.sessions, []);
  t.true(other.recorded.offline.length > 0);
  other.broker.stop();
});

test('replies and blocks are published where they belong, and reject with link-down where there is no link', async (t) => {
  const { broker, end, said } = desk();
  const reply = { id: 'snapshot-1', name: 'snapshot', at: '2026-03-01T12:00:00Z', outcome: 'done' } as const;
  const block = () => end.block('unit-1-000012', 'clip.age', 7, Buffer.from('sealed'));
  t.is((await fault(end.reply(reply))).code, 'link-down', 'before there is a link');
  end.open();
  t.is((await fault(end.reply(reply))).code, 'link-down', 'before there is a connection');
  t.is((await fault(block())).code, 'link-down');
  await settle();
  await Promise.all([end.reply(reply), block()]);
  t.deepEqual(said(topicOf('reply', unit, { id: 'snapshot-1' })), [reply]);
  const topic = topicOf('evidenceBlock', unit, { id: 'unit-1-000012', file: 'clip.age', block: '7' });
  t.is(broker.published.find((one) => one.topic === topic)?.payload.toString(), 'sealed');
  broker.hold();
  const waiting = [fault(end.reply(reply)), fault(block())];
  await settle();
  broker.stop();
  t.deepEqual(
    (await Promise.all(waiting)).map(({ code }) => code),
    ['link-down', 'link-down'],
  );
  t.is((await fault(end.reply(reply))).code, 'link-down');
});

test('what is not of the contract, or not for this unit, is counted, told and without effect', async (t) => {
  const { broker, recorded, end } = desk();
  end.open();
  await settle();
  const before = broker.published.length;
  const give = (topic: string, payload: string | Buffer) => broker.publish(topic, payload);
  const ack = JSON.stringify({ marks: [{ lane: 'alert', stream: '0123456789abcdef', upTo: 3 }] });
  give('atalaya/v2/unit-1/ack', ack);
  give('atalaya/v1/unit-1/ack', '');
  give('atalaya/v1/unit-1/ack', '{"marks":[');
  give('atalaya/v1/unit-1/ack', '{"marks":[]}');
  give('atalaya/v1/unit-1/ack', Buffer.from([0xff, 0xfe]));
  give('atalaya/v1/unit-1/ack', Buffer.alloc(longestPayload + 1, ' '));
  give('atalaya/v1/unit-1/evidence/get', JSON.stringify({ evidence: '../x', file: 'keys', blocks: [0] }));
  give('atalaya/v1/unit-1/command/reboot/x', '{}');
  await settle();
  t.deepEqual(
    recorded.refused.map(({ reason }) => reason),
    [
      'unknown-version',
      'not-json',
      'not-json',
      'malformed',
      'not-json',
      'oversized',
      'malformed',
      'parameter-malformed',
    ],
  );
  t.deepEqual(end.counts, { taken: 0, refused: 8 });
  t.deepEqual(recorded.delivered, []);
  t.is(broker.published.length, before + 8, 'it answers none of them');
  give('atalaya/v1/unit-1/ack', ack);
  await settle();
  t.deepEqual(recorded.delivered, [{ inbox: 'ack', content: JSON.parse(ack) }]);
  t.deepEqual(end.counts, { taken: 1, refused: 8 });
});

test('a broker that sends what was not asked for has it refused: of other units, of the other way', async (t) => {
  const { recorded, handlers } = onLink(async () => undefined);
  const give = (topic: string, payload: string) =>
    handlers.arrived({ topic, payload: Buffer.from(payload), retained: false, duplicate: false });
  const ack = JSON.stringify({ marks: [{ lane: 'alert', stream: '0123456789abcdef', upTo: 3 }] });
  await give('atalaya/v1/unit-2/ack', ack);
  await give('atalaya/v1/unit-2/config/desired', 'not even JSON');
  await give('atalaya/v1/unit-1/state', '{"online":true}');
  await give('elsewhere', ack);
  await give('atalaya/v1/unit-1/config/desired/more', '{}');
  t.deepEqual(
    recorded.refused.map(({ reason }) => reason),
    ['foreign-topic', 'not-json', 'wrong-way', 'foreign-topic', 'foreign-topic'],
  );
  t.deepEqual(recorded.delivered, []);
});

test('a desired configuration that cannot be read reaches the inbox as it came, so that its reasons are told', async (t) => {
  const { broker, recorded, end } = desk();
  end.open();
  await settle();
  const topic = topicOf('desired', unit, {});
  const texts = ['', 'no JSON', '{"schema":"atalaya/config/9"}', 'x'.repeat(longestPayload + 1)];
  for (const text of texts) broker.publish(topic, text);
  await settle();
  t.deepEqual(
    recorded.delivered.map(({ inbox, content }) => [inbox, (content as Buffer).toString()]),
    texts.map((text) => ['desired', text]),
  );
  t.deepEqual(end.counts, { taken: 0, refused: 4 });
});

test('an inbox that publishes and waits does not wait for ever', async (t) => {
  const broker = new MemoryBroker();
  const recorded = recordedEnd(unit, (handlers, will) => {
    const link = broker.link(
      {
        ...handlers,
        arrived: async (arrival) => {
          await handlers.arrived(arrival);
          await link.publish('answered', 'yes', { qos: 1 });
        },
      },
      { clientId: unit, will },
    );
    return link;
  });
  recorded.end.open();
  await settle();
  for (let i = 0; i < 3; i += 1) broker.publish(topicOf('desired', unit, {}), '{}');
  await settle();
  t.is(broker.published.filter(({ topic }) => topic === 'answered').length, 3);
});
