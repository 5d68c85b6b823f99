import test from 'ava';
import { type LinkHarness, linkContract } from '../testing/link-contract.ts';
import { mqttHarness } from '../testing/mqtt-harness.ts';
import { type StartedBroker, startMosquitto } from '../testing/start-mosquitto.ts';

let broker: StartedBroker | undefined;
const harnesses = new Map<string, LinkHarness>();

test.before(async () => {
  broker = await startMosquitto();
  if (broker === undefined) return;
  for (const protocol of ['5', '3.1.1'] as const)
    harnesses.set(protocol, await mqttHarness(broker, { protocol, shared: true }));
});
test.after.always(async () => {
  for (const harness of harnesses.values()) await harness.close();
  await broker?.stop();
});

for (const protocol of ['5', '3.1.1'] as const)
  linkContract(test, `Mosquitto, MQTT ${protocol}`, () => harnesses.get(protocol));
