import test from 'ava';
import type { Telemetry } from '../../cloud-bridge/contract/events.ts';
import type { OutboxEvent } from '../../cloud-bridge/contract/outbox.ts';
import { Spool } from '../../cloud-bridge/unit-end/outbox/spool.ts';
import type { Frame, Picture } from '../capture/frame.ts';
import { FrameRing } from '../capture/frame-ring.ts';
import { EvidenceStore } from '../evidence/evidence-store.ts';
import { inMemory } from '../evidence/testing/stores.ts';
import { measureNames } from '../health/degrade-measures.ts';
import { DetectorPace } from '../health/detector-pace.ts';
import { FakeMachine } from '../health/testing/fake-machine.ts';
import { silentLog } from '../kernel/log/log.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { FakeReader } from '../plate/testing/fake-reader.ts';
import { madeCrop, madeFrame, madeSight, madeTrack, seen } from '../plate/testing/made-sights.ts';
import { PlateWatch } from '../plate/watch/plate-watch.ts';
import { defaultWatchSettings } from '../plate/watch/settings.ts';
import { unitConfig } from '../testing/trust-files.ts';
import { alone } from './cloud/unit-cloud.ts';
import { UnitModes } from './modes.ts';
import { type PlateEffort, UnitPlates, withEffort } from './plates.ts';
import type { UnitConfig } from './remote/config.ts';
import { UnitHealth } from './remote/health.ts';

test('a machine that is made hot gives up plates, then clips and half of the detector; cooled, it takes all back', async (t) => {
  const [clock, machine, modes] = [new ManualClock(), new FakeMachine(), new UnitModes()];
  const [offered, told] = [[] as OutboxEvent[], [] as string[]];
  const health = await UnitHealth.open({
    config: () => unitConfig('/data', { cloud: { broker: 'mqtt://127.0.0.1:9' } }),
    unitConfig: { tick: async () => {}, reported: () => undefined } as unknown as UnitConfig,
    store: await EvidenceStore.open('/evidence', inMemory(new MemoryFiles())),
    machine,
    files: new MemoryFiles(),
    clock,
    timer: clock,
    log: silentLog,
    pipeline: () => ({}),
    notice: (fault) => t.fail(fault.message),
    degrade: { switches: modes.switches(() => {}), tell: (sentence) => told.push(sentence) },
  });
  t.teardown(() => health.close());
  await health.begin({ ...alone, offer: async (event) => void offered.push(event) });
  const pass = async (temperatureC: number, seconds: number) => {
    machine.figures = { ...machine.figures, temperatureC };
    for (let second = 0; second < seconds; second += 1) {
      health.frame();
      await clock.advance(1000);
    }
  };
  const state = () => [modes.plates, modes.clips, modes.detectorShare];

  await pass(60, 20);
  t.deepEqual(state(), ['full', true, 1]);
  await pass(77, 20);
  t.deepEqual(state(), ['less', true, 1]);
  await pass(82, 20);
  t.deepEqual(state(), ['none', true, 1]);
  await pass(86, 20);
  t.deepEqual(state(), ['none', false, 0.5]);
  const measures = ['plates-looked-at-less', 'plates-not-read', 'clips-not-made', 'detector-rests'];
  t.deepEqual(health.telemetry().degraded, measures);
  t.is(health.report().status, 'degraded');
  t.true(
    health
      .report()
      .problems.some((one) => /^degraded \(raised since [^)]*\): no plate is looked at: .*82 degrees/.test(one)),
  );
  await pass(60, 200);
  t.deepEqual(state(), ['full', true, 1]);
  t.deepEqual(health.telemetry().degraded, []);

  const alerts = offered.flatMap(({ kind, data }) => {
    const { name, state: now } = data as unknown as { name: string; state: string };
    return kind === 'alert' && name === 'degraded' ? [now] : [];
  });
  t.deepEqual(alerts, [...measures.map(() => 'raised'), ...measures.map(() => 'closed')]);
  t.is(told.length, 2 * measures.length);
  const sent = offered.flatMap(({ kind, data }) => (kind === 'telemetry' ? [data as unknown as Telemetry] : []));
  t.true(sent.some(({ degraded }) => degraded?.includes('detector-rests')));
});

test('each measure switches what it names, twice without harm, and taking it back leaves nothing', (t) => {
  const modes = new UnitModes();
  const debug: boolean[] = [];
  const switches = modes.switches((off) => debug.push(off));
  const look = () =>
    JSON.stringify([
      ...[modes.plates, modes.ringShare, modes.clips, modes.clipReach(milliseconds(3000)), modes.detectorShare],
      ...[modes.makesRoom, modes.figuresShare, debug.at(-1) ?? false],
    ]);
  const before = look();
  for (const name of measureNames) {
    const one = switches[name];
    if (one === 'stated') continue;
    one(true);
    one(true);
    t.not(look(), before, name);
    one(false);
    t.is(look(), before, name);
  }
});

test('a detector that rests is given frames in half of the time, with the results that it has', async (t) => {
  const clock = new ManualClock();
  let share = 1;
  const pace = new DetectorPace(
    {
      detect: async () => {
        await clock.sleep(milliseconds(100));
        return [];
      },
    },
    clock,
    () => share,
  );
  const inference = async () => {
    const found = pace.detect({} as Frame);
    await clock.advance(100);
    t.deepEqual(await found, []);
  };
  await inference();
  t.true(pace.admits());
  share = 0.5;
  t.true(pace.admits(), 'what it did before is over');
  await inference();
  t.false(pace.admits());
  await clock.advance(99);
  t.false(pace.admits());
  await clock.advance(1);
  t.true(pace.admits());
});

test('a ring whose budget shrinks keeps the newest frames, and grows again', (t) => {
  let budget = 10;
  const released: number[] = [];
  const bytes = 1200;
  const picture: Picture = { format: 'rgb24', width: 20, height: 20, data: new Uint8Array(bytes) };
  const ring = new FrameRing(
    () => budget * bytes,
    (frame) => released.push(frame.sequence),
  );
  const push = (from: number, to: number) => {
    for (let i = from; i <= to; i += 1) ring.push({ ...madeFrame(i, i * 100), picture }).release();
  };
  push(1, 20);
  t.is(ring.length, 10);
  budget = 5;
  push(21, 21);
  t.is(ring.length, 5);
  const newest = ring.holdNewest();
  t.is(newest?.frame.sequence, 21);
  newest?.release();
  budget = 10;
  push(22, 40);
  t.is(ring.length, 10);
  t.is(released.length, 30);
});

test('a vehicle that was there while nobody looked has no plate for that reason, and not for want of frames', async (t) => {
  const clock = new ManualClock();
  let effort: PlateEffort = 'none';
  const reader = new FakeReader(({ vehicle }) => madeSight('AB1234', { confidence: 0.95, x: vehicle.x }));
  const watch = new PlateWatch(
    {
      open: async () => reader,
      crop: (_, vehicle) => madeCrop(vehicle),
      ...{ clock, timer: clock, random: () => 0.5, settled: () => {} },
      onFault: (fault) => t.fail(fault.message),
    },
    withEffort(defaultWatchSettings, () => effort),
  );
  const plates = new UnitPlates({
    ...{ models: [], opening: [], watch, clock, effort: () => effort },
    wait: milliseconds(1000),
  });
  let sequence = 0;
  const drive = async (track: number) => {
    for (let i = 0; i < 8; i += 1) {
      sequence += 1;
      const frame = madeFrame(sequence, sequence * 100);
      const box = { x: 200 + 20 * i, y: 100, width: 200 + 10 * i, height: 160 };
      plates.observe(frame, seen([madeTrack(track, frame, box)]));
      await clock.advance(100);
    }
  };
  await drive(1);
  t.is(reader.asked.length, 0);
  t.like(await plates.plateOf([1]), { kind: 'unread', reason: 'reader-off' });
  effort = 'full';
  await drive(2);
  t.like(await plates.plateOf([2]), { kind: 'read', text: 'AB1234' });
  t.like(await plates.plateOf([1]), { kind: 'unread', reason: 'reader-off' }, 'it passed while nobody looked');
  await clock.advance(60_000);
  t.like(await plates.plateOf([99]), { kind: 'unread', reason: 'never-looked' });
  await plates.close();
});

test('with less effort crops are taken less often, with none not at all', (t) => {
  let effort: 'full' | 'less' | 'none' = 'full';
  const settings = withEffort(defaultWatchSettings, () => effort);
  t.deepEqual(settings.look, defaultWatchSettings.look);
  effort = 'less';
  t.true(settings.look.again >= 4 * defaultWatchSettings.look.again);
  t.is(settings.look.sure, defaultWatchSettings.look.sure);
  effort = 'none';
  t.is(settings.look.leastHeight, Number.POSITIVE_INFINITY);
});

test('a bound that shrinks while the spool is open drops the oldest figures, counted, and nothing of what fits', async (t) => {
  let share = 1;
  const spool = await Spool.open('/outbox', {
    ...{ files: new MemoryFiles(), lane: 'telemetry', random: Math.random, clock: new ManualClock() },
    get mostBytes() {
      return 64_000 * share;
    },
  });
  t.teardown(() => spool.close());
  const offer = async (count: number) => {
    const data = { uptimeS: 1, machine: { cpuLoad: 0.5, temperatureC: 50 } };
    for (let i = 0; i < count; i += 1) await spool.offer({ kind: 'telemetry', time: utcMilliseconds(i), data });
  };
  await offer(200);
  t.is(spool.dropped, 0);
  const before = spool.bytes;
  share = 0.25;
  await offer(1);
  t.true(spool.bytes <= 16_000 && spool.bytes < before, `${before} to ${spool.bytes} bytes`);
  t.true(spool.dropped > 0 && spool.last === 201);
});
