import test from 'ava';
import { madeTargets } from '../../simulate/made-director.ts';
import { StubFleet } from './testing/stub-fleet.ts';

const start = async (t: { teardown: (fn: () => unknown) => void }): Promise<StubFleet> => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  fleet.targets = madeTargets();
  return fleet;
};
const target = 'unit-1.1.0-r2-x64.tar.zst';
const update = ['rollout', 'start', '--update', target, '--group', 'canary=north-2', '--group', 'all=rest'];

test('the published targets, and none where this centre gives none', async (t) => {
  const fleet = await start(t);
  const listed = (await fleet.call(['updates', 'list'], { columns: 120 })).out;
  t.regex(listed, /unit-1\.1\.0-r2-x64\.tar\.zst +program unit +1\.1\.0 +2 +x64 +62 MB/);
  fleet.targets = undefined;
  t.regex((await fleet.call(['updates', 'list'])).out, /This bridge gives no updates/);
  const none = await fleet.call([...update, '--yes']);
  t.is(none.code, 2);
  t.regex(none.err, /this bridge gives no updates\n.*updates\.repository/s);
});

test('an update for groups: what is asked for is what the plan says', async (t) => {
  const fleet = await start(t);
  const asked = await fleet.call(update, { answers: ['n'] });
  t.deepEqual(asked.asked, ['Start the update of 2 units? [y/N] ']);
  t.is(fleet.plan, undefined);
  const more =
    '--hold 5 --trial 40 --starts 2 --window 01:30-05:00 --window 22:00-23:00 --spread 30 --rate 20 --daily 50';
  const quality = '--quality sealed=0.9 --quality plateReads=0.8 --quality-minutes 60 --quality-against week-before';
  const rest = '--within 7 --most 1 --errors 0.1 --note new --not-before 2026-03-02T00:00:00Z --yes';
  const done = await fleet.call([...update, ...`${more} ${quality} ${rest}`.split(' ')]);
  t.is(done.code, 0, done.err);
  t.regex(done.out, /1\. canary: north-2\n2\. all: north-1\nupdate to unit-1\.1\.0/);
  t.like(fleet.plan, {
    note: 'new',
    errorThreshold: 0.1,
    deadlineMinutes: 1470,
    mostAtOnce: 1,
    notBefore: '2026-03-02T00:00:00.000Z',
    update: {
      targets: [target],
      expires: '2026-03-08T12:00:00.000Z',
      trial: { holdSeconds: 300, deadlineSeconds: 2400, starts: 2 },
      windows: [
        { from: '01:30', to: '05:00' },
        { from: '22:00', to: '23:00' },
      ],
      spreadSeconds: 1800,
      bytesPerSecond: 20_000,
      bytesPerDay: 50e6,
      quality: { minutes: 60, against: 'week-before', sealed: 0.9, plateReads: 0.8 },
    },
  });
  t.is(fleet.plan?.documents, undefined);
});

test('a scene is of one camera: each unit of a rollout gets its own, and none is left over', async (t) => {
  const fleet = await start(t);
  const [one] = fleet.targets ?? [];
  if (one === undefined) return t.fail();
  const names = [1, 2].map((number) => `scene-north-${number}-2-r2-any.tar.zst`);
  fleet.targets = names.map((target, i) => ({
    ...one,
    target,
    description: { ...one.description, kind: 'scene', name: `scene-north-${i + 1}`, unit: `north-${i + 1}` },
  }));
  const [first = '', second = ''] = names;
  const give = (group: string, ...targets: readonly string[]) =>
    fleet.call([
      ...['rollout', 'start', '--yes', '--group', `all=${group}`],
      ...targets.flatMap((target) => ['--update', target]),
    ]);
  const wide = await give('north-1,north-2', second);
  t.is(wide.code, 2);
  t.regex(wide.err, /none of scene-north-2-2-r2-any\.tar\.zst is for north-1/);
  const left = await give('north-2', first, second);
  t.is(left.code, 2);
  t.regex(left.err, /scene-north-1-2-r2-any\.tar\.zst is the scene of north-1, which is in no group/);
  t.is((await give('north-1,north-2', first, second)).code, 0);
});

test('what cannot be meant is refused before anything is asked of the centre', async (t) => {
  const fleet = await start(t);
  for (const [words, line] of [
    [/deadline of 60 minutes is no later than the end of a trial/, '--deadline 60'],
    [/a trial of 10 minutes is over before it has held/, '--hold 10 --trial 10'],
    [/no window such as 01:30-05:00/, '--window 25:00-26:00'],
    [/none of frames, detections, sealed, plateReads/, '--quality speed=1'],
    [/no number from 0\.01 to 2/, '--quality sealed'],
    [/none of just-before, day-before, week-before/, '--quality-against yesterday'],
    [/exclude each other/, '--settings x.yaml'],
    [/nothing-1\.0 is not published/, '--update nothing-1.0'],
  ] as const) {
    const wrong = await fleet.call([...update, ...line.split(' '), '--yes']);
    t.is(wrong.code, 2, line);
    t.regex(wrong.err, words, line);
  }
  t.is((await fleet.call(['rollout', 'start', '--update', target, '--yes'])).code, 2, 'nobody is named');
  t.is(fleet.plan, undefined);
});

test('a rollout of an update is shown and steered as any other, and given back by no flag', async (t) => {
  const fleet = await start(t);
  await fleet.call([...update, '--yes']);
  const [id] = [...fleet.rollouts.keys()];
  if (id === undefined) return t.fail();
  const before = fleet.rollouts.get(id);
  if (before === undefined) return t.fail();
  const measure = {
    before: 300,
    after: 150,
    bar: 0.9,
    verdict: 'dropped',
    words: 'sealed: 150 against 300 expected',
  } as const;
  const quality = {
    verdict: 'dropped',
    at: '2026-03-01T12:00:00Z',
    units: 1,
    measures: [{ ...measure, measure: 'sealed' }],
  } as const;
  const groups = before.groups.map((group, i) => ({
    ...group,
    ...(i === 0 ? { quality: { ...quality, measures: [...quality.measures] } } : {}),
    units: group.units.map((one) => ({ ...one, state: 'released' as const, releasedAt: '2026-03-01T11:00:00Z' })),
  }));
  fleet.rollouts.set(id, { ...before, groups });
  const progress = { done: 45, total: 100 };
  fleet.brief = {
    update: { job: 'u1', about: 'u1', step: 'downloading', status: 'IN_PROGRESS', progress, version: '1.0.0' },
  };
  const shown = (await fleet.call(['rollout', 'show', id])).out;
  t.regex(shown, /north-1 {2}downloading 45 % {2}released/);
  t.regex(shown, /work of 1 unit of canary: dropped\n {2}sealed: 150 against 300 expected/);
  t.regex((await fleet.call(['rollout', 'list'])).out, /update to unit-1\.1\.0-r2-x64/);
  t.regex((await fleet.call(['status'])).out, /1\.0\.0 \(not proven\);/);
  const restore = await fleet.call(['rollout', 'abort', id, '--reason', 'x', '--restore', '--yes']);
  t.is(restore.code, 2);
  t.regex(restore.err, /taken back from units that have not switched/);
  t.regex(
    (await fleet.call(['rollout', 'pause', id, '--reason', 'x'])).out,
    /is paused: nothing more is released until it is resumed: npx/,
  );
  const abort = await fleet.call(['rollout', 'abort', id, '--reason', 'x'], { answers: ['y'] });
  t.regex(abort.asked.join(), /units that have not switched are to give it up/);
  t.regex(abort.out, /is aborted/);
});

test('what nobody could judge is said in the headline, and so is what is waited for', async (t) => {
  const fleet = await start(t);
  const short = await fleet.call([...update, '--quality', 'sealed=0.9', '--quality-minutes', '2', '--yes']);
  t.regex(short.err, /work of canary \(1 unit\) cannot be judged in 2 minutes.*--quality-minutes 7 or more/s);
  const enough = await fleet.call([...update, '--quality', 'sealed=0.9', '--quality-minutes', '7', '--yes']);
  t.notRegex(enough.err, /cannot be judged/);
  const [id] = [...fleet.rollouts.keys()];
  const before = fleet.rollouts.get(id ?? '');
  if (id === undefined || before === undefined) return t.fail();
  const at = '2026-03-01T12:00:00.000Z';
  const confirmed = { state: 'confirmed', releasedAt: at, settledAt: at } as const;
  const [canary, all] = before.groups.map((group) => ({
    ...group,
    units: group.units.map((one) => ({ ...one, ...confirmed })),
  }));
  if (canary === undefined || all === undefined) return t.fail();
  fleet.rollouts.set(id, { ...before, state: 'running', groups: [canary, before.groups[1] ?? all] });
  const waits = /waits for the work of canary until 12:04 UTC/;
  t.regex((await fleet.call(['rollout', 'show', id])).out, waits);
  t.regex((await fleet.call(['rollout', 'list'])).out, waits);
  const quality = { verdict: 'not-judged', at, units: 0, measures: [] } as const;
  const judged = [canary, all].map((group) => ({ ...group, succeededAt: at, quality: { ...quality, measures: [] } }));
  const reason = '2 of 2 units confirmed';
  fleet.rollouts.set(id, { ...before, state: 'done', reason, groups: judged });
  const done = /done \(2 of 2 units confirmed; their work was NOT judged\)/;
  t.regex((await fleet.call(['rollout', 'show', id])).out, done);
  t.regex((await fleet.call(['rollout', 'list'])).out, /their work was NOT judged/);
  fleet.rollouts.set(id, { ...before, state: 'done', reason, groups: judged.map((one, i) => (i === 0 ? one : all)) });
  t.regex((await fleet.call(['rollout', 'show', id])).out, /; the work of canary was NOT judged\)/);
});

test('times of a trial take a unit, and what is waited for is said', async (t) => {
  const fleet = await start(t);
  const times = ['--hold', '20s', '--trial', '2h', '--spread', '5m', '--not-before', '2026-03-02T00:00:00Z'];
  const started = await fleet.call([...update, ...times, '--yes']);
  t.like(fleet.plan?.update, { trial: { holdSeconds: 20, deadlineSeconds: 7200 }, spreadSeconds: 300 });
  t.regex((await fleet.call([...update, '--yes'])).out, /is waiting for the next look of the centre/);
  t.regex(started.out, /is waiting, begins at 2026-03-02 00:00 UTC/);
  t.is(fleet.plan?.update?.trial?.holdSeconds, 600);
  for (const wrong of ['1d', '5s', 's', '-1', '1441', '']) {
    const refused = await fleet.call([...update, '--hold', wrong, '--yes']);
    t.is(refused.code, 2, wrong);
    t.regex(refused.err, /no time from 0\.1 to 1440 minutes, as 10, 20s, 10m or 2h/, wrong);
  }
});

test('the name of a target is never broken', async (t) => {
  const fleet = await start(t);
  const { out } = await fleet.call(['updates', 'list'], { columns: 60 });
  for (const { target: name } of madeTargets()) t.true(out.split('\n').includes(name), name);
});

test('what a unit runs, its update and those before', async (t) => {
  const fleet = await start(t);
  t.regex((await fleet.call(['updates', 'show', 'north-1'])).out, /never given an update.*rollout start --update/s);
  const at = '2026-03-01T11:00:00.000Z';
  const job = { id: 'u000002-0a0a0a0a', install: [target], issued: at, expires: at };
  const became = { status: 'FAILED', step: 'rolled-back', at, reasons: ['frames-unseen: no frame was seen'] };
  const part = { kind: 'program', name: 'unit', version: '1.0.0', release: 1 };
  const report = { at, slot: 'b', trial: true, parts: [part], refused: [{ at, reason: 'target-hash: is another' }] };
  fleet.update = {
    newest: { number: 2, job, by: 'Ana', became },
    said: { job: job.id, at, status: 'FAILED', step: 'rolled-back', reasons: became.reasons },
    report: { report, came: at, verdict: 'refused', reason: 'nonce: is not that of the job u000002' },
    history: [
      { number: 2, job, by: 'Ana', became },
      { number: 1, job: { ...job, id: 'u000001-0a0a0a0a', install: [] }, by: 'Eve', refused: 'it has run out' },
      { number: 3, job: { ...job, id: 'u000003-0a0a0a0a' }, by: 'Eve', waits: 'the office has not renewed' },
    ],
  };
  const { out } = await fleet.call(['updates', 'show', 'north-1']);
  for (const words of [
    /slot +b, on trial/,
    /program +unit 1\.0\.0, release 1/,
    /report +2026-03-01 11:00:00, nonce: is not that/,
    /refused +2026-03-01 11:00:00 target-hash: is another/,
    /update +rolled-back \(FAILED\)\n +frames-unseen/,
    /u000002-0a0a0a0a {2}2026-03-01 11:00:00 {2}Ana {2}rolled-back\n {4}unit-1\.1\.0/,
    /u000001-0a0a0a0a {2}2026-03-01 11:00:00 {2}Eve {2}not signed\n {4}takes back what was given\n {4}it has run out/,
    /u000003-0a0a0a0a {2}2026-03-01 11:00:00 {2}Eve {2}not signed yet\n {4}unit-1\.1\.0.*\n {4}the office has not renewed/,
  ])
    t.regex(out, words);
  t.is((await fleet.call(['updates', 'show', 'north-1', '--json'])).code, 0);
  t.is((await fleet.call(['updates', 'show', 'north-9'])).code, 2);
});
