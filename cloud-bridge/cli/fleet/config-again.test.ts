import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { makePersonKey } from '../../contract/person-key.ts';
import { StubFleet } from './testing/stub-fleet.ts';

/** A fleet whose layer says this, of which north-1 has kept the first of two versions and given back the second. */
async function withOneGivenBack(): Promise<StubFleet> {
  const fleet = await StubFleet.start();
  const layer = (level: string) =>
    fleet.layers.set('fleet', { name: 'fleet', version: fleet.released.length + 1, settings: { log: { level } } });
  layer('warn');
  await fleet.call(['config', 'push', 'north-1', '--yes']);
  layer('debug');
  await fleet.call(['config', 'push', 'north-1', '--yes']);
  fleet.outcomes.set('north-1', 'rolled-back');
  const reasons = ['broker-not-reached: the broker was not reached within 9 s'];
  fleet.became.set(1, { outcome: 'confirmed', at: '2026-03-01T11:00:00Z', reasons: [] });
  fleet.became.set(2, { outcome: 'rolled-back', at: '2026-03-01T11:30:00Z', reasons });
  return fleet;
}

test('settings that a unit gave back are pushed again only where that is said', async (t) => {
  const fleet = await withOneGivenBack();
  t.teardown(() => fleet.close());
  const diff = await fleet.call(['config', 'diff', 'north-1']);
  t.regex(diff.out, /from 1 to the layers\n {2}- log\.level: "warn"\n {2}\+ log\.level: "debug"/);
  const failed = /version 2 was rolled back at 2026-03-01 11:30:00: broker-not-reached: the broker was not reached/;
  for (const line of [
    ['config', 'push', 'north-1', '--yes'],
    ['config', 'rollback', 'north-1', '2', '--yes'],
    ['rollout', 'start', '--group', 'all=north-1', '--yes'],
  ]) {
    const refused = await fleet.call(line);
    t.is(refused.code, 2, line.join(' '));
    t.regex(refused.err, failed);
    t.regex(refused.err, /say --again/);
    t.is(fleet.released.length, 2);
    t.is(fleet.plan, undefined);
  }
  const again = await fleet.call(['config', 'push', 'north-1', '--yes', '--again']);
  t.is(again.code, 0, again.err);
  t.regex(again.out, /north-1: version 3\n {2}again: version 2 was rolled back at .*\n {2}- log\.level: "warn"/);
  t.like(fleet.released.at(-1), { version: 3, settings: { log: { level: 'debug' } } });
  t.is((await fleet.call(['rollout', 'start', '--group', 'all=north-1', '--yes', '--again'])).code, 0);
});

test('a report from before a version was given back is not believed on what runs', async (t) => {
  const fleet = await withOneGivenBack();
  t.teardown(() => fleet.close());
  fleet.inForce = 2;
  t.regex((await fleet.call(['config', 'diff', 'north-1'])).out, /from 1 to the layers/);
  const refused = await fleet.call(['config', 'push', 'north-1', '--yes']);
  t.is(refused.code, 2);
  t.regex(refused.err, /version 2 was rolled back at/);
  fleet.became.set(1, { outcome: 'rejected', at: '2026-03-01T11:00:00Z', reasons: ['field-unknown: x'] });
  t.regex((await fleet.call(['config', 'diff', 'north-1'])).out, /from its own file to the layers/);
});

test('what a unit has is what it reports: nothing is to be done where that is what it is to have', async (t) => {
  const fleet = await withOneGivenBack();
  t.teardown(() => fleet.close());
  fleet.layers.set('fleet', { name: 'fleet', version: 9, settings: { log: { level: 'warn' } } });
  const same = await fleet.call(['config', 'push', 'north-1', '--yes']);
  t.is(same.code, 0);
  t.regex(same.out, /nothing differs from version 1, which it runs/);
  t.is(fleet.released.length, 2);

  const back = await fleet.call(['config', 'rollback', 'north-1', '--yes']);
  t.is(back.code, 0, back.err);
  t.regex(
    back.out,
    /nothing differs from version 1, which it runs\n {2}version 2 was rolled back at .*\n.*nothing is released/,
  );
  t.is(fleet.released.length, 2, 'it went back by itself: another trial could only do harm');
  fleet.layers.set('fleet', { name: 'fleet', version: 10, settings: { log: { level: 'info' } } });
  t.is((await fleet.call(['config', 'push', 'north-1', '--yes'])).code, 0);
  t.like(fleet.released.at(-1), { version: 3, settings: { log: { level: 'info' } } });
  fleet.outcomes.delete('north-1');
  const open = await fleet.call(['config', 'push', 'north-1', '--yes']);
  t.is(open.code, 0);
  t.regex(open.out, /version 3, which is released; the unit has not said yet what became of it/);
  const waited = await fleet.call(['config', 'push', 'north-1', '--yes', '--wait', '3']);
  t.is(waited.code, 1, 'it has been waited for in vain');
  t.regex(waited.out, /version 3 has no outcome yet/);

  fleet.outcomes.set('north-1', 'confirmed');
  fleet.became.set(3, { outcome: 'confirmed', at: '2026-03-01T12:10:00Z', reasons: [] });
  const kept = await fleet.call(['config', 'rollback', 'north-1', '3', '--yes']);
  t.is(kept.code, 0);
  t.regex(kept.out, /nothing differs from version 3, which it runs/);
  const before = await fleet.call(['config', 'rollback', 'north-1', '--yes']);
  t.is(before.code, 0);
  t.like(fleet.released.at(-1), { version: 4, note: 'settings of version 1' }, 'the one before that it kept');

  fleet.inForce = 7;
  const elsewhere = await fleet.call(['config', 'diff', 'north-1']);
  t.regex(elsewhere.out, /from version 7, which is not known here, to the layers/);
  t.is((await fleet.call(['config', 'push', 'north-1', '--yes'])).code, 0);
  t.like(fleet.released.at(-1), { version: 8 });
});

test('whose role does not allow it is refused before it is said that nothing differs', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  await fleet.call(['config', 'push', 'north-1', '--yes']);
  const [ana] = fleet.trust.people;
  if (ana === undefined) throw new Error('nobody is trusted');
  fleet.trust = { ...fleet.trust, people: [{ ...ana, role: 'auditor' }] };
  for (const line of [
    ['config', 'push', 'north-1', '--yes'],
    ['config', 'push', 'north-9', '--yes'],
    ['config', 'rollback', 'north-1', '--yes'],
    ['config', 'edit', 'fleet'],
    ['rollout', 'start', '--group', 'all=rest', '--yes'],
  ]) {
    const refused = await fleet.call(line);
    t.is(refused.code, 1, line.join(' '));
    t.regex(
      refused.err,
      /act-refused: not-allowed: Ana is auditor, and that role may not (push configurations; operators and|run rollouts;) supervisors may/,
    );
  }
  fleet.trust = { ...fleet.trust, people: [{ ...ana, publicKey: makePersonKey().publicPem }] };
  t.regex((await fleet.call(['config', 'push', 'north-1', '--yes'])).err, /does not name the key/);
  t.is(fleet.released.length, 1);
});

test('a unit that nobody has heard of is not made up by a slip of the finger', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  await writeFile(fleet.at('unit.yaml'), 'log: {level: warn}\n');
  const edit = ['config', 'edit', 'unit-north-1x', '--settings', fleet.at('unit.yaml'), '--yes'];
  for (const line of [
    ['config', 'push', 'north-1x', '--yes'],
    edit,
    ['config', 'show', 'north-1x'],
    ['config', 'diff', 'north-1x'],
    ['config', 'history', 'north-1x'],
    ['config', 'layers', 'north-1x'],
    ['config', 'rollback', 'north-1x', '--yes'],
    ['command', 'self-test', 'north-1', 'north-1x'],
    ['command', 'snapshot', 'north-1x', '--out', fleet.at('pictures')],
    ['command', 'reboot', 'north-1x', '--reason', 'stuck', '--yes'],
    ['rollout', 'start', '--group', 'all=north-1x', '--yes'],
  ]) {
    const strange = await fleet.call(line);
    t.is(strange.code, 2, line.join(' '));
    t.regex(strange.err, /the centre has never heard of north-1x; units like it: north-1, north-2\n/, line.join(' '));
    t.regex(strange.err, line[0] === 'config' && /push|edit/.test(line[1] ?? '') ? /say --new/ : /^(?!.*--new)/s);
  }
  t.is(fleet.released.length + fleet.commands.length + fleet.layers.size, 0);
  t.regex((await fleet.call(['command', 'self-test', 'camera'])).err, /never heard of camera\n/, 'nothing is like it');

  t.is((await fleet.call([...edit, '--new'])).code, 0);
  t.is((await fleet.call([...edit.slice(0, -1), '--yes'])).code, 0, 'what was prepared is known');
  t.is((await fleet.call(['config', 'push', 'north-1x', '--yes', '--new'])).code, 0);
  t.regex((await fleet.call(['config', 'push', 'north-1x', '--yes'])).out, /nothing differs from version 1/);
  t.is((await fleet.call(['command', 'self-test', 'north-1x'])).code, 2, 'nobody is there to obey');
});
