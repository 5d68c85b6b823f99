import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { commandSchemaId } from '../../../cloud-bridge/contract/acts.ts';
import { topicOf } from '../../../cloud-bridge/contract/address.ts';
import { signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import { freePort } from '../../../cloud-bridge/testing/free-port.ts';
import { openPlainLink } from '../../../cloud-bridge/testing/plain-link.ts';
import { startMosquitto } from '../../../cloud-bridge/testing/start-mosquitto.ts';
import { FrameRing } from '../../capture/frame-ring.ts';
import type { Config } from '../../config/config-schema.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { linesOf, onDisk } from '../../evidence/testing/stores.ts';
import { systemClock } from '../../kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { signDocument } from '../../kernel/signed/sign-document.ts';
import { scratchFolder } from '../../kernel/testing/scratch-folder.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { makeTrustFiles, unitConfig } from '../../testing/trust-files.ts';
import { until } from '../../testing/until.ts';
import { configSentence } from './sentences.ts';
import { UnitRemote } from './unit-remote.ts';

async function placeOf(t: ExecutionContext) {
  const folder = scratchFolder(t);
  const data = join(folder, 'data');
  return { ...(await makeTrustFiles(folder)), folder, data };
}

/** A start of the unit, without what sees and judges. */
async function start(t: ExecutionContext, config: Config) {
  const notices: AtalayaError[] = [];
  const said: string[] = [];
  const remote = await UnitRemote.open(
    config,
    undefined,
    systemClock,
    (fault) => notices.push(fault),
    (sentence) => said.push(sentence),
  );
  const store = await EvidenceStore.open(
    join(config.evidence.data, 'evidence'),
    onDisk({ clock: systemClock, unit: 'unit-7' }),
  );
  // As a run does it: the evidence goes after whoever needs it.
  const end = async () => {
    await remote.detach();
    await store.close();
    await remote.close();
  };
  t.teardown(end);
  const attach = () =>
    remote.attach({
      store,
      boot: 'boot-1',
      eyes: () => ({
        ring: new FrameRing(1e6, () => {}),
        bystanders: new BystanderMemory('auto', { reach: milliseconds(1000), most: 10 }),
        pipeline: () => ({ framesProcessed: 1 }),
        selfTest: () => Promise.reject(new Error('nobody tests')),
        unfitScene: async () => undefined,
      }),
    });
  return { remote, store, notices, said, attach, end };
}

/** A broker and somebody at the centre of it; undefined where there is none. */
async function centreOf(t: ExecutionContext) {
  const broker = await startMosquitto();
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return undefined;
  }
  t.teardown(() => broker.stop());
  const heard = new Map<string, string>();
  const link = openPlainLink(broker.url, 'bridge-1', {
    online: () => {},
    offline: () => {},
    arrived: ({ topic, payload }) => {
      heard.set(topic, payload.toString());
    },
  });
  t.teardown(() => link.close());
  await link.subscribe(['#']);
  await until('the centre is there', () => link.state.kind === 'online');
  const topic = topicOf('reported', 'unit-7', {});
  return {
    url: broker.url,
    heard,
    say: (where: string, text: Buffer | string) => link.publish(where, text, { qos: 1, retain: true }),
    reported: (): Reported | undefined => {
      const text = heard.get(topic);
      return text === undefined ? undefined : (JSON.parse(text) as Reported);
    },
  };
}

const handles = () => process.getActiveResourcesInfo().filter((name) => /Timeout|TCP|FSReq|Pipe/.test(name)).length;

test.serial(
  'a unit that has neither centre, trust, status nor log: no folder, no socket, nothing that waits',
  async (t) => {
    const { data } = await placeOf(t);
    const { remote, attach, end } = await start(t, unitConfig(data));
    const before = handles();
    await attach();
    remote.captured();
    await remote.alerted({ list: 'stolen', entry: 'case-17' } as Parameters<UnitRemote['alerted']>[0]);
    await remote.finish('source');
    t.true(handles() <= before, process.getActiveResourcesInfo().join());
    await end();
    t.deepEqual(await readdir(data), ['evidence']);
  },
);

test.serial(
  'a document that waits at the broker is taken by a unit that is still beginning, tried and confirmed',
  async (t) => {
    const centre = await centreOf(t);
    if (centre === undefined) return;
    const { cloud, data, desired } = await placeOf(t);
    await centre.say(topicOf('desired', 'unit-7', {}), await desired(1, { cloud: { telemetryS: 30 } }));
    const status = { listen: `127.0.0.1:${await freePort()}` };
    const config = unitConfig(data, { cloud: { ...cloud, broker: centre.url }, status });
    const { remote, attach, store, notices, said, end } = await start(t, config);
    await attach();
    await until('it is confirmed', () => {
      remote.captured();
      return ['confirmed', 'rolled-back', 'rejected'].includes(centre.reported()?.outcome ?? '');
    });
    t.like(centre.reported(), { outcome: 'confirmed', version: 1 });
    t.is(remote.config.cloud.telemetryS, 30);
    t.like(remote.standing, { onTrial: false, restarting: false }, 'what is live needs no start');
    await end();
    t.deepEqual(notices, [], 'nothing goes wrong at the end either');
    t.deepEqual(
      said.filter((sentence) => sentence.startsWith('configuration')),
      [
        'configuration 1 of Ana was accepted',
        'configuration 1 of Ana is on trial: it has to reach the broker, see frames and seal evidence',
        'configuration 1 of Ana is confirmed: broker reached, frames seen, evidence sealed',
      ],
    );
    t.true(store.ledger.last >= 4, 'accepted, trial, sealed for it, confirmed');
  },
);

test.serial('a document that needs a start begins the unit anew, once', async (t) => {
  const centre = await centreOf(t);
  if (centre === undefined) return;
  const { cloud, data, desired } = await placeOf(t);
  const config = unitConfig(data, { cloud: { ...cloud, broker: centre.url } });
  await centre.say(
    topicOf('desired', 'unit-7', {}),
    await desired(1, { detector: { threads: 1 }, unit: { site: 'North' } }),
  );
  const first = await start(t, config);
  await first.attach();
  await until('a start is asked for', () => first.remote.restarting.aborted);
  t.is(first.remote.config.unit.site, '', 'what runs is not changed under its feet');
  await first.end();
  t.like(first.remote.standing, { onTrial: true, restarting: true });
  const second = await start(t, config);
  t.is(second.remote.config.unit.site, 'North');
  await second.attach();
  await until('it is confirmed', () => {
    second.remote.captured();
    return centre.reported()?.outcome === 'confirmed';
  });
  t.false(second.remote.restarting.aborted);
  await second.end();
  t.deepEqual([...first.notices, ...second.notices], []);
  const ofConfig = (said: readonly string[]) => said.filter((sentence) => !sentence.startsWith('link: '));
  t.deepEqual(ofConfig(first.said), [
    'configuration 1 of Ana was accepted',
    'the unit begins anew with configuration 1, which changes unit.site, detector.threads',
  ]);
  t.is(ofConfig(second.said).length, 2, 'on trial, and confirmed');
});

test.serial('a configuration that is refused or taken back is said at the console with the reason', async (t) => {
  const centre = await centreOf(t);
  if (centre === undefined) return;
  const { cloud, data, desired } = await placeOf(t);
  const config = unitConfig(data, { cloud: { ...cloud, broker: centre.url } });
  const { attach, said, end } = await start(t, config);
  await attach();
  const topic = topicOf('desired', 'unit-7', {});
  await centre.say(topic, await desired(1, { unit: { id: 'unit-8' } }));
  await until('it is refused', () => centre.reported()?.outcome === 'rejected');
  await centre.say(topic, await desired(2, { cloud: { telemetryS: 30 } }));
  await until('it is tried', () => centre.reported()?.outcome === 'trial');
  await writeFile(
    join(data, 'config/request.json'),
    JSON.stringify({ schema: 'atalaya/config-request/1', id: 'request-1', kind: 'rollback', by: 'ana' }),
  );
  await until('it is taken back', () => centre.reported()?.outcome === 'rolled-back');
  await end();
  t.regex(
    said.find((one) => one.startsWith('configuration 1')) ?? '',
    /^configuration 1 of Ana was refused: .*unit\.id/,
  );
  t.regex(
    said.findLast((one) => one.startsWith('configuration 2')) ?? '',
    /^configuration 2 was taken back by ana: by-hand: /,
  );
});

test('the console says who took a configuration back: the unit itself, unless it was done by hand', (t) => {
  const back = { version: 3, outcome: 'rolled-back', reasons: ['frames-not-seen'] } as const;
  t.is(
    configSentence({ ...back, by: 'Ben' }),
    'configuration 3 of Ben was taken back by the unit itself: frames-not-seen',
  );
  t.is(
    configSentence({ ...back, by: 'ana', isByHand: true }),
    'configuration 3 was taken back by ana: frames-not-seen',
  );
  t.is(
    configSentence({ ...back, by: undefined }),
    'configuration 3 was taken back by the unit itself: frames-not-seen',
  );
});

test.serial(
  'a command begins the unit anew once, and is answered: at the next start it is not done again',
  async (t) => {
    const centre = await centreOf(t);
    if (centre === undefined) return;
    const { cloud, data, supervisor } = await placeOf(t);
    const config = unitConfig(data, { cloud: { ...cloud, broker: centre.url } });
    const id = '0199a1b2-0000-7000-8000-000000000001';
    const body = {
      schema: commandSchemaId,
      unit: 'unit-7',
      name: 'reboot',
      id,
      issued: new Date(Date.now() - 1000).toISOString(),
      expires: new Date(Date.now() + 60_000).toISOString(),
      arguments: { reason: 'a new camera' },
    };
    const command = JSON.stringify(await signDocument(body, signerOf(supervisor.privatePem)));
    const topic = topicOf('command', 'unit-7', { name: 'reboot', id });
    // Retained, as no bridge does it: it comes at every connection.
    await centre.say(topic, command);
    const first = await start(t, config);
    await first.attach();
    await until('the end is asked for', () => first.remote.restarting.aborted);
    t.like(JSON.parse(centre.heard.get(topicOf('reply', 'unit-7', { id })) ?? '{}'), { id, outcome: 'done' });
    await first.end();
    const second = await start(t, config);
    await second.attach();
    await until('it is there', () => /"online":true/.test(centre.heard.get(topicOf('state', 'unit-7', {})) ?? ''));
    await systemTimer.sleep(milliseconds(500));
    t.false(second.remote.restarting.aborted);
    const acts = (await linesOf(second.store)).filter((line) => line.kind === 'action' && line.action === 'command');
    t.is(acts.length, 1);
    await second.end();
  },
);

test.serial(
  'a unit that cannot be attached closes what it had opened, and says that it stands as it stood',
  async (t) => {
    const { cloud, data } = await placeOf(t);
    const taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    t.teardown(() => taken.close());
    const status = { listen: `127.0.0.1:${port}` };
    const config = unitConfig(data, { cloud: { ...cloud, broker: 'mqtt://127.0.0.1:9' }, status });
    const { remote, attach, store, end } = await start(t, config);
    const error = await t.throwsAsync(attach());
    t.true(isAtalayaError(error, 'usage-invalid'));
    await remote.failed(error);
    await end();
    t.like(remote.standing, { onTrial: false, restarting: false });
    t.truthy(store.status);
    const again = await start(t, { ...config, status: {} });
    await again.attach();
    await again.end();
    t.deepEqual(again.notices, []);
  },
);

test.serial('faults of a run are told as they are, whatever they are', async (t) => {
  const { cloud, data } = await placeOf(t);
  const { remote } = await start(t, unitConfig(data, { cloud }));
  for (const fault of [
    new Error('plain'),
    'a text',
    new SuppressedError(new Error('late'), new AtalayaError('internal', 'x')),
  ]) {
    await t.notThrowsAsync(remote.failed(fault));
  }
});
