import test from 'ava';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { ArchiveContent, MemoryArchive } from '../archive/testing/memory-archive.ts';
import { AlertKeeper } from './alert-keeper.ts';
import { Duty } from './duty.ts';
import { Refusals } from './refusals.ts';
import { SilenceWatch } from './silence-watch.ts';
import { BridgeTrial, until } from './testing/bridge-trial.ts';
import { Twins } from './twins.ts';

const minute = 60_000;
const hour = 60 * minute;

/** What bridges side by side share, and a bridge's part of the watch. */
class World {
  readonly clock = new ManualClock();
  readonly content = new ArchiveContent();
  readonly archive = new MemoryArchive(this.clock, this.content);

  async bridge(holder: string) {
    const { clock } = this;
    const archive = new MemoryArchive(clock, this.content);
    const twins = new Twins(archive, clock, new Refusals(clock, silentLog));
    await twins.load();
    const alerts = new AlertKeeper(archive, clock, true);
    const duty = new Duty({ archive, name: 'silence', holder, lease: milliseconds(3 * minute), clock });
    const watch = new SilenceWatch({
      ...{ twins, alerts, duty, clock, isOurs: () => true, raisedAfter: milliseconds(10 * minute) },
    });
    watch.online();
    return { twins, alerts, watch };
  }

  async open(): Promise<readonly (readonly [string, string])[]> {
    const alerts = await new AlertKeeper(this.archive, this.clock, false).list({});
    return alerts.map(({ unit, state }) => [unit, state] as const);
  }

  mails(): readonly string[] {
    return this.content.forwards.map(({ queue, message }) => `${queue} ${message}`);
  }
}

/** A unit shows how often it sends figures. */
function showsInterval(world: World, { twins }: { readonly twins: Twins }, unit: string, everyS: number): void {
  for (const before of [everyS, 0]) {
    const time = new Date(world.clock.utc() - before * 1000).toISOString();
    twins.figures(unit, { time, data: { uptimeS: 100_000 - before } });
  }
}

/** Minutes pass, each with a round, as at work. */
async function pass(
  world: World,
  minutes: number,
  ...bridges: readonly { readonly watch: SilenceWatch }[]
): Promise<void> {
  for (let i = 0; i < minutes; i += 1) {
    await world.clock.advance(minute);
    for (const { watch } of bridges) await watch.round();
  }
}

test('a unit whose last will came is silent after a time, critical after a day, and back when it is back', async (t) => {
  const world = new World();
  const bridge = await world.bridge('one');
  for (const unit of ['unit-1', 'unit-2']) {
    await bridge.twins.seen(unit);
    await bridge.twins.state(unit, { online: true });
  }
  const said = async (minutes: number) => {
    for (let i = 0; i < minutes; i += 1) {
      await bridge.twins.seen('unit-2');
      await pass(world, 1, bridge);
    }
  };
  await said(30);
  await bridge.twins.seen('unit-1');
  await bridge.twins.state('unit-1', { online: false });
  await said(9);
  t.deepEqual(await world.open(), []);
  await said(1);
  t.deepEqual(await world.open(), [['unit-1', 'raised']]);
  t.deepEqual(world.mails(), []);
  await said(23 * 60 + 49);
  t.deepEqual(await world.open(), [['unit-1', 'raised']]);
  await said(1);
  t.deepEqual(await world.open(), [['unit-1', 'critical']]);
  t.is(world.mails().length, 1);
  t.regex(world.mails()[0] ?? '', /^notification.email unit-1\/centre-unit-silent\//);
  await said(60);
  t.is(world.mails().length, 1, 'told once');
  await bridge.twins.seen('unit-1');
  await bridge.twins.state('unit-1', { online: true });
  await said(1);
  t.deepEqual(await world.open(), []);
  const [closed] = await bridge.alerts.list({ state: 'closed' });
  t.like(closed, { name: 'unit-silent', from: 'centre', state: 'closed' });
  t.regex(closed?.detail ?? '', /^the broker says since .* that it is not there$/);
});

test('a unit that stops without a last will is silent as well, unless it says that it tells nothing', async (t) => {
  const world = new World();
  const bridge = await world.bridge('one');
  await bridge.twins.seen('unit-1');
  await bridge.twins.state('unit-1', { online: true, flags: { sendTelemetry: true } });
  await bridge.twins.seen('unit-2');
  await bridge.twins.state('unit-2', { online: true, flags: { sendTelemetry: false } });
  for (const unit of ['unit-1', 'unit-2']) showsInterval(world, bridge, unit, 60);
  await pass(world, 24, bridge);
  t.deepEqual(await world.open(), []);
  await pass(world, 2, bridge);
  t.deepEqual(await world.open(), [['unit-1', 'raised']]);
  await bridge.twins.seen('unit-1', true);
  await pass(world, 1, bridge);
  t.deepEqual(await world.open(), [['unit-1', 'raised']], 'what the broker had retained is no sign of it');
  await bridge.twins.seen('unit-1');
  await pass(world, 1, bridge);
  t.deepEqual(await world.open(), []);
});

test('a unit that is there is not silent for sending figures seldom', async (t) => {
  const world = new World();
  const bridge = await world.bridge('one');
  for (const unit of ['hourly', 'new']) {
    await bridge.twins.seen(unit);
    await bridge.twins.state(unit, { online: true, flags: { sendTelemetry: true } });
  }
  showsInterval(world, bridge, 'hourly', 3600);
  // Once an hour, and then no more: twice that is silence.
  for (let hours = 0; hours < 5; hours += 1) {
    await pass(world, 60, bridge);
    await bridge.twins.seen('hourly');
    showsInterval(world, bridge, 'hourly', 3600);
  }
  t.deepEqual(await world.open(), []);
  await pass(world, 119, bridge);
  t.deepEqual(await world.open(), []);
  await pass(world, 2, bridge);
  t.deepEqual(await world.open(), [['hourly', 'raised']]);
  // Of the other one it is not known how often it will: it has a day.
  await pass(world, 17 * 60 + 2, bridge);
  t.deepEqual((await world.open()).map(([unit]) => unit).sort(), ['hourly', 'new']);
  // By its last will the broker knows better.
  await bridge.twins.seen('new');
  await bridge.twins.state('new', { online: true });
  await pass(world, 1, bridge);
  await bridge.twins.state('new', { online: false });
  await pass(world, 11, bridge);
  t.true((await world.open()).some(([unit]) => unit === 'new'));
});

test('how far apart figures lie is the longest of late, within one run of the unit', async (t) => {
  const world = new World();
  const { twins } = await world.bridge('one');
  await twins.seen('unit-1');
  const start = world.clock.utc();
  const say = (atS: number, uptimeS = atS) =>
    twins.figures('unit-1', { time: new Date(start + atS * 1000).toISOString(), data: { uptimeS } });
  const everyS = () => twins.known()[0]?.telemetry?.everyS;
  say(100);
  t.is(everyS(), undefined, 'one says nothing');
  say(700);
  t.is(everyS(), 600);
  // An hour of diagnostics.
  for (let at = 710; at <= 4310; at += 10) say(at);
  t.true((everyS() ?? 0) > 570, String(everyS()));
  // Switched off for a day: that is no interval.
  say(90_000, 5);
  t.true((everyS() ?? 0) > 570 && (everyS() ?? 0) < 600, String(everyS()));
  say(90_060, 65);
  for (let at = 90_120; at < 90_000 + 5 * 86_400; at += 60) say(at, at - 90_000 + 5);
  t.is(everyS(), 60, 'what was long ago counts no more');
});

test('the silence of the centre is none of its units, and an alert that stands outlives it', async (t) => {
  const world = new World();
  const first = await world.bridge('one');
  for (const unit of ['unit-1', 'unit-2']) {
    await first.twins.seen(unit);
    await first.twins.state(unit, { online: true });
  }
  showsInterval(world, first, 'unit-1', 60);
  await first.twins.seen('unit-2');
  await first.twins.state('unit-2', { online: false });
  await pass(world, 11, first);
  await first.twins.seen('unit-1');
  await pass(world, 1, first);
  await first.twins.flush();
  t.deepEqual(await world.open(), [['unit-2', 'raised']]);
  // Killed, and back after five hours; the broker says again what it has retained.
  await world.clock.advance(5 * hour);
  const second = await world.bridge('two');
  await second.twins.seen('unit-2', true);
  await second.twins.state('unit-2', { online: false });
  await pass(world, 9, second);
  t.deepEqual(await world.open(), [['unit-2', 'raised']]);
  await second.twins.seen('unit-1');
  await pass(world, 5, second);
  t.deepEqual(await world.open(), [['unit-2', 'raised']]);
  await pass(world, 19 * 60, second);
  t.deepEqual(
    (await world.open()).filter(([unit]) => unit === 'unit-2'),
    [['unit-2', 'critical']],
  );
  // Without a broker nothing is judged.
  second.watch.offline();
  await second.twins.seen('unit-2');
  await pass(world, 5, second);
  t.is((await world.open()).length, 2);
});

test('of bridges side by side one sees to it, and what the other has heard counts', async (t) => {
  const world = new World();
  const one = await world.bridge('one');
  await one.twins.seen('unit-1');
  await one.twins.state('unit-1', { online: true });
  const other = await world.bridge('other');
  await other.twins.seen('unit-1');
  for (let i = 0; i < 40; i += 1) {
    await other.twins.seen('unit-1');
    await other.twins.flush();
    await pass(world, 1, one, other);
  }
  t.deepEqual(await world.open(), []);
  showsInterval(world, other, 'unit-1', 30);
  await other.twins.flush();
  await pass(world, 26, one, other);
  t.deepEqual(await world.open(), [['unit-1', 'raised']]);
  t.like((await world.archive.document('duty', 'silence'))?.value, { holder: 'one' });
  // The one that did it is killed; the other one has it when the lease is over, and notices that the unit is back.
  await other.twins.seen('unit-1');
  await pass(world, 2, other);
  t.deepEqual(await world.open(), [['unit-1', 'raised']]);
  await other.twins.seen('unit-1');
  await pass(world, 2, other);
  t.deepEqual(await world.open(), []);
  await other.watch.leave();
  const third = await world.bridge('third');
  await pass(world, 3, third);
  t.like((await world.archive.document('duty', 'silence'))?.value, { holder: 'third' });
});

test('a bridge hears from its broker who is gone, and says so over a new start', async (t) => {
  const trial = new BridgeTrial();
  const options = { silentAfter: milliseconds(150) };
  const first = await trial.bridge(options);
  const unit = await trial.unit('unit-1');
  await unit.say('state', {}, { online: false });
  await until('silent', async () => {
    await first.bridge.silence.round();
    return (await first.bridge.views.one('unit-1'))?.alerts.raised === 1;
  });
  await first.stop();
  const { bridge } = await trial.bridge({ ...options, name: 'bridge-2' });
  const rounds = Date.now() + 400;
  while (Date.now() < rounds) {
    await bridge.silence.round();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.like(await bridge.alerts.list({}), [{ name: 'unit-silent', unit: 'unit-1', state: 'raised', from: 'centre' }]);
  await unit.state();
  await until('back', async () => {
    await bridge.silence.round();
    return (await bridge.alerts.list({})).length === 0;
  });
  await trial.end();
});

test('alerts that are over are moved away, and an old event that comes again does not raise them', async (t) => {
  const world = new World();
  const alerts = new AlertKeeper(world.archive, world.clock, false);
  const event = (sequence: number, state: string) => ({
    ...({ unit: 'unit-1', kind: 'alert', stream: '0123456789abcdef', sequence } as const),
    data: { id: 'alert-0001', name: 'camera-lost', state, since: '2023-11-14T22:00:00.000Z', detail: 'no picture' },
  });
  await alerts.apply([event(1, 'raised'), event(2, 'closed')]);
  await alerts.raise('unit-1', 'log-inconsistent', 'it is');
  t.is((await alerts.list({ state: 'closed' })).length, 1);
  await alerts.moveClosed();
  t.is((await world.archive.documents('alert')).length, 1, 'only what is open');
  t.is((await alerts.list({ state: 'closed' })).length, 1);
  await alerts.apply([event(1, 'raised')]);
  t.is((await alerts.list({})).length, 1);
  await alerts.apply([event(3, 'raised')]);
  t.is((await alerts.list({})).length, 2);
  t.deepEqual(await alerts.list({ state: 'closed' }), [], 'open again, it is not closed');
  await alerts.apply([event(4, 'closed')]);
  await alerts.moveClosed();
  await world.clock.advance(40 * 24 * hour);
  await alerts.forgetClosed();
  t.deepEqual((await world.archive.documents('alert-closed')).length, 0);
});
