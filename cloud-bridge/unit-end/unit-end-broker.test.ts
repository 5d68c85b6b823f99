import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makePki } from '../testing/make-pki.ts';
import { MemoryBroker } from '../testing/memory-broker.ts';
import { mqttHarness } from '../testing/mqtt-harness.ts';
import { startMosquitto } from '../testing/start-mosquitto.ts';
import { dialogue } from './testing/dialogue.ts';

test('a unit and its centre speak over the broker in memory', async (t) => {
  const broker = new MemoryBroker();
  await dialogue(t, {
    open: (setup, handlers) => broker.link(handlers, setup),
    cut: (clientId) => broker.cut(clientId),
    stopBroker: async () => broker.stop(),
    startBroker: async () => broker.start(),
    shared: true,
    close: async () => broker.stop(),
  });
});

for (const protocol of ['5', '3.1.1'] as const) {
  test.serial(
    `a unit and its centre speak over Mosquitto with its recommended configuration, MQTT ${protocol}`,
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'atalaya-unit-end-'));
      t.teardown(() => rm(folder, { recursive: true, force: true }));
      const pki = await makePki(folder);
      const broker = await startMosquitto({ pki });
      if (broker === undefined) {
        t.log('Mosquitto is not installed: passed over');
        t.pass();
        return;
      }
      t.teardown(() => broker.stop());
      const harness = await mqttHarness(broker, { protocol, pki, shared: true }, 2);
      t.teardown(() => harness.close());
      await dialogue(t, harness);
    },
  );
}
