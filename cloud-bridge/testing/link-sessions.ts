import { setTimeout as wait } from 'node:timers/promises';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { type MakeLinkCase, up } from './link-cases.ts';

/** What becomes of sessions and of what is under way when connections come and go. */
export function sessionCases(make: MakeLinkCase): void {
  make('what was asked for is asked for again after a cut', async ({ t, broker, open, unit, bridge }) => {
    const centre = open({ clientId: bridge });
    await centre.link.subscribe([up('+', 'event/alert')]);
    await centre.online();
    const device = open({ clientId: unit });
    await device.online();
    broker.cut(bridge);
    await centre.until(() => centre.faults.length === 1);
    t.true(isAtalayaError(centre.faults[0], 'link-down'), String(centre.faults[0]));
    await centre.until(() => centre.sessions.length === 2);
    await device.link.publish(up(unit, 'event/alert'), 'behind the cut', { qos: 1 });
    await centre.until(() => centre.texts.includes('behind the cut'));
    await centre.link.unsubscribe([up('+', 'event/alert')]);
    broker.cut(bridge);
    await centre.until(() => centre.sessions.length === 3);
    await device.link.publish(up(unit, 'event/alert'), 'not asked for', { qos: 1 });
    await wait(100);
    t.false(centre.texts.includes('not asked for'));
  });

  make('what is in flight at a cut is rejected or acknowledged, never left', async ({ t, broker, open, unit }) => {
    const device = open({ clientId: unit });
    t.is((await fault(device.link.publish(up(unit, 'telemetry'), 'early', { qos: 1 }))).code, 'link-down');
    await device.online();
    const payload = Buffer.alloc(20_000);
    const sent = Array.from({ length: 50 }, () => device.link.publish(up(unit, 'telemetry'), payload, { qos: 1 }));
    const outcomes = Promise.allSettled(sent);
    broker.cut(unit);
    const rejected = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    t.true(rejected.every(({ reason }) => isAtalayaError(reason, 'link-down')));
    t.is(device.link.inFlight, 0);
    await device.until(() => device.sessions.length === 2);
    await device.link.publish(up(unit, 'telemetry'), 'again', { qos: 1 });
  });

  make('what was not handled before a cut comes again', async ({ t, broker, open, unit, bridge }) => {
    const releases: (() => void)[] = [];
    let holding = true;
    const centre = open(
      { clientId: bridge, sessionKept: true },
      { arrived: () => (holding ? new Promise((resolve) => releases.push(resolve)) : undefined) },
    );
    await centre.link.subscribe([up(unit, 'event/alert')]);
    await centre.online();
    const device = open({ clientId: unit });
    await device.online();
    for (const text of ['a', 'b', 'c']) await device.link.publish(up(unit, 'event/alert'), text, { qos: 1 });
    await centre.until(() => centre.arrivals.length === 1);
    await wait(50);
    t.is(centre.arrivals.length, 1);
    broker.cut(bridge);
    await centre.until(() => centre.faults.length === 1);
    holding = false;
    for (const release of releases) release();
    await centre.until(() => centre.arrivals.length === 4);
    t.deepEqual(centre.texts, ['a', 'a', 'b', 'c']);
    t.true(centre.arrivals[1]?.duplicate);
    t.true(centre.sessions[1]?.resumed);
  });

  make('a kept session gets what was said while it was away, another one not', async ({ t, open, unit, bridge }) => {
    const kept = open({ clientId: bridge, sessionKept: true });
    await kept.online();
    await kept.link.subscribe([up(unit, 'event/alert')]);
    await kept.link.close();
    const device = open({ clientId: unit });
    await device.online();
    await device.link.publish(up(unit, 'event/alert'), 'meanwhile', { qos: 1 });
    const back = open({ clientId: bridge, sessionKept: true });
    await back.until(() => back.texts.includes('meanwhile'));
    t.true(back.sessions[0]?.resumed);
    await back.link.close();
    const fresh = open({ clientId: bridge });
    t.false((await fresh.online()).resumed);
    await fresh.link.close();
    await device.link.publish(up(unit, 'event/alert'), 'lost', { qos: 1 });
    const last = open({ clientId: bridge });
    await last.online();
    await wait(100);
    t.deepEqual(last.texts, []);
  });

  make('the will is said at a cut, and not at a leave-taking', async ({ t, broker, open, unit, bridge }) => {
    const topic = up(unit, 'state');
    const centre = open({ clientId: bridge });
    await centre.online();
    await centre.link.subscribe([topic]);
    const device = open({ clientId: unit, will: { topic, payload: 'gone', retain: true } });
    await device.online();
    await device.link.publish(topic, 'there', { qos: 1, retain: true });
    await centre.until(() => centre.arrivals.length === 1);
    broker.cut(unit);
    await centre.until(() => centre.arrivals.length === 2);
    t.deepEqual(centre.texts, ['there', 'gone']);
    await device.until(() => device.sessions.length === 2);
    await device.link.close({ topic, payload: 'left', retain: true });
    await device.link.close();
    await centre.until(() => centre.arrivals.length === 3);
    await wait(100);
    t.deepEqual(centre.texts, ['there', 'gone', 'left']);
    t.is((await fault(device.link.publish(topic, 'after', { qos: 1 }))).code, 'link-down');
    t.is(device.link.state.kind, 'offline');
    t.is(device.faults.at(-1), undefined);
  });

  make('one client id has one session', async ({ t, open, unit }) => {
    const first = open({ clientId: unit });
    await first.online();
    const second = open({ clientId: unit });
    await second.online();
    await first.until(() => first.faults.length > 0);
    t.is(first.faults[0]?.code, 'link-down');
    await first.link.close();
    await second.online();
    await second.link.publish(up(unit, 'telemetry'), 'mine', { qos: 1 });
  });

  make('what `online` throws ends the connection, and the next one is tried', async ({ t, open, unit }) => {
    let times = 0;
    const device = open(
      { clientId: unit },
      {
        announced: async () => {
          times += 1;
          if (times === 1) throw new Error('not ready');
        },
      },
    );
    await device.until(() => device.sessions.length === 2);
    t.regex(device.faults[0]?.message ?? '', /not ready/);
    await device.link.publish(up(unit, 'telemetry'), 'ready', { qos: 1 });
  });

  make('what a handler throws ends the connection, and the message comes again', async ({ t, open, unit, bridge }) => {
    let times = 0;
    const centre = open(
      { clientId: bridge, sessionKept: true },
      {
        arrived: () => {
          times += 1;
          if (times === 1) throw new Error('no room');
        },
      },
    );
    await centre.link.subscribe([up(unit, 'event/alert')]);
    await centre.online();
    const device = open({ clientId: unit });
    await device.online();
    await device.link.publish(up(unit, 'event/alert'), 'once more', { qos: 1 });
    await centre.until(() => centre.arrivals.length === 2);
    t.regex(centre.faults[0]?.message ?? '', /no room/);
    t.deepEqual(centre.texts, ['once more', 'once more']);
  });

  make('a broker that was gone is found again', async ({ t, broker, open, unit }) => {
    const device = open({ clientId: unit });
    await device.online();
    await broker.stopBroker();
    await device.until(() => device.faults.length > 0);
    t.is(device.link.state.kind, 'offline');
    t.is((await fault(device.link.publish(up(unit, 'telemetry'), 'nobody', { qos: 1 }))).code, 'link-down');
    await broker.startBroker();
    await device.until(() => device.sessions.length === 2, 30_000);
    await device.link.publish(up(unit, 'telemetry'), 'back', { qos: 1 });
  });
}
