import { readFile, stat, writeFile } from 'node:fs/promises';
import test from 'ava';
import { signedBy } from './testing/signed-by.ts';
import { StubFleet } from './testing/stub-fleet.ts';

test('a rollout: canaries first, each document and each way back signed', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  t.regex((await fleet.call(['rollout', 'list'])).out, /There was no rollout yet/);
  const start = [
    'rollout',
    'start',
    '--group',
    'canaries=north-2',
    '--group',
    'all=rest',
    '--success',
    '90%',
    '--errors',
    '0.1',
    '--yes',
  ];
  t.regex((await fleet.call(start)).out, /Nothing differs for any unit/);
  fleet.layers.set('fleet', { name: 'fleet', version: 1, settings: { log: { level: 'debug' } } });
  const started = await fleet.call([...start, '--note', 'look closer']);
  t.is(started.code, 0, started.err);
  t.regex(
    started.out,
    /^1\. canaries: north-2\n2\. all: north-1\nchanges for all of them:\n {2}\+ log\.level: "debug"/,
  );
  const { plan } = fleet;
  t.like(plan, { successThreshold: 0.9, errorThreshold: 0.1, deadlineMinutes: 60, note: 'look closer' });
  t.deepEqual(
    plan?.groups.map(({ units }) => units),
    [['north-2'], ['north-1']],
  );
  t.deepEqual(
    plan?.documents.map((one) => [one.version, signedBy(fleet, one)]),
    [
      [1, 'signed'],
      [1, 'signed'],
    ],
  );
  t.deepEqual(
    plan?.rollbacks?.map((one) => [one.version, signedBy(fleet, one), one.settings]),
    [
      [2, 'signed', {}],
      [2, 'signed', {}],
    ],
  );
  const id = plan?.id ?? '';
  t.regex((await fleet.call(['rollout', 'list'])).out, /act-\d+ +waiting +0\/2/);
  t.regex((await fleet.call(['rollout', 'show', id])).out, /canaries {2}north-2 {8}1 {2}waiting/);
  t.regex((await fleet.call(['rollout', 'pause', id, '--reason', 'lunch'])).out, /is paused/);
  t.regex((await fleet.call(['rollout', 'resume', id, '--reason', 'back'])).out, /is running/);
  t.is((await fleet.call(['rollout', 'abort', id, '--reason', 'x', '--restore'])).code, 2, 'nobody can be asked');
  const abort = await fleet.call(['rollout', 'abort', id, '--reason', 'x', '--restore'], { answers: ['y'] });
  t.regex(abort.out, /is aborted, and gives back what was before/);
  t.is(JSON.parse((await fleet.call(['rollout', 'show', id, '--json'])).out).state, 'aborted');
  for (const [words, ...args] of [
    [/say who goes when/, 'start', '--yes'],
    [/is no group/, 'start', '--group', 'canaries', '--yes'],
    [/never heard of south-9/, 'start', '--group', 'a=south-9', '--yes'],
    [/north-1 is in the groups twice/, 'start', '--group', 'a=north-1', '--group', 'b=north-1', '--yes'],
    [/more than one group is rest/, 'start', '--group', 'a=rest', '--group', 'b=rest', '--yes'],
    [/the deadline of 5 minutes is no later/, 'start', '--group', 'a=rest', '--deadline', '5', '--yes'],
    [/It is no number from 0 to 100/, 'start', '--group', 'a=rest', '--success', '120%'],
    [/there is no rollout nothing/, 'show', 'nothing'],
    [/required option '--reason/, 'pause', id],
  ] as const) {
    const wrong = await fleet.call(['rollout', ...args]);
    t.is(wrong.code, 2, args.join(' '));
    t.regex(wrong.err, words);
  }
  await writeFile(fleet.at('groups.yaml'), 'groups: [{name: one, units: [north-1]}, {name: others, units: rest}]\n');
  t.is(
    (await fleet.call(['rollout', 'start', '--groups', fleet.at('groups.yaml'), '--no-rollbacks', '--yes', '--json']))
      .code,
    0,
  );
  t.deepEqual(
    fleet.plan?.groups.map(({ name }) => name),
    ['one', 'others'],
  );
  t.deepEqual(fleet.plan?.rollbacks, []);
});

test('commands: signed, expiring, answered', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const sent = await fleet.call(['command', 'log-level', 'north-1', '--level', 'debug', '--minutes', '10']);
  t.is(sent.code, 0, sent.err);
  const [command] = fleet.commands;
  t.like(command, {
    unit: 'north-1',
    name: 'log-level',
    arguments: { level: 'debug', minutes: 10 },
    expires: '2026-03-01T12:15:00.000Z',
  });
  t.is(signedBy(fleet, command), 'signed');
  const tested = await fleet.call(['command', 'self-test', 'north-1', 'north-2', '--wait', '3']);
  t.is(tested.code, 1, 'one of them has not answered');
  t.regex(
    tested.out,
    /north-1 {2}done {6}self-test: 3 checks\n.*\n.*\n.*\n.*\nnorth-1 {2}good {6}camera: .*\nnorth-2 {2}open {6}the unit has not answered yet; look later: npx atalaya-fleet\n +command reply north-2/,
  );
  t.regex((await fleet.call(['command', 'reply', 'north-1', command?.id ?? ''])).out, /north-1 {2}done/);
  t.is((await fleet.call(['command', 'diagnostics', 'north-1', '--minutes', '5', '--every', '2', '--json'])).code, 0);
  t.is((await fleet.call(['command', 'reboot', 'north-1', '--reason', 'stuck'])).code, 2, 'nobody can be asked');
  t.is((await fleet.call(['command', 'reboot', 'north-1', '--reason', 'stuck', '--yes'])).code, 0);
  t.is((await fleet.call(['command', 'reboot', 'north-1', '--reason', 'stuck'], { answers: [''] })).code, 1);
  const shot = await fleet.call(['command', 'snapshot', 'north-1', '--out', fleet.at('pictures'), '--json']);
  t.is(shot.code, 0, shot.err);
  const { file } = JSON.parse(shot.out).answered[0].reply.result;
  t.is(await readFile(file, 'utf8'), 'a picture');
  for (const args of [
    ['self-test'],
    ['log-level', 'north-1'],
    ['log-level', 'north-1', '--level', 'loud'],
    ['diagnostics', 'north-1', '--minutes', '500'],
    ['snapshot', 'north-1', '--width', '12'],
    ['reply', 'north-1', 'x'],
  ])
    t.is((await fleet.call(['command', ...args])).code, 2, args.join(' '));
});

test('evidence: pulled, held against the record, not fetched twice', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const listed = async () => (await fleet.call(['evidence', 'list', 'north-1'])).out;
  t.regex(await listed(), /north-1-7 .* 0 of 3\n/);
  const pull = ['evidence', 'pull', 'north-1', 'north-1-7', '--out', fleet.at('out')];
  const pulled = await fleet.call(pull);
  t.is(pulled.code, 0, pulled.err);
  t.regex(pulled.out, /^north-1-7: 3 of 3 files, and its signed record, in \//);
  t.regex(pulled.err, /Check it without this program, .* openssl and sha256sum/);
  t.like(fleet.commands.at(-1), { name: 'evidence-pull', arguments: { evidence: ['north-1-7'], hours: 72 } });
  t.is(await readFile(fleet.at('out/north-1-7/files/context.jpg.age'), 'utf8'), 'age-header-1body one');
  t.is(await readFile(fleet.at('out/north-1-7/files/clip.mjpeg.age'), 'utf8'), 'age-header-2body two');
  t.regex(await readFile(fleet.at('out/north-1-7/record.json'), 'utf8'), /^\{"files":/, 'canonical, as it was signed');
  t.regex(await listed(), /north-1-7 .* 3 of 3\n/, 'the list counts what the pull counts');
  const before = fleet.requests.length;
  t.is((await fleet.call(pull)).code, 0);
  t.deepEqual(
    fleet.requests.slice(before).map(({ name }) => name),
    ['evidence', 'evidence'],
    'all of it is there',
  );
  await writeFile(fleet.at('out/north-1-7/record.json'), 'other');
  const other = await fleet.call(pull);
  t.is(other.code, 1);
  t.regex(other.err, /blob-mismatch: record\.json of north-1-7 is not what the record names/);
  fleet.instead = ({ name, parameters: { file } }) =>
    name === 'evidenceFile' && file === 'clip.mjpeg' ? { content: ['forged'] } : undefined;
  const forged = await fleet.call([...pull.slice(0, -1), fleet.at('two')]);
  t.regex(forged.err, /blob-mismatch: clip\.mjpeg/);
  await t.throwsAsync(stat(fleet.at('two/north-1-7/files/clip.mjpeg.age')), { code: 'ENOENT' });
  fleet.instead = () => undefined;
  const one = await fleet.call([...pull.slice(0, -1), fleet.at('three'), '--file', 'context.jpg', '--json']);
  t.deepEqual(JSON.parse(one.out).evidence[0].files, ['record.json', 'record.sig', 'keys', 'files/context.jpg.age']);
  const two = await fleet.call([...pull.slice(0, -1), fleet.at('five'), '--file', 'context.jpg']);
  t.regex(two.out, /north-1-7: 2 of 2 files, and its signed record/);
  const sent = fleet.commands.length;
  fleet.instead = ({ name }) =>
    name === 'evidence' ? { json: { unit: 'north-1', evidence: 'north-1-7', entry: unsealed, files: [] } } : undefined;
  const bare = await fleet.call([...pull.slice(0, -1), fleet.at('four'), '--json']);
  t.deepEqual(JSON.parse(bare.out).evidence[0].files, ['record.json', 'record.sig'], 'a record that seals nothing');
  t.is(fleet.commands.length, sent);
  fleet.instead = () => undefined;
  t.is((await fleet.call([...pull, '--file', 'none.jpg', '--wait', '5'])).code, 1);
  t.is((await fleet.call(pull.slice(0, -2))).code, 2, 'no folder');
  t.is((await fleet.call(['evidence', 'pull', 'north-1', '../x', '--out', fleet.at('out')])).code, 2);
  fleet.instead = ({ name }) =>
    name === 'evidence' ? { json: { unit: 'north-2', evidence: 'north-2-1', files: [] } } : undefined;
  const silent = await fleet.call([
    'evidence',
    'pull',
    'north-2',
    'north-2-1',
    '--out',
    fleet.at('out'),
    '--wait',
    '3',
    '--file',
    'other.jpg',
  ]);
  t.is(silent.code, 1);
  t.regex(silent.out, /the unit has not answered yet; look later/);
});

const unsealed = {
  record: { schema: 'atalaya/evidence/3', id: 'north-1-7', unit: 'north-1', sequence: 7, files: [], sealing: null },
  signature: 'eA==',
};
