import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { rabbitDefinitions } from '../broker/broker-files.ts';
import { makeLinkClient } from '../testing/link-client.ts';
import { type LinkHarness, linkContract } from '../testing/link-contract.ts';
import { makePki } from '../testing/make-pki.ts';
import { mqttHarness } from '../testing/mqtt-harness.ts';
import { type StartedRabbit, startRabbit } from '../testing/start-rabbit.ts';

let broker: StartedRabbit | undefined;
let harness: LinkHarness | undefined;
let folder: string | undefined;

test.before(async (t) => {
  t.timeout(120_000);
  folder = await mkdtemp(join(tmpdir(), 'atalaya-pki-'));
  const pki = await makePki(folder);
  const numbers = Array.from({ length: 20 }, (_, at) => at + 1);
  broker = await startRabbit({
    pki,
    units: numbers.map((number) => `unit-${number}`),
    bridges: numbers.flatMap((number) => [`bridge-${number}`, `bridge-${number}-later`]),
  });
  if (broker !== undefined) harness = await mqttHarness(broker, { protocol: 'auto', pki, shared: false });
});
test.after.always(async () => {
  await harness?.close();
  await broker?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

linkContract(test, 'RabbitMQ', () => harness);

test.serial('RabbitMQ: what it does otherwise than Mosquitto, and the contract reckons with', async (t) => {
  if (harness === undefined) {
    t.log('RabbitMQ is not installed: passed over');
    t.pass();
    return;
  }
  const { open } = harness;
  const device = makeLinkClient((handlers) => open({ clientId: 'unit-20' }, handlers));
  await device.online();
  const centre = makeLinkClient((handlers) => open({ clientId: 'bridge-20' }, handlers));
  await centre.online();
  await device.link.publish('atalaya/v1/unit-20/state', 'retained', { qos: 1, retain: true });
  await centre.link.subscribe(['atalaya/+/+/state', 'atalaya/+/+/evidence/+/+/+']);
  await wait(300);
  t.deepEqual(centre.texts, [], 'a wildcard gets no retained message');
  await centre.link.subscribe(['atalaya/v1/unit-20/state']);
  await centre.until(() => centre.arrivals.length === 1);
  t.true(centre.arrivals[0]?.retained, 'its exact topic does');
  await device.link.publish('atalaya/v1/unit-20/evidence/a~b/still~age/0', 'block', { qos: 1 });
  await centre.until(() => centre.texts.includes('block'));
  t.is(centre.arrivals.at(-1)?.topic, 'atalaya/v1/unit-20/evidence/a~b/still~age/0');
  await centre.link.subscribe(['$share/group/atalaya/+/+/telemetry']);
  await centre.until(() => centre.faults.length > 0);
  t.regex(centre.faults[0]?.message ?? '', /closed the connection/, 'a shared subscription ends the connection');
  await Promise.all([device.link.close(), centre.link.close()]);
});

test.serial('RabbitMQ: a unit more is imported while it runs', async (t) => {
  if (harness === undefined || broker === undefined || folder === undefined) {
    t.log('RabbitMQ is not installed: passed over');
    t.pass();
    return;
  }
  const { open } = harness;
  const device = makeLinkClient((handlers) => open({ clientId: 'unit-new' }, handlers));
  await device.until(() => device.faults.length > 0);
  t.regex(device.faults[0]?.message ?? '', /does not know us|does not let us in/);
  const file = join(folder, 'unit-new.json');
  await writeFile(file, rabbitDefinitions(['unit-new']));
  await broker.control(['import_definitions', file]);
  await device.online();
  await device.link.publish('atalaya/v1/unit-new/state', 'there', { qos: 1 });
  await device.link.close();
});
