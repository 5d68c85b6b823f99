import { setTimeout as wait } from 'node:timers/promises';
import { type MakeLinkCase, up } from './link-cases.ts';

const byNumber = (one: string, other: string) => Number(one) - Number(other);

/** What becomes of messages while the connection stands. */
export function messageCases(make: MakeLinkCase): void {
  make('what is published arrives, byte for byte and once', async ({ t, open, unit, bridge }) => {
    const centre = open({ clientId: bridge });
    await centre.online();
    await centre.link.subscribe([up('+', 'event/alert')]);
    const device = open({ clientId: unit });
    const session = await device.online();
    t.true(session.receiveMaximum >= 1);
    t.false(session.resumed);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    await device.link.publish(up(unit, 'event/alert'), bytes, { qos: 1 });
    await device.link.publish(up(unit, 'event/alert'), 'ü', { qos: 1 });
    await centre.until(() => centre.arrivals.length === 2);
    t.deepEqual(centre.arrivals[0], {
      topic: up(unit, 'event/alert'),
      payload: bytes,
      retained: false,
      duplicate: false,
    });
    t.is(centre.texts[1], 'ü');
    t.is(device.link.inFlight, 0);
  });

  make('many in flight keep their order', async ({ t, open, unit, bridge }) => {
    const centre = open({ clientId: bridge });
    await centre.online();
    await centre.link.subscribe([up(unit, 'telemetry')]);
    const device = open({ clientId: unit });
    await device.online();
    let most = 0;
    for (let at = 0; at < 600; at += 20) {
      const batch = Array.from({ length: 20 }, (_, step) =>
        device.link.publish(up(unit, 'telemetry'), String(at + step), { qos: 1 }),
      );
      most = Math.max(most, device.link.inFlight);
      await Promise.all(batch);
    }
    t.is(most, 20);
    await centre.until(() => centre.arrivals.length === 600);
    t.deepEqual(
      centre.texts,
      Array.from({ length: 600 }, (_, at) => String(at)),
    );
  });

  make('the longest packet of the contract goes through', async ({ t, open, unit, bridge }) => {
    const centre = open({ clientId: bridge });
    await centre.online();
    await centre.link.subscribe([up(unit, 'event/infraction')]);
    const device = open({ clientId: unit });
    await device.online();
    const payload = Buffer.alloc(120 * 1024, 7);
    await device.link.publish(up(unit, 'event/infraction'), payload, { qos: 1 });
    await centre.until(() => centre.arrivals.length === 1);
    t.true(centre.arrivals[0]?.payload.equals(payload));
  });

  make('a retained message is there for who comes later, until it is emptied', async ({ t, open, unit, bridge }) => {
    const device = open({ clientId: unit });
    await device.online();
    await device.link.publish(up(unit, 'state'), 'first', { qos: 1, retain: true });
    await device.link.publish(up(unit, 'state'), 'second', { qos: 1, retain: true });
    const centre = open({ clientId: bridge });
    await centre.online();
    await centre.link.subscribe([up(unit, 'state')]);
    await centre.until(() => centre.arrivals.length === 1);
    t.deepEqual([centre.texts, centre.arrivals[0]?.retained], [['second'], true]);
    await device.link.publish(up(unit, 'state'), '', { qos: 1, retain: true });
    await centre.until(() => centre.arrivals.length === 2);
    t.false(centre.arrivals[1]?.retained);
    const later = open({ clientId: `${bridge}-later` });
    await later.online();
    await later.link.subscribe([up(unit, 'state')]);
    await device.link.publish(up(unit, 'state'), 'mark', { qos: 1 });
    await later.until(() => later.arrivals.length === 1);
    t.deepEqual(later.texts, ['mark']);
  });

  make('messages are handled one at a time, and a handler may publish', async ({ t, open, unit, bridge }) => {
    let working = 0;
    let most = 0;
    const centre = open(
      { clientId: bridge },
      {
        arrived: async (_, link) => {
          working += 1;
          most = Math.max(most, working);
          await wait(1);
          // The last one may be cut short by the end of the test.
          await link.publish(up(unit, 'ack'), 'taken', { qos: 1 }).catch(() => undefined);
          working -= 1;
        },
      },
    );
    await centre.online();
    await centre.link.subscribe([up(unit, 'event/count')]);
    const device = open({ clientId: unit });
    await device.online();
    await device.link.subscribe([up(unit, 'ack')]);
    await Promise.all(
      Array.from({ length: 100 }, (_, at) => device.link.publish(up(unit, 'event/count'), String(at), { qos: 1 })),
    );
    await device.until(() => device.arrivals.length === 100);
    t.is(most, 1);
    t.is(new Set(centre.texts).size, 100);
  });

  make('filters with wildcards get what they name and nothing else', async ({ t, open, unit, bridge }) => {
    const centre = open({ clientId: bridge });
    await centre.online();
    await centre.link.subscribe([
      `atalaya/+/+/event/alert`,
      `atalaya/+/${unit}/event/count`,
      up('+', 'command/+/reply'),
    ]);
    const device = open({ clientId: unit });
    await device.online();
    for (const path of ['event/alert', 'telemetry', 'event/count', 'command/c-1234567/reply', 'config/reported'])
      await device.link.publish(up(unit, path), path, { qos: 1 });
    await device.link.publish(up(unit, 'event/alert'), 'end', { qos: 1 });
    await centre.until(() => centre.texts.includes('end'));
    t.deepEqual(centre.texts, ['event/alert', 'event/count', 'command/c-1234567/reply', 'end']);
  });

  make('a shared subscription gives each message to one of its members', async ({ t, broker, open, unit, bridge }) => {
    if (!broker.shared) {
      t.log('this broker knows no shared subscriptions');
      t.pass();
      return;
    }
    const members = [open({ clientId: bridge }), open({ clientId: `${bridge}-other` })];
    for (const member of members) {
      await member.online();
      await member.link.subscribe([`$share/group/${up(unit, 'telemetry')}`]);
    }
    const device = open({ clientId: unit });
    await device.online();
    const texts = Array.from({ length: 40 }, (_, at) => String(at));
    await Promise.all(texts.map((text) => device.link.publish(up(unit, 'telemetry'), text, { qos: 1 })));
    await wait(200);
    const heard = members.map((member) => member.texts.length);
    t.is(heard[0] === undefined || heard[1] === undefined ? 0 : heard[0] + heard[1], 40);
    t.true(heard.every((count) => count > 0));
    t.deepEqual(members.flatMap(({ texts: got }) => got).sort(byNumber), texts);
  });
}
