import { createServer, type Server } from 'node:net';
import { connect } from 'amqplib';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import type { AtalayaError } from '../../../device/kernel/errors.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { freePort } from '../../testing/free-port.ts';
import { type AmqpOptions, AmqpQueues } from './amqp-queues.ts';
import { type QueueName, queueNames } from './queues.ts';
import type { Sent } from './testing/memory-queues.ts';
import { queuesContract } from './testing/queues-contract.ts';
import { startAmqp, type TestAmqp } from './testing/start-amqp.ts';

const server = await startAmqp();
test.after.always(() => server?.stop());

function optionsFor(url: string, other: Partial<AmqpOptions> = {}): AmqpOptions {
  const backoff = { first: milliseconds(50), most: milliseconds(500) };
  const deadlines = { connectDeadline: milliseconds(5_000), confirmDeadline: milliseconds(5_000) };
  return { url, ...deadlines, backoff, clock: systemClock, timer: systemTimer, random: Math.random, ...other };
}

async function until(met: () => boolean): Promise<void> {
  for (let left = 600; !met(); left -= 1) {
    if (left === 0) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function opened(t: ExecutionContext, url: string, other: Partial<AmqpOptions> = {}): Promise<AmqpQueues> {
  const queues = AmqpQueues.open(optionsFor(url, other));
  t.teardown(() => queues.close());
  await until(() => queues.fault === undefined);
  return queues;
}

async function taken(url: string, queue: QueueName): Promise<readonly Sent[]> {
  const model = await connect(url);
  const channel = await model.createChannel();
  const sent: Sent[] = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) break;
    sent.push({ queue, id: String(message.properties.messageId), payload: JSON.parse(message.content.toString()) });
  }
  await model.close();
  return sent;
}

queuesContract(test.serial, async (t) => {
  if (server === undefined) return undefined;
  const { url, kill, restart } = server;
  return { queues: await opened(t, url), taken: (queue) => taken(url, queue), cut: kill, mend: restart };
});

const needs = (title: string, work: (t: ExecutionContext, server: TestAmqp) => Promise<void>) =>
  test.serial(title, async (t) => {
    if (server !== undefined) return work(t, server);
    t.log('skipped: RabbitMQ is not installed here');
    t.pass();
  });

needs('a queue that somebody removed is noticed, and made anew', async (t, { url }) => {
  const queues = await opened(t, url);
  const model = await connect(url);
  const channel = await model.createChannel();
  await channel.deleteQueue('config.updates');
  const gone = await fault(queues.send('config.updates', 'a', 1));
  t.regex(gone.message, /config\.updates at 127\.0\.0\.1:\d+ is gone/);
  await until(() => queues.fault === undefined);
  await queues.send('config.updates', 'a', 1);
  t.is((await taken(url, 'config.updates')).length, 1);
  await model.close();
});

needs('whoever is not let in, and queues that forget, are told with their reasons', async (t, { url }) => {
  const faults: AtalayaError[] = [];
  const stranger = AmqpQueues.open(
    optionsFor(url.replace('guest:guest', 'guest:secret'), { onFault: (one) => faults.push(one) }),
  );
  await until(() => faults.length > 1);
  t.regex(faults[0]?.message ?? '', /do not let us in/);
  t.notRegex(`${faults[0]?.message} ${faults[0]?.hint}`, /secret/);
  t.is((await fault(stranger.send('config.updates', 'a', 1))).code, 'queue-unavailable');
  await stranger.close();
  const model = await connect(url);
  const channel = await model.createChannel();
  await channel.deleteQueue('config.updates');
  await channel.assertQueue('config.updates', { durable: false });
  const others: AtalayaError[] = [];
  const queues = AmqpQueues.open(optionsFor(url, { onFault: (one) => others.push(one) }));
  await until(() => others.length > 0);
  t.regex(others[0]?.message ?? '', /other properties.*config\.updates/);
  await channel.deleteQueue('config.updates');
  await until(() => queues.fault === undefined);
  await queues.close();
  await model.close();
});

test('a broker that takes connections and says nothing is given up after the deadline', async (t) => {
  const silent: Server = createServer(() => undefined);
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const faults: AtalayaError[] = [];
  const queues = AmqpQueues.open(
    optionsFor(`amqp://127.0.0.1:${port}`, { connectDeadline: milliseconds(200), onFault: (one) => faults.push(one) }),
  );
  await until(() => faults.length > 1);
  t.is(faults[0]?.code, 'queue-unavailable');
  await queues.close();
});

test('nobody there: at once rejected, tried again, and closed at once', async (t) => {
  const faults: AtalayaError[] = [];
  const port = await freePort();
  const queues = AmqpQueues.open(optionsFor(`amqp://127.0.0.1:${port}`, { onFault: (one) => faults.push(one) }));
  t.is((await fault(queues.send('config.updates', 'a', 1))).code, 'queue-unavailable');
  await until(() => faults.length > 2);
  t.regex(faults[0]?.message ?? '', /cannot be reached.*ECONNREFUSED/);
  await queues.close();
  for (const url of ['', 'mqtt://host', 'amqp://', 'nonsense'])
    t.throws(() => AmqpQueues.open(optionsFor(url)), { code: 'config-invalid' });
  t.is(queueNames.length, 4);
});
