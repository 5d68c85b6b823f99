import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import type { Command } from 'commander';
import { makePersonKey } from '../../contract/person-key.ts';
import { programOf } from './program.ts';
import { silentIo } from './testing/silent-io.ts';
import { StubFleet } from './testing/stub-fleet.ts';

async function withTwoVersions(): Promise<StubFleet> {
  const fleet = await StubFleet.start();
  for (const level of ['warn', 'debug']) {
    fleet.layers.set('fleet', { name: 'fleet', version: fleet.released.length + 1, settings: { log: { level } } });
    await fleet.call(['config', 'push', 'north-1', '--yes']);
  }
  return fleet;
}

test('no call is refused in silence', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const noVersion = /It is no version: those are whole numbers from 1 on/;
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      'config rollback north-1 0',
      /unit's own file\. To give it back, release empty settings: npx atalaya-fleet config/,
    ],
    ['config rollback north-1 abc', noVersion],
    ['config rollback north-1 1.5', noVersion],
    ['config rollback north-1 -1', noVersion],
    ['config show north-1 0', /Version 0 is the unit's own file/],
    ['config show north-1 abc', noVersion],
    ['config show North_1', /It is not 1 to 63/],
    ['config diff north-1 a b', noVersion],
    ['config diff north-1 1 b', noVersion],
    ['config history North_1', /It is not 1 to 63/],
    ['command reply north-1 abc', /argument 'id'\. It /],
    ['command reply North_1 act-00000001', /argument 'unit'\. It /],
    ['telemetry query North_1', /argument 'unit'\. It /],
    ['evidence pull North_1 north-1-7 --out x', /argument 'unit'\. It /],
    ['alerts acknowledge North_1 camera-lost', /argument 'unit'\. It /],
    ['accept-key North_1 --presented x --reason y', /argument 'unit'\. It /],
  ];
  for (const [line, words] of cases) {
    for (const more of [[], ['--json']]) {
      const refused = await fleet.call([...line.split(' '), ...more]);
      t.is(refused.code, 2, line);
      t.regex(refused.err, words, line);
      t.is(refused.out, '', 'what went wrong is told beside the answer, and never in its place');
    }
  }
  t.is(fleet.requests.length, 0, 'nobody was asked for anything');
});

test('empty settings give a unit its own file back', async (t) => {
  const fleet = await withTwoVersions();
  t.teardown(() => fleet.close());
  const pushed = await fleet.call(['config', 'push', 'north-1', '--settings', '/dev/null', '--yes']);
  t.is(pushed.code, 0, pushed.err);
  t.like(fleet.released.at(-1), { version: 3, settings: {} });
});

test('a question that is ended without an answer is a no', async (t) => {
  const fleet = await withTwoVersions();
  t.teardown(() => fleet.close());
  fleet.layers.set('fleet', { name: 'fleet', version: 9, settings: { log: { level: 'error' } } });
  await writeFile(fleet.at('fleet.yaml'), 'log: {level: info}\n');
  for (const [line, words] of [
    ['config push north-1', 'Nothing was released.\n'],
    ['config rollback north-1 1', 'Nothing was released.\n'],
    [`config edit fleet --settings ${fleet.at('fleet.yaml')}`, 'Nothing was put.\n'],
    ['rollout start --group all=rest', 'Nothing was started.\n'],
    ['command reboot north-1 --reason stuck', 'Nothing was sent.\n'],
  ] as const) {
    const ended = await fleet.call(line.split(' '), { answers: ['^C'] });
    t.is(ended.code, 1, line);
    t.is(ended.err, words, line);
    t.is(ended.asked.length, 1, line);
  }
  t.deepEqual([fleet.released.length, fleet.commands.length, fleet.plan], [2, 0, undefined]);
  const edited = await fleet.call(['config', 'edit', 'fleet'], { answers: ['^C'], edit: () => 'log: {level: info}\n' });
  t.is(edited.code, 1);
  const path = /^Nothing was put\.\nWhat you wrote is in (.*)\n$/.exec(edited.err)?.[1] ?? '';
  t.is(await readFile(path, 'utf8'), 'log: {level: info}\n', 'what was written is not lost');
});

test('a document that was refused for itself says nothing of its settings', async (t) => {
  const fleet = await withTwoVersions();
  t.teardown(() => fleet.close());
  fleet.outcomes.set('north-1', 'rejected');
  fleet.inForce = 1;
  const [at, outcome] = ['2026-03-01T11:30:00Z', 'rejected'];
  for (const reason of [
    'expired: it expired at 11:00',
    'older-version: it is 2',
    'not-signed: it bears no signature',
  ]) {
    fleet.became.set(2, { outcome, at, reasons: [reason] });
    const before = fleet.released.length;
    const pushed = await fleet.call(['config', 'push', 'north-1', '--yes']);
    t.is(pushed.code, 0, `${reason}: ${pushed.err}`);
    t.is(fleet.released.splice(before).length, 1);
  }
  for (const reasons of [['field-unknown: x is no field'], ['expired: x', 'memory-short: y'], ['of-tomorrow: z'], []]) {
    fleet.became.set(2, { outcome, at, reasons });
    t.is((await fleet.call(['config', 'push', 'north-1', '--yes'])).code, 2, reasons.join());
  }
});

test('a version is shown with what became of it', async (t) => {
  const fleet = await withTwoVersions();
  t.teardown(() => fleet.close());
  t.regex((await fleet.call(['config', 'show', 'north-1', '2'])).out, /became: the unit has not said\n/);
  fleet.outcomes.set('north-1', 'rolled-back');
  const reasons = ['broker-not-reached: the broker was not reached within 9 s'];
  fleet.became.set(1, { outcome: 'confirmed', at: '2026-03-01T11:00:00Z', reasons: [] });
  fleet.became.set(2, { outcome: 'rolled-back', at: '2026-03-01T11:30:00Z', reasons });
  t.deepEqual((await fleet.call(['config', 'show', 'north-1', '2'])).out.split('\n'), [
    'north-1: version 2, issued 2026-03-01 12:00:00',
    'released: 2026-03-01 12:00:00 by Ana',
    'became: rolled-back, 2026-03-01 11:30:00',
    '  broker-not-reached: the broker was not reached within 9 s',
    'in force: version 1',
    'log:',
    '  level: debug',
    '',
  ]);
  const first = JSON.parse((await fleet.call(['config', 'show', 'north-1', '1', '--json'])).out);
  t.like(first, { document: { version: 1 }, became: { outcome: 'confirmed' }, by: 'Ana' });
});

test('what a layer no longer says is what the layers under it say', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  fleet.layers.set('fleet', { name: 'fleet', version: 1, settings: { log: { level: 'warn' } } });
  fleet.layers.set('group-a', { name: 'group-a', version: 1, settings: { cloud: { telemetryS: 72 } } });
  const settings = { layers: ['group-a'], log: { level: 'debug' }, cloud: { telemetryS: 30, stateS: 60 } };
  fleet.layers.set('unit-north-1', { name: 'unit-north-1', version: 1, settings });
  await writeFile(fleet.at('unit.yaml'), 'layers: [group-a]\n');
  const edit = async (layer: string) =>
    (await fleet.call(['config', 'edit', layer, '--settings', fleet.at('unit.yaml'), '--yes'])).out;
  const shown = await edit('unit-north-1');
  t.regex(shown, /\+ cloud\.telemetryS: 72, as group-a says\n/);
  t.regex(shown, /\+ cloud\.stateS: the unit's own value\n/);
  t.regex(shown, /\+ log\.level: "warn", as fleet says\n/);
  await writeFile(fleet.at('unit.yaml'), '');
  t.regex(await edit('group-a'), /telemetryS: the unit's own value, unless another of its layers says more\n/);
  t.regex(await edit('fleet'), /log\.level: the unit's own value\n/);
});

test('trust: who may not change it, and whose root key the centre does not believe, are told so', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const file = ['--file', fleet.at('trust.json')];
  for (const name of ['root', 'other']) await fleet.call(['new-root', '--out', fleet.at(`${name}.pem`)]);
  await fleet.call(['new-key', '--out', fleet.at('ben.pem'), '--name', 'Ben', '--role', 'operator', ...file]);
  const sign = (root: string) => fleet.call(['trust', 'sign', ...file, '--root', fleet.at(root), '--new-root']);
  await sign('root.pem');
  t.is((await fleet.call(['trust', 'push', ...file])).code, 0);
  const [ben] = fleet.trust.people;
  if (ben === undefined) throw new Error('nobody is trusted');
  const ana = { name: 'Ana', role: 'supervisor' as const, publicKey: fleet.person.publicPem };
  fleet.trust = { ...fleet.trust, people: [ben, ana] };
  await sign('other.pem');
  const puts = () => fleet.requests.filter(({ name }) => name === 'putTrust').length;
  const before = puts();
  const other = await fleet.call(['trust', 'push', ...file]);
  t.is(other.code, 2);
  t.regex(other.err, /key-wrong: .* root key [0-9a-f]{16}, and the centre believes [0-9a-f]{16}\n {2}Sign with that/);
  await sign('root.pem');
  fleet.instead = ({ name }) =>
    name === 'putTrust' ? { status: 409, error: { code: 'document-refused', message: 'is of version 1' } } : undefined;
  const older = await fleet.call(['trust', 'push', ...file]);
  t.is(older.code, 1);
  t.regex(older.err, /document-refused: is of version 1\n {2}Hold them side by side: .*trust list, and: .*--file/);
  fleet.instead = () => undefined;
  fleet.trust = { ...fleet.trust, people: [{ ...ana, role: 'operator' }] };
  const operator = await fleet.call(['trust', 'push', ...file]);
  t.is(operator.code, 1);
  t.regex(
    operator.err,
    /not-allowed: Ana is operator, and that role may not change who is trusted; supervisors may\n {2}Have somebody/,
  );
  fleet.trust = { ...fleet.trust, people: [{ ...ana, publicKey: makePersonKey().publicPem }] };
  t.regex((await fleet.call(['trust', 'push', ...file])).err, /does not name the key/);
  t.is(puts(), before + 1, 'only the one that might have counted was sent');
  // The centre says to nobody what counts there, or not to whom the next one names: it is asked, and judges by the next one.
  for (const reason of ['trust-expired', 'no-trust', 'unknown-key']) {
    const error = { code: 'act-refused', reason, message: `${reason}: nobody is trusted here` };
    fleet.instead = ({ name }) => (name === 'trust' ? { status: 401, error } : undefined);
    t.is((await fleet.call(['trust', 'push', ...file])).code, 0, reason);
    fleet.instead = () => ({ status: 401, error });
    const told = await fleet.call(['trust', 'push', ...file]);
    t.is(told.code, 1);
    t.regex(
      told.err,
      new RegExp(`^act-refused: the centre says ${reason}: nobody is trusted here\n  (Whoever|Look at)`),
    );
  }
  t.is(puts(), before + 7);
});

test('evidence: an id that is none, and files by the name that they bear in a folder', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const pull = (name: string, ...more: string[]) =>
    fleet.call(['evidence', 'pull', 'north-1', 'north-1-7', '--out', fleet.at(name), '--wait', '5', ...more]);
  for (const [i, name] of ['context.jpg', 'context.jpg.age', 'files/context.jpg.age'].entries()) {
    const pulled = await pull(`${i}`, '--file', name);
    t.is(pulled.code, 0, pulled.err);
    t.regex(pulled.out, /^north-1-7: 2 of 2 files, and its signed record, in /);
    t.is(await readFile(fleet.at(`${i}/north-1-7/files/context.jpg.age`), 'utf8'), 'age-header-1body one');
  }
  const none = await pull('none', '--file', 'at.jpg');
  t.is(none.code, 1);
  t.regex(
    none.out,
    /north-1-7: 1 of 2 files, .*\n {2}at\.jpg: the record names no such file; it names context\.jpg, clip/,
  );
  fleet.instead = ({ name }) =>
    name === 'evidence' ? { status: 404, error: { code: 'unknown', message: 'there is no such evidence' } } : undefined;
  const wrong = await pull('wrong');
  t.is(wrong.code, 2);
  t.regex(wrong.err, /no evidence north-1-7 of north-1\n {2}What there is: npx atalaya-fleet evidence list north-1\n/);
});

test('without an editor and without a terminal nothing is opened', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const edit = (text: string) => `${text}log: {level: debug}\n`;
  for (const options of [{}, { answers: ['y'] }, { terminal: true }]) {
    const refused = await fleet.call(['config', 'edit', 'fleet'], { ...options, edit, environment: { EDITOR: '' } });
    t.is(refused.code, 2);
    t.regex(refused.err, /no terminal is here for an editor\n {2}Give --settings FILE, or set EDITOR/);
  }
  const there = { answers: ['y'], terminal: true, edit, environment: { EDITOR: '', NO_COLOR: '1' } };
  t.is((await fleet.call(['config', 'edit', 'fleet'], there)).code, 0);
});

test('acts: ids by their beginning, and who was allowed is not told twice', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const about = 'command reboot for north-1, id 0f0e0d0c-1111-4222-8333-444455556666: camera hangs';
  const act = { method: 'POST', path: '/v1/commands', signature: { key: fleet.person.id, value: 'x' } };
  const hash = '0'.repeat(64);
  const entry = { number: 1, time: '2026-03-01T12:00:00Z', previous: hash, hash, act, about };
  fleet.instead = ({ name }) =>
    name === 'acts' ? { json: { acts: [{ ...entry, outcome: 'allowed: Ana, supervisor' }] } } : undefined;
  const { out } = await fleet.call(['acts'], { terminal: true, columns: 80, environment: { NO_COLOR: '1' } });
  const lines = out.trimEnd().split('\n').slice(1);
  t.regex(out, / command reboot for north-1, id +allowed\n +0f0e0d0c: camera hangs\n/);
  t.true(lines.length <= 2 && lines.every((line) => line.length <= 80), out);
  t.regex(lines[0] ?? '', / allowed$/);
  t.is(JSON.parse((await fleet.call(['acts', '--json'])).out).acts[0].about, about);
});

test('evidence: the next page is a call that can be copied', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  t.is(
    (await fleet.call(['evidence', 'list', '--limit', '2', '--page', '3'])).out,
    'No infraction is archived of that time.\n',
  );
  t.is((await fleet.call(['evidence', 'list', '--page', '2', '--before', '0.2'])).code, 2);
  const narrow = { terminal: true, columns: 60, environment: { NO_COLOR: '1' } };
  const short = await fleet.call(['evidence', 'list', '--limit', '1'], narrow);
  t.regex(short.err, /^More: npx atalaya-fleet evidence list --limit 1 --page 2$/m);
  const long = await fleet.call(['evidence', 'list', '--limit', '1', '--from', '2026-02-27', '--to', '1m'], narrow);
  t.regex(
    long.err,
    /^More:\nnpx atalaya-fleet evidence list --from 2026-02-27 --to 1m --limit 1 --page 2$/m,
    'whole, for whoever copies it',
  );
});

/** A command and all beneath it, as they are called. */
function* callsOf(command: Command, path: readonly string[] = []): Generator<readonly string[]> {
  yield path;
  for (const one of command.commands) yield* callsOf(one, [...path, one.name()]);
}

test('help fits the terminal, and COLUMNS where there is none', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const all = [...callsOf(programOf(silentIo, [], () => undefined))];
  t.true(all.length > 30);
  for (const columns of [100, 60, 40]) {
    for (const path of all) {
      const here = await fleet.call([...path, '--help'], { terminal: true, columns });
      t.is(here.code, 0);
      for (const line of here.out.split('\n'))
        t.true(line.length <= columns, `${path.join(' ')} at ${columns}: ${line}`);
      const piped = await fleet.call([...path, '--help'], { environment: { COLUMNS: `${columns}` } });
      t.is(piped.out, here.out);
    }
  }
});
