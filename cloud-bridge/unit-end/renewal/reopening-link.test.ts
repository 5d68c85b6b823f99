import test from 'ava';
import type { Arrival, LinkHandlers } from '../../link/link.ts';
import { MemoryBroker } from '../../testing/memory-broker.ts';
import { ReopeningLink } from './reopening-link.ts';

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !holds(); i += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  if (!holds()) throw new Error('still not so');
}

test('opened anew it is the same link to its holder: subscriptions stand, the last words are said, once at a time', async (t) => {
  const broker = new MemoryBroker();
  const arrived: Arrival[] = [];
  const ends: string[] = [];
  let opened = 0;
  const handlers: LinkHandlers = {
    online: () => void ends.push('online'),
    offline: () => void ends.push('offline'),
    arrived: (one) => void arrived.push(one),
  };
  const link = ReopeningLink.open(() => {
    opened += 1;
    return broker.link(handlers, { clientId: 'unit-1', sessionKept: true });
  });
  const watcher: string[] = [];
  const other = broker.link(
    {
      online: () => undefined,
      offline: () => undefined,
      arrived: ({ topic, payload }) => void watcher.push(`${topic} ${payload}`),
    },
    { clientId: 'bridge-1' },
  );
  await link.subscribe(['to/unit']);
  await other.subscribe(['from/unit']);
  await until(() => link.state.kind === 'online' && other.state.kind === 'online');
  const last = { topic: 'from/unit', payload: 'gone', retain: false };
  await Promise.all([link.reopen(last), link.reopen(last)]);
  await until(() => link.state.kind === 'online');
  t.is(opened, 2);
  t.deepEqual(watcher, ['from/unit gone']);
  await other.publish('to/unit', 'here', { qos: 1 });
  await until(() => arrived.length === 1);
  await link.publish('from/unit', 'back', { qos: 1 });
  await until(() => watcher.length === 2);
  await link.close();
  await link.reopen(last);
  t.is(opened, 2, 'what was closed stays closed');
  t.deepEqual(ends, ['online', 'offline', 'online', 'offline']);
  await other.close();
});
