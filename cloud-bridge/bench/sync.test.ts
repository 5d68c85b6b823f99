import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { runJob } from './sync-jobs.ts';
import { openRelay } from './sync-relay-process.ts';
import { Stage, usageOf } from './sync-stage.ts';

test('what is measured as drained is what the archive has, and the bare loop counts what the broker took', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-sync-'));
  const open = new AsyncDisposableStack();
  try {
    const stage = await Stage.open(join(folder, 'stage')).catch((error: unknown) => {
      if (!isAtalayaError(error, 'program-missing')) throw error;
      return undefined;
    });
    if (stage === undefined) {
      t.log('passed over: Mosquitto is not installed');
      t.pass();
      return;
    }
    open.defer(() => stage.close());
    const bridge = await stage.bridge({ name: 'bridge-1' });
    const places = [await stage.place('unit-1'), await stage.place('unit-2')];
    const drained = await runJob({ kind: 'drain', places, folder: join(folder, 'queues'), events: 1500 });
    t.is(drained.events, 3000);
    t.is(drained.resentEvents, 0);
    t.is(await bridge.archived(), 3000);
    const bare = await runJob({ kind: 'bare', place: await stage.place('unit-3'), window: 16, events: 500 });
    t.is(bare.events, 500);
    t.true(bare.ms > 0);
    t.is(await bridge.archived(), 3000, 'a message that is not of the contract is not archived');
    const { bytes, cpuMs } = await usageOf(process.pid);
    t.true(Math.abs(bytes / process.memoryUsage.rss() - 1) < 0.3, `${bytes} bytes`);
    t.true(cpuMs > 0);
  } finally {
    await open.disposeAsync();
    await rm(folder, { recursive: true, force: true });
  }
});

test('the delaying way takes a round trip, keeps the order of bytes and does not lessen what is on its way', async (t) => {
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') return t.fail('no port');
  const relay = await openRelay(address.port, 60);
  const client = connect(relay.port, '127.0.0.1');
  const sent = Array.from({ length: 2000 }, (_, i) => `${i};`).join('');
  const begun = performance.now();
  let first = 0;
  const echoed = new Promise<string>((resolve) => {
    let text = '';
    client.setEncoding('utf8').on('data', (part: string) => {
      first ||= performance.now() - begun;
      text += part;
      if (text.length >= sent.length) resolve(text);
    });
  });
  for (const part of sent.match(/.{1,100}/g) ?? []) client.write(part);
  t.is(await echoed, sent);
  // Its timers count whole milliseconds, one for each direction.
  t.true(first >= 58, `${first} ms`);
  t.true(performance.now() - begun < 600, 'a hundred writes are under way at the same time');
  client.destroy();
  await relay.stop();
  server.close();
});
