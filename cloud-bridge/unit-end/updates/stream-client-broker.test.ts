import { randomBytes } from 'node:crypto';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { targetPath } from '../../../ota/contract/repository.ts';
import { targetOf } from '../../../ota/download/testing/downloaded.ts';
import { GatheringSink, testSource, wishes } from '../../../ota/download/testing/source-contract.ts';
import { Line } from '../../chaos/line.ts';
import { type StartedBroker, startMosquitto } from '../../testing/start-mosquitto.ts';
import { openCentreEnd, openUnitStreams } from './testing/mqtt-ends.ts';
import { memoryFiles } from './testing/streamed.ts';

const brokers: { started?: Promise<StartedBroker | undefined>; units: number } = { units: 0 };

/** One for all; undefined where Mosquitto is not installed. */
function broker(): Promise<StartedBroker | undefined> {
  brokers.started ??= startMosquitto();
  return brokers.started;
}

test.after.always(async () => {
  await (await brokers.started)?.stop();
});

testSource('Mosquitto', async (files) => {
  const { url } = (await broker()) ?? {};
  if (url === undefined) return undefined;
  brokers.units += 1;
  const centre = await openCentreEnd(url, `bridge-${brokers.units}`, {
    open: (unit, path) => (unit === name ? memoryFiles(files).open(unit, path) : new Promise(() => undefined)),
  });
  const name = `unit-${brokers.units}`;
  const { client, close } = await openUnitStreams(url, name);
  return {
    source: client,
    finish: (work) => work,
    now: () => systemClock.monotonic(),
    close: async () => {
      await close();
      await centre.close();
    },
  };
});

test.serial(
  'a connection that is cut, a centre and a broker that are started anew cost only what was on its way',
  async (t) => {
    const own = await startMosquitto();
    if (own === undefined) {
      t.log('mosquitto is not installed: passed over');
      t.pass();
      return;
    }
    const content = randomBytes(6_000_000);
    const path = targetPath(targetOf(content));
    const files = memoryFiles(new Map([[path, content]]));
    const line = await Line.open('127.0.0.1', own.port);
    line.limit(16_000);
    const unit = await openUnitStreams(`mqtt://127.0.0.1:${line.port}`, 'unit-7');
    const centres = [await openCentreEnd(own.url, 'bridge-1', files)];
    const published = () => centres.reduce((sum, { server }) => sum + server.figures.bytes, 0);
    const mishaps: (() => Promise<void> | void)[] = [
      () => line.cut(),
      async () => {
        await centres.at(-1)?.close();
        centres.push(await openCentreEnd(own.url, 'bridge-1', files));
      },
      () => own.restart(),
      () => line.cut(),
    ];
    let came = 0;
    const under = Promise.all(
      mishaps.map(async (mishap, i) => {
        while (came < ((i + 1) * content.byteLength) / 6) await new Promise((resolve) => setTimeout(resolve, 5));
        await mishap();
      }),
    );
    const sink = new GatheringSink(content.byteLength, () => {
      came = unit.client.figures.received;
    });
    await unit.client.blocks(path, wishes(content.byteLength), sink, new AbortController().signal);
    await under;
    t.true(sink.content.equals(content));
    t.true(sink.steps.every((times) => times === 1));
    t.log(`published ${(100 * (published() / content.byteLength - 1)).toFixed(1)} % twice`, unit.client.figures);
    t.true(unit.connections() > 2);
    t.true(published() < 1.3 * content.byteLength);
    await unit.close();
    await centres.at(-1)?.close();
    await line.close();
    await own.stop();
  },
);
