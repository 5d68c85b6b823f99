import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../../device/kernel/units.ts';
import { filtersOfWay } from '../broker/access.ts';
import { longestPayload } from '../contract/topics.ts';
import type { Link } from '../link/link.ts';
import type { LinkClient } from './link-client.ts';
import { connectRaw } from './raw-client.ts';
import { type MakeSecurityCase, online } from './security-cases.ts';

const parameters = ['x1234567', 'keys', '0'];
/** The topics of one way of a unit, with something for each parameter. */
const topicsOf = (way: 'up' | 'down', unit: string) =>
  filtersOfWay(way, unit).map((filter) => {
    let at = 0;
    return filter.replace('atalaya/+/', 'atalaya/v1/').replace(/\+/g, () => parameters[at++] ?? '');
  });

/** Tries, for who listens now and for who comes later, and says nothing of how it was refused: what counts is that nothing arrives. */
async function attempt(link: Link, topic: string, payload: string): Promise<void> {
  const outcome = link.publish(topic, payload, { qos: 1, retain: true }).catch(() => undefined);
  await Promise.race([outcome, wait(1000)]);
}

/** Who has a certificate does nothing in the name of another. */
export function accessCases(make: MakeSecurityCase): void {
  make('every topic of the table goes its way', async ({ t, own, bridge, open }) => {
    const centre = await online(open(bridge));
    await centre.link.subscribe(filtersOfWay('up', '+'));
    const unit = await online(open(own));
    await unit.link.subscribe(filtersOfWay('down', own));
    for (const topic of topicsOf('up', own)) await unit.link.publish(topic, topic, { qos: 1 });
    for (const topic of topicsOf('down', own)) await centre.link.publish(topic, topic, { qos: 1 });
    await centre.until(() => centre.arrivals.length >= topicsOf('up', own).length);
    await unit.until(() => unit.arrivals.length >= topicsOf('down', own).length);
    t.deepEqual(
      centre.arrivals.map(({ topic }) => topic),
      topicsOf('up', own),
    );
    t.deepEqual(
      unit.arrivals.map(({ topic }) => topic),
      topicsOf('down', own),
    );
    t.deepEqual([centre.faults, unit.faults], [[], []]);
  });

  make('a message that is longer than any of the contract reaches nobody', async ({ t, own, other, bridge, open }) => {
    const centre = await online(open(bridge));
    await centre.link.subscribe(filtersOfWay('up', '+'));
    const bystander = await online(open(other));
    const topic = `atalaya/v1/${own}/state`;
    for (const bytes of [131_073, 1_000_000]) {
      const { link } = await online(open(own));
      await attempt(link, topic, 'x'.repeat(bytes));
      await link.close();
    }
    const unit = await online(open(own));
    await unit.link.publish(topic, 'y'.repeat(longestPayload), { qos: 1 });
    await bystander.link.publish(`atalaya/v1/${other}/state`, 'unharmed', { qos: 1 });
    await centre.until(() => centre.texts.length >= 2);
    await wait(150);
    t.deepEqual(
      centre.texts.map((text) => text.length),
      [longestPayload, 'unharmed'.length],
    );
    t.deepEqual([centre.faults, bystander.faults], [[], []]);
  });

  make('a unit cannot publish as another, nor as the centre', async ({ t, own, other, bridge, open }) => {
    const centre = await online(open(bridge));
    await centre.link.subscribe(filtersOfWay('up', '+'));
    const victim = await online(open(other));
    await victim.link.subscribe(filtersOfWay('down', other));
    const thief = await online(open(own));
    const forbidden = [...topicsOf('up', other), ...topicsOf('down', other), ...topicsOf('down', own)];
    for (const topic of [...forbidden, `atalaya/v2/${other}/state`, `atalaya/v1/${bridge}/state`, 'elsewhere']) {
      await thief.online();
      await attempt(thief.link, topic, 'forged');
    }
    t.deepEqual(centre.arrivals, []);
    await victim.link.publish(`atalaya/v1/${other}/state`, 'true', { qos: 1 });
    await centre.link.publish(`atalaya/v1/${other}/ack`, 'true', { qos: 1 });
    await centre.until(() => centre.texts.includes('true'));
    await victim.until(() => victim.texts.includes('true'));
    await wait(150);
    t.deepEqual([centre.texts, victim.texts], [['true'], ['true']]);
    const later = await online(open(other));
    await later.link.subscribe(filtersOfWay('down', other));
    await wait(150);
    t.deepEqual(later.texts, []);
  });

  make('a unit cannot hear another', async ({ t, setup: { forbiddenSubscribe }, own, other, bridge, open }) => {
    const centre = await online(open(bridge));
    const victim = await online(open(other));
    await victim.link.subscribe(filtersOfWay('down', other));
    await victim.link.publish(`atalaya/v1/${other}/state`, 'retained', { qos: 1, retain: true });
    const named = [...filtersOfWay('up', other), ...filtersOfWay('down', other), ...filtersOfWay('down', '+')];
    const spies: LinkClient[] = [];
    for (const filter of [...named, `atalaya/v1/${other}/#`, 'atalaya/#', '#', `$share/g/atalaya/v1/${other}/ack`]) {
      const spy = spies.at(-1) ?? (await online(open(own)));
      if (!spies.includes(spy)) spies.push(spy);
      await spy.online();
      await spy.link.subscribe([filter]).catch(() => undefined);
      if (forbiddenSubscribe === 'ends') {
        if (!filter.startsWith('$share')) await spy.until(() => spy.faults.length > 0);
        await spy.link.unsubscribe([filter]);
        await spy.link.close();
        spies.push(await online(open(own)));
      }
    }
    await victim.link.publish(`atalaya/v1/${other}/telemetry`, 'secret', { qos: 1 });
    for (const topic of topicsOf('down', other)) await centre.link.publish(topic, 'secret', { qos: 1 });
    await victim.until(() => victim.arrivals.length === topicsOf('down', other).length);
    await wait(200);
    for (const spy of spies) t.deepEqual(spy.arrivals, []);
  });

  make('a unit cannot take over the session of another', async ({ t, setup, own, other, bridge, open }) => {
    const kept = { sessionExpiry: seconds(3600) };
    const centre = await online(open(bridge));
    const owner = await online(open(other, kept));
    await owner.link.subscribe(filtersOfWay('down', other));
    for (const sessionExpiry of [seconds(3600), seconds(0)]) {
      const before = owner.faults.length;
      const thief = await open(own, { clientId: other, sessionExpiry });
      await thief.until(() => thief.sessions.length + thief.faults.length > 0);
      await wait(300);
      if (!setup.throwsOff) t.is(owner.faults.length, before, 'the owner keeps its connection');
      await owner.online();
      await centre.link.publish(`atalaya/v1/${other}/ack`, 'for the owner', { qos: 1 });
      await wait(200);
      t.deepEqual(thief.arrivals, []);
      await thief.link.close();
    }
    await owner.until(() => owner.texts.filter((text) => text === 'for the owner').length >= 2);
    // Away, with a message waiting: nor does the thief get that.
    await owner.link.close();
    await centre.link.publish(`atalaya/v1/${other}/ack`, 'waiting', { qos: 1 });
    const thief = await open(own, { clientId: other, ...kept });
    await thief.until(() => thief.sessions.length + thief.faults.length > 0);
    await wait(300);
    t.deepEqual(thief.arrivals, []);
    await thief.link.close();
    const back = await open(other, kept);
    await back.until(() => back.texts.includes('waiting'));
    t.true(back.sessions[0]?.resumed);
  });

  make('a client id with an ending that nobody knows is not thrown off', async ({ t, own, other, open }) => {
    const owner = await online(open(other, { clientId: `${other}.${'0123456789abcdef'}` }));
    const thief = await open(own, { clientId: other });
    await thief.until(() => thief.sessions.length + thief.faults.length > 0);
    await wait(300);
    t.deepEqual(owner.faults, []);
    await owner.link.publish(`atalaya/v1/${other}/state`, 'still there', { qos: 1 });
  });

  make('a unit cannot leave a will in the name of another', async ({ t, own, other, bridge, open }) => {
    const centre = await online(open(bridge));
    await centre.link.subscribe(filtersOfWay('up', '+'));
    const topic = `atalaya/v1/${other}/state`;
    const thief = await open(own, { will: { topic, payload: 'gone', retain: true } });
    await thief.until(() => thief.sessions.length + thief.faults.length > 0);
    // The next session of the same certificate ends the first one without a leave-taking.
    const again = await open(own);
    await again.online();
    await thief.link.close();
    await again.online();
    await again.link.publish(`atalaya/v1/${own}/state`, 'mark', { qos: 1 });
    await centre.until(() => centre.texts.includes('mark'));
    await wait(150);
    t.false(centre.arrivals.some((arrival) => arrival.topic === topic));
  });

  make('a name beside the certificate changes nothing', async ({ t, setup, own, bridge, open }) => {
    const victim = await online(open(own));
    await victim.link.subscribe(filtersOfWay('down', own));
    for (const username of [bridge, own, 'guest']) {
      const raw = await connectRaw(setup.broker.port, await setup.pki.issue('unit-29'), {
        protocol: setup.protocol === '5' ? '5' : '3.1.1',
        username,
        password: 'guest',
        clientId: 'unit-29',
      });
      if (raw.accepted) await raw.publish(`atalaya/v1/${own}/ack`, 'forged');
      raw.close();
    }
    await wait(200);
    t.deepEqual(victim.arrivals, []);
  });

  make('a name that is a wildcard opens nothing', async ({ t, setup, own, bridge, open }) => {
    const centre = await online(open(bridge));
    await centre.link.subscribe(filtersOfWay('up', '+'));
    const victim = await online(open(own));
    await victim.link.subscribe(filtersOfWay('down', own));
    for (const cn of ['+', '#', `${own}/state/+`, '.*', '[^.]+']) {
      const credentials = await setup.pki.issue(cn);
      const stranger = await open('unit-29', { clientId: cn, ...credentials });
      await stranger.until(() => stranger.sessions.length + stranger.faults.length > 0);
      if (stranger.link.state.kind === 'online') {
        await stranger.link.subscribe(filtersOfWay('down', '+')).catch(() => undefined);
        await attempt(stranger.link, `atalaya/v1/${own}/state`, 'forged');
      }
      await centre.link.publish(`atalaya/v1/${own}/ack`, 'for the unit', { qos: 1 });
      await wait(100);
      t.deepEqual(stranger.arrivals, [], cn);
      await stranger.link.close();
    }
    t.false(centre.texts.includes('forged'));
    t.is(victim.arrivals.length, 5);
  });
}
