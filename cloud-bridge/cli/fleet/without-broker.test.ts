import test from 'ava';
import { StubFleet } from './testing/stub-fleet.ts';

test('a centre without a broker is told of, and what waits there is not called on its way', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const reboot = ['command', 'reboot', 'north-1', '--reason', 'stuck', '--yes'];
  const push = ['config', 'push', 'north-1', '--yes'];
  fleet.layers.set('fleet', { name: 'fleet', version: 1, settings: { log: { level: 'debug' } } });
  t.notRegex((await fleet.call(['status'])).out, /no broker/);
  const sent = await fleet.call(reboot);
  t.is(sent.code, 0, sent.err);
  t.regex(sent.out, /north-1: reboot is on its way/);

  fleet.brokerGone = '2026-03-01T11:50:00Z';
  t.regex(
    (await fleet.call(['status'])).out,
    /^the centre has no broker for 10 min: this is how the units were, and nothing reaches them$/m,
  );
  t.regex((await fleet.call(['status', 'north-1'])).out, /^the centre has no broker for 10 min: .* nothing reaches/m);
  t.like(JSON.parse((await fleet.call(['status', '--json'])).out), { broker: { connected: false } });
  const waits = await fleet.call(reboot);
  t.is(waits.code, 1);
  t.regex(waits.out, /north-1: reboot waits: the centre has no broker, and gives it on until it expires/);
  const asked = await fleet.call(['command', 'reboot', 'north-1', '--reason', 'stuck', '--yes', '--wait', '1']);
  t.is(asked.code, 1);
  t.regex(asked.out, /north-1 {2}open .*waits: the centre has no broker, and gives it on until it\s+expires; look/s);
  const pushed = await fleet.call(push);
  t.is(pushed.code, 1, pushed.err);
  t.regex(pushed.out, /north-1: version 1 is released\n {2}the centre has no broker: it waits there/);
});

test('a trust document that ends soon is told of where the units are', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const told = /the trust document \(version 1\) ends in 13 d/;
  fleet.trust = { ...fleet.trust, expires: '2026-03-14T11:00:00Z' };
  t.regex((await fleet.call(['status'])).out, told);
  fleet.trust = { ...fleet.trust, expires: '2026-05-14T12:00:00Z' };
  t.notRegex((await fleet.call(['status'])).out, /trust document/);
});
