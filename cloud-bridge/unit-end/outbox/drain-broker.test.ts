import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { filterOf, topicOf } from '../../contract/address.ts';
import { encodeMessage, parseMessage } from '../../contract/message.ts';
import type { Lane } from '../../contract/outbox.ts';
import { eventKinds } from '../../contract/topics.ts';
import { MemoryBroker } from '../../testing/memory-broker.ts';
import { unmetered } from './data-budget.ts';
import { Drain } from './drain.ts';
import { Spool } from './spool.ts';
import { ModelCentre } from './testing/model-centre.ts';
import { alertEvent, countEvent, infractionEvent } from './testing/sample-events.ts';

const unit = 'unit-7';

test('over a broker that is stopped, cut and loses messages, with a centre that comes and goes, everything arrives once', async (t) => {
  const broker = new MemoryBroker();
  const clock = new ManualClock();
  const random = seededRandom(5);
  const centre = new ModelCentre(unit);
  const open = (lane: Lane) => Spool.open(`/data/${lane}`, { files, lane, random, clock });
  const files = new MemoryFiles();
  const sources = {
    alert: await open('alert'),
    infraction: await open('infraction'),
    telemetry: await open('telemetry'),
  };

  const openCentre = async () => {
    const link = broker.link(
      {
        online: () => undefined,
        offline: () => undefined,
        arrived: async ({ topic, payload }) => {
          centre.take(topic, payload);
          const ack = encodeMessage('ack', centre.ack() ?? { marks: [] });
          await link.publish(topicOf('ack', unit, {}), ack.payload, { qos: 1 }).catch(() => undefined);
        },
      },
      { clientId: 'bridge-1', sessionKept: true },
    );
    await link.subscribe(eventKinds.map((kind) => filterOf(kind)));
    return link;
  };
  let bridge = await openCentre();

  const link = broker.link(
    {
      online: (session) => drain.online(session),
      offline: () => drain.offline(),
      arrived: ({ topic, payload }) => {
        const message = parseMessage(topic, payload, 'down');
        if (message.kind === 'message' && message.name === 'ack') drain.acknowledged(message.content);
      },
    },
    { clientId: unit, sessionKept: true },
  );
  await link.subscribe([filterOf('ack', unit)]);
  const drain = new Drain({
    unit,
    link,
    sources,
    window: 16,
    budget: unmetered,
    clock,
    timer: clock,
    random,
    resendAfter: milliseconds(30_000),
    onRefused: (lane, sequence) => t.fail(`${lane}/${sequence} was refused`),
    onFault: (lane, fault) => t.fail(`${lane}: ${fault.message}`),
  });
  const stop = new AbortController();
  const running = drain.run(stop.signal);
  for (let step = 1; step <= 300; step += 1) {
    await Promise.all([
      sources.alert.offer(alertEvent(step)),
      sources.infraction.offer(infractionEvent(step)),
      ...[0, 1, 2].map((i) => sources.telemetry.offer(countEvent(step * 3 + i))),
    ]);
    const draw = random();
    if (draw < 0.1) broker.cut();
    else if (draw < 0.2) broker.loseNext();
    else if (draw < 0.25) broker.stop();
    else if (draw < 0.4) broker.start();
    else if (draw < 0.45) broker.hold();
    else if (draw < 0.55) broker.release();
    else if (draw < 0.6) {
      await bridge.close();
      bridge = await openCentre();
    }
    await clock.advance(100 * random());
  }
  broker.release();
  broker.start();
  for (let i = 0; i < 300; i += 1) await clock.advance(1000);
  t.deepEqual(drain.figures.queued, { alert: 0, infraction: 0, telemetry: 0 });
  t.deepEqual(
    [centre.events('alert').length, centre.events('infraction').length, centre.events('telemetry').length],
    [300, 300, 900],
  );
  t.true(drain.figures.resentEvents > 0);
  stop.abort();
  await clock.advance(0);
  await running;
});
