import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import test from 'ava';
import { publicKeyOf } from '../../../device/kernel/signed/key-id.ts';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import { openTrust } from '../../contract/people.ts';
import { signedBy } from './testing/signed-by.ts';
import { StubFleet } from './testing/stub-fleet.ts';

test('from a root key to a trust document that opens', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const file = ['--file', fleet.at('trust.json')];
  t.is((await fleet.call(['new-root', '--out', fleet.at('root.pem')])).code, 0);
  t.is((await fleet.call(['new-key', '--out', fleet.at('ben.pem'), '--json'])).code, 0);
  t.is((await stat(fleet.at('root.pem'))).mode & 0o777, 0o600);
  const again = await fleet.call(['new-key', '--out', fleet.at('ben.pem')]);
  t.is(again.code, 2);
  t.regex(again.err, /key-exists: .* a key is never overwritten/);
  const add = ['trust', 'add', ...file, '--name', 'Ben', '--role', 'operator', '--public-key'];
  t.is((await fleet.call([...add, fleet.at('ben.public.pem')])).code, 0);
  t.regex((await fleet.call(['trust', 'list', ...file])).out, /not signed yet.*\nname {2}role {6}key\nBen {3}operator/);
  t.regex((await fleet.call([...add, fleet.at('ben.public.pem')])).err, /Ben is in it already/);
  t.regex((await fleet.call([...add, fleet.at('ben.pem')])).err, /is no public key/);
  t.is((await fleet.call([...add, fleet.at('none.pem')])).code, 2);
  const early = await fleet.call(['trust', 'push', ...file]);
  t.is(early.code, 2);
  t.regex(early.err, /is not signed\n {2}Run: npx atalaya-fleet trust sign/);
  const sign = ['trust', 'sign', ...file, '--root', fleet.at('root.pem'), '--days', '30'];
  t.regex((await fleet.call(sign)).out, /is version 1, of 1 person/);
  t.is((await fleet.call(['trust', 'remove', ...file, '--name', 'Nobody'])).code, 2);
  t.regex((await fleet.call(sign)).out, /is version 2/, 'signed anew');
  await chmod(fleet.at('root.pem'), 0o644);
  const readable = await fleet.call(sign);
  t.is(readable.code, 2);
  t.regex(readable.err, /others may read or write the private key .*\(mode 0644\)\n {2}Run: chmod 600/);
  const root = publicKeyOf(await readFile(fleet.at('root.public.pem'), 'utf8'), 'root');
  const at = { utc: utcMilliseconds(fleet.clock.utc()), reliable: true };
  const people = openTrust(await readFile(fleet.at('trust.json'), 'utf8'), root, at);
  t.deepEqual(
    people.all.map(({ name, role }) => [name, role]),
    [['Ben', 'operator']],
  );
  t.regex((await fleet.call(['trust', 'push', ...file])).out, /the centre has version 2/);
  t.regex((await fleet.call(['trust', 'list'])).out, /version 2, signed by/);
  t.is((await fleet.call(['trust', 'remove', ...file, '--name', 'Ben'])).code, 0);
  t.regex((await fleet.call(['trust', 'list', ...file])).out, /version 3, not signed yet.*\nnobody is in it/);
});

test('another root key than the one before signs only where that is said', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const file = ['--file', fleet.at('trust.json')];
  for (const name of ['root', 'other']) await fleet.call(['new-root', '--out', fleet.at(`${name}.pem`)]);
  const made = ['new-key', '--out', fleet.at('ben.pem'), '--name', 'Ben', '--role', 'operator', ...file];
  t.is((await fleet.call(made)).code, 0);
  const sign = (name: string) => ['trust', 'sign', ...file, '--root', fleet.at(name)];
  t.is((await fleet.call(sign('root.pem'))).code, 0);
  const signed = await readFile(fleet.at('trust.json'), 'utf8');
  const refused = async (when: string) => {
    const before = await readFile(fleet.at('trust.json'), 'utf8');
    const other = await fleet.call(sign('other.pem'));
    t.is(other.code, 2, when);
    t.regex(other.err, /key-wrong: the version before was signed by the root key [0-9a-f]{16}, and this one is/, when);
    t.regex(other.err, /every unit and bridge that has the first would refuse the document\n.*say --new-root/, when);
    t.is(await readFile(fleet.at('trust.json'), 'utf8'), before, when);
  };
  await refused('as it was signed');
  t.is((await fleet.call(['trust', 'remove', ...file, '--name', 'Ben'])).code, 0);
  await refused('after it was changed');
  const early = await fleet.call(['trust', 'push', ...file]);
  t.regex(early.err, /is not signed/);
  t.is((await fleet.call(sign('root.pem'))).code, 0, 'the same root key');
  t.deepEqual(Object.keys(JSON.parse(await readFile(fleet.at('trust.json'), 'utf8'))).sort(), [
    ...['issued', 'people', 'schema', 'signature', 'version'],
  ]);
  t.not(await readFile(fleet.at('trust.json'), 'utf8'), signed);
  const anew = await fleet.call([...sign('other.pem'), '--new-root']);
  t.is(anew.code, 0, anew.err);
  t.regex(anew.err, /give the public half of it .* to every bridge and every unit by hand/);
  t.is((await fleet.call(sign('other.pem'))).code, 0, 'from then on it is the one');
  const half = await fleet.call(sign('other.public.pem'));
  t.is(half.code, 2);
  t.regex(half.err, /other\.public\.pem is the public half of a key, and the private one signs/);
});

test('from a layer to a pushed configuration, and back', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  t.regex((await fleet.call(['config', 'layers'])).out, /There is no layer yet/);
  t.regex((await fleet.call(['config', 'show', 'north-1'])).out, /Nothing was ever released to north-1/);
  t.regex((await fleet.call(['config', 'history', 'north-1'])).out, /Nothing was ever released/);
  const edited = await fleet.call(['config', 'edit', 'fleet'], {
    answers: ['y'],
    edit: (text) => `${text}log: {level: debug}\ncloud: {telemetryS: 30}\n`,
  });
  t.is(edited.code, 0, edited.err);
  t.regex(edited.out, /\+ cloud\.telemetryS: 30\n {2}\+ log\.level: "debug"\nfleet is version 1/);
  t.deepEqual(edited.asked, ['Put the layer fleet? [y/N] ']);
  await writeFile(fleet.at('unit.yaml'), 'layers: [site-north]\nlog: {level: warn}\n');
  const missing = await fleet.call(['config', 'edit', 'unit-north-1', '--settings', fleet.at('unit.yaml'), '--yes']);
  t.is(missing.code, 0, missing.err);
  const gap = await fleet.call(['config', 'push', 'north-1', '--yes']);
  t.is(gap.code, 2);
  t.regex(
    gap.err,
    /names site-north, and nobody has written that layer\n {2}Run: npx atalaya-fleet config edit site-north/,
  );
  await writeFile(fleet.at('site.yaml'), 'cloud: {telemetryS: 120}\n');
  t.is((await fleet.call(['config', 'edit', 'site-north', '--settings', fleet.at('site.yaml'), '--yes'])).code, 0);
  t.regex(
    (await fleet.call(['config', 'layers', 'north-1'])).out,
    /north-1: fleet, then site-north, then unit-north-1\nlog:\n {2}level: warn\ncloud:\n {2}telemetryS: 120/,
  );

  const asked = await fleet.call(['config', 'push', 'north-1']);
  t.is(asked.code, 2);
  t.regex(asked.err, /nobody is there to be asked\n {2}Say --yes/);
  t.is(fleet.released.length, 0);
  const no = await fleet.call(['config', 'push', 'north-1'], { answers: ['n'] });
  t.is(no.code, 1);
  t.is(fleet.released.length, 0);
  const pushed = await fleet.call(['config', 'push', 'north-1', 'north-2', '--note', 'quieter', '--probation', '5'], {
    answers: ['yes'],
  });
  t.is(pushed.code, 0, pushed.err);
  t.regex(pushed.out, /north-1: version 1\n {2}\+ cloud\.telemetryS: 120\n {2}\+ log\.level: "warn"/);
  const [first] = fleet.released;
  t.like(first, {
    unit: 'north-1',
    version: 1,
    probationMinutes: 5,
    note: 'quieter',
    settings: { log: { level: 'warn' }, cloud: { telemetryS: 120 } },
  });
  t.is(signedBy(fleet, first), 'signed');
  t.is(signedBy(fleet, { ...first, version: 2 }), 'refused');
  t.regex((await fleet.call(['config', 'push', 'north-1', '--yes'])).out, /nothing differs from version 1/);

  await writeFile(fleet.at('site.yaml'), 'cloud: {telemetryS: 240}\n');
  await fleet.call(['config', 'edit', 'site-north', '--settings', fleet.at('site.yaml'), '--yes']);
  t.regex(
    (await fleet.call(['config', 'diff', 'north-1'])).out,
    /from 1 to the layers\n {2}- cloud\.telemetryS: 120\n {2}\+ cloud\.telemetryS: 240/,
  );
  fleet.outcomes.set('north-1', 'rejected');
  const rejected = await fleet.call(['config', 'push', 'north-1', '--yes', '--wait']);
  t.is(rejected.code, 1);
  t.regex(rejected.out, /version 2 rejected\n {2}bundle-not-here/);
  t.regex((await fleet.call(['status'])).out, /north-1 {2}online {3}good {4}1; 2 rejected/);
  fleet.outcomes.set('north-1', 'confirmed');
  const back = await fleet.call(['config', 'rollback', 'north-1', '--yes', '--wait', '60']);
  t.is(back.code, 0, back.err);
  t.like(fleet.released.at(-1), {
    version: 3,
    note: 'settings of version 1',
    settings: { cloud: { telemetryS: 120 } },
  });
  t.regex((await fleet.call(['config', 'history', 'north-1'])).out, /3 {2}2026-03-01 .* Ana {2}confirmed/);
  const reasons = ['broker-not-reached: the broker was not reached within 9 s'];
  fleet.became.set(2, { outcome: 'rolled-back', at: '2026-03-01T12:00:00Z', reasons });
  fleet.became.set(1, { outcome: 'confirmed', at: '2026-03-01T11:00:00Z', reasons: [] });
  const histories = (await fleet.call(['config', 'history', 'north-1'])).out;
  t.regex(histories, /3 {2}2026-03-01 .* Ana {2}confirmed/);
  t.regex(
    histories,
    /2 {2}2026-03-01 .* Ana {2}rolled-back\n {4}broker-not-reached: the broker was not reached within 9 s\n/,
  );
  t.regex(histories, /1 {2}2026-03-01 .* Ana {2}confirmed/);
  t.true(
    histories.split('\n').every((line) => line.length <= 80),
    histories,
  );
  t.regex((await fleet.call(['config', 'diff', 'north-1', '2', '3'])).out, /from 2 to 3/);
  t.regex((await fleet.call(['config', 'show', 'north-1', '2'])).out, /telemetryS: 240/);
  for (const line of ['rollback north-1 99 --yes', 'diff north-1 3 99', 'show north-1 99']) {
    const unknown = await fleet.call(['config', ...line.split(' ')]);
    t.is(unknown.code, 2, line);
    t.regex(unknown.err, /no version 99 was ever released to north-1\n.*config history north-1/, line);
  }
  t.is((await fleet.call(['config', 'rollback', 'south-1', '--yes'])).code, 2);
  t.is((await fleet.call(['config', 'diff', 'north-1', 'zero'])).code, 2);
});

test('settings that every unit would refuse are not signed', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const cases: readonly (readonly [RegExp, string])[] = [
    [/field-unknown: log\.colour is no field/, 'log: {colour: red}'],
    [/log\.level/, 'log: {level: loud}'],
    [/field-unit-only: unit\.id is set at the unit only/, 'unit: {id: other}'],
    [/is not YAML/, 'log: {level'],
    [/holds no settings/, '- a list'],
    [/layers stands in the layers of units only/, 'layers: [group-a]'],
  ];
  for (const [words, text] of cases) {
    await writeFile(fleet.at('bad.yaml'), text);
    const edit = await fleet.call(['config', 'edit', 'group-a', '--settings', fleet.at('bad.yaml'), '--yes']);
    t.is(edit.code, 2, text);
    t.regex(edit.err, words);
    const push = await fleet.call(['config', 'push', 'north-1', '--settings', fleet.at('bad.yaml'), '--yes']);
    t.is(push.code, 2, text);
  }
  t.is(fleet.layers.size + fleet.released.length, 0);
  const twice = await fleet.call(['config', 'edit', 'fleet'], {
    answers: ['yes', 'yes'],
    edit: (text) => (text.includes('loud') ? text.replace('loud', 'warn') : `${text}log: {level: loud}\n`),
  });
  t.is(twice.code, 0, twice.err);
  t.deepEqual(twice.asked, ['Edit it again? [y/N] ', 'Put the layer fleet? [y/N] ']);
  const lost = await fleet.call(['config', 'edit', 'fleet'], { edit: () => 'log: {level: loud}' });
  t.regex(lost.err, /What you wrote is in (.*fleet\.yaml)/);
  const kept = /What you wrote is in (.*fleet\.yaml)/.exec(lost.err)?.[1] ?? '';
  t.is(await readFile(kept, 'utf8'), 'log: {level: loud}');
  t.is((await fleet.call(['config', 'edit', 'Fleet'])).code, 2);
  t.regex((await fleet.call(['config', 'edit', 'fleet'])).err, /the editor ed failed/);
  fleet.instead = ({ name }) =>
    name === 'putLayer' ? { status: 409, error: { code: 'conflict', message: 'it has changed' } } : undefined;
  const late = await fleet.call(['config', 'edit', 'fleet'], {
    answers: ['y'],
    edit: (text) => text.replace('warn', 'info'),
  });
  t.is(late.code, 1);
  t.regex(late.err, /What you wrote is in .*\n?.*act-refused: the centre says conflict: it has changed/s);
});
