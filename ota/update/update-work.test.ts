import test from 'ava';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { FolderSlots } from '../slots/folder-slots.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { image, MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, assignFirstOfTwo, releaseOf, settle, slotsOf, trial } from './testing/unit-lives.ts';
import { UpdateHistory } from './update-history.ts';
import { statePath } from './update-state.ts';
import { UpdateWork } from './update-work.ts';

const last = (unit: MadeUnit) => unit.reports.at(-1);

test('a patch that does not fit is passed over for the whole, and that is said in every report from then on', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const [one, two] = [await bundles.bundle({ release: 1 }), await bundles.bundle({ release: 2 })];
  // Damaged before it was signed: what it makes is not the tree that it says.
  const good = await bundles.patch(one, two);
  const bytes = Buffer.from(good.bytes);
  bytes[bytes.byteLength - 100] = (bytes[bytes.byteLength - 100] ?? 0) ^ 0xff;
  const patch = { target: { ...good.target, sha256: sha256(bytes) }, bytes };
  unit.publish(one, two, patch);
  unit.made.assign([one.target], { trial });
  await settle(unit);
  unit.reports.length = 0;
  unit.made.assign([two.target], { trial }, [patch.target]);
  const steps = await settle(unit);
  t.is(await releaseOf(unit), 2);
  t.is(steps.filter((step) => step === 'download').length, 2);
  const reasons = unit.reports.flatMap((report) => (report.step === 'trial' ? report.reasons : []));
  t.true(reasons.length > 0 && reasons.every((reason) => /^patch-.*; the whole is taken/.test(reason)), reasons.join());
  t.true((await UpdateHistory.read(unit.files, root)).some(({ event }) => event === 'fallback'));
});

test('a job that is done is not begun again, nor is one that was rolled back; the ledger learns each outcome', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  unit.good = (number) => number !== 2;
  await settle(unit);
  unit.made.assign([two.target], { trial });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.is(last(unit)?.step, 'rolled-back');
  t.regex(last(unit)?.reasons[0] ?? '', /did not hold .* no frames arrive/);
  t.deepEqual(
    unit.acts.map(({ outcome, program }) => [outcome, program.release]),
    [
      ['trial', 1],
      ['confirmed', 1],
      ['trial', 2],
      ['rolled-back', 1],
    ],
  );
  // Each start says the last word once more: whether it was kept where it was told, nobody here knows.
  const said = last(unit);
  unit.reports.length = 0;
  t.deepEqual(await settle(unit), ['report', 'check', 'idle']);
  t.deepEqual(unit.reports, [said]);
  // Not even where what was remembered is lost: the history remembers.
  await writeWholeFile(unit.files, statePath(root), Buffer.from('{"schema":'));
  t.deepEqual(await settle(unit), ['report', 'check', 'clean', 'idle']);
  t.is(await releaseOf(unit), 1);
  t.deepEqual(last(unit)?.reasons, said?.reasons);
  t.is(unit.acts.length, 4);
  // The director may want it again, by another id.
  unit.good = () => true;
  unit.made.assign([two.target], { trial });
  await settle(unit);
  t.is(await releaseOf(unit), 2);
});

test('what ended beside a unit that did not run comes into the ledger with its next start, once', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  await unit.live('restart');
  await unit.live('test');
  const outcomes = () => unit.acts.map(({ outcome }) => outcome);
  t.deepEqual(outcomes(), ['trial']);
  await new FolderSlots({ files: unit.files, root, image }).rollBack('it reads no plates');
  const { parts } = await unit.parts('image', () => undefined);
  const { act: _, ...alone } = parts;
  const work = await UpdateWork.open(alone);
  const { signal } = new AbortController();
  while ((await work.next(signal, () => undefined)).kind !== 'end');
  t.deepEqual(outcomes(), ['trial'], 'nobody was there who writes it');
  await settle(unit);
  await settle(unit);
  t.deepEqual(outcomes(), ['trial', 'rolled-back']);
  t.like(unit.acts.at(-1), { job: 'job-0001', program: { release: 0 }, reasons: ['it reads no plates'] });
});

test('a newer job takes the place of one that is not switched to; one without targets gives it up', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  await unit.live('download');
  unit.made.assign([two.target], { trial });
  const steps = await settle(unit);
  t.is(await releaseOf(unit), 2);
  t.is(steps.filter((step) => step === 'switch').length, 1);
  t.true(unit.reports.some(({ job, status }) => job === 'job-0001' && status === 'CANCELED'));
  const three = await bundles.bundle({ release: 3 });
  unit.publish(three);
  unit.made.assign([three.target], { trial });
  await unit.live('prepare');
  unit.made.assign([]);
  await settle(unit);
  t.is(await releaseOf(unit), 2);
  t.deepEqual([last(unit)?.job, last(unit)?.step], ['job-0004', 'canceled']);
});

test('the same targets again under another id are done at once; nothing is downloaded', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  await settle(unit);
  unit.made.assign([one.target], { trial });
  t.deepEqual(await settle(unit), ['report', 'check', 'clean', 'end', 'report', 'clean', 'idle']);
  t.deepEqual([last(unit)?.job, last(unit)?.status], ['job-0002', 'SUCCEEDED']);
});

test('a program whose data the one before could not read is refused, and so is a model that needs a newer program', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  const two = await bundles.bundle({ release: 2, data: { writes: 2, reads: [1, 2] } });
  const model = await bundles.bundle({ kind: 'model', release: 1, needsProgram: 5 });
  unit.publish(one, two, model);
  unit.made.assign([one.target], { trial });
  await settle(unit);
  unit.made.assign([two.target], { trial });
  await settle(unit);
  t.regex(last(unit)?.reasons[0] ?? '', /^bundle-unreadable-data: .* writes data of form 2; .* reads 1$/);
  unit.made.assign([model.target], { trial });
  await settle(unit);
  t.regex(last(unit)?.reasons[0] ?? '', /^component-unfit: .* needs release 5 of the program; this is 1$/);
  t.is(await releaseOf(unit), 1);
});

test('without room the job is refused, with the figures; a room that the other slot takes is freed first', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const [one, two, three] = [
    await bundles.bundle({ release: 1 }),
    await bundles.bundle({ release: 2 }),
    await bundles.bundle({ release: 3 }),
  ];
  unit.publish(one, two, three);
  for (const bundle of [one, two]) {
    unit.made.assign([bundle.target], { trial });
    await settle(unit);
  }
  const free = async () => (await unit.files.space(root)).free;
  const used = 2 ** 40 - (await free());
  unit.files.capacity = used + 32 * 2 ** 20 + 50_000;
  unit.made.assign([three.target], { trial });
  const steps = await settle(unit);
  t.is(await releaseOf(unit), 3, steps.join(' '));
  unit.files.capacity = 32 * 2 ** 20;
  unit.made.assign([two.target], { trial });
  const four = await bundles.bundle({ release: 4 });
  unit.publish(four);
  unit.made.assign([four.target], { trial });
  await settle(unit);
  t.regex(
    last(unit)?.reasons[0] ?? '',
    /^no-room: \d+ bytes of download, \d+ of the slot and \d+ beside them are needed, \d+ are free and \d+ in the slot that may be written$/,
  );
  t.is(await releaseOf(unit), 3);
  // To give up the way back would not have made the room.
  t.is((await slotsOf(unit)).others[0]?.record?.parts[0]?.release, 2);
});

test('a link that fails is tried again for as long as it takes', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await bundles.bundle({ release: 2 });
  unit.publish(two);
  unit.made.assign([two.target], { trial });
  unit.failures = 30;
  await settle(unit);
  t.is(unit.failures, 0);
  t.is(await releaseOf(unit), 2);
});

test('a component that the running program could not work with is refused before the switch; one with a program of its own is tried', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  await settle(unit);
  const model = await bundles.bundle({ kind: 'model', release: 1, noise: 5000 });
  const two = await bundles.bundle({ release: 2 });
  unit.publish(model, two);
  const asked: string[] = [];
  unit.change = {
    unfit: async ({ kind }, folder) => {
      asked.push(`${kind} ${folder.split('/').slice(-2).join('/')}`);
      return 'bundle-invalid: it is blind';
    },
  };
  unit.made.assign([one.target, model.target], { trial });
  const steps = await settle(unit);
  t.false(steps.includes('switch'));
  t.like(last(unit), {
    status: 'REJECTED',
    reasons: [
      `component-unfit: model ${model.target.description.name} ${model.target.description.version}: bundle-invalid: it is blind`,
    ],
  });
  t.deepEqual(asked, [`model model/${model.target.description.name}`]);
  unit.made.assign([two.target, model.target], { trial });
  await settle(unit);
  t.is(await releaseOf(unit), 2);
});

test('a board that was slow before is updated all the same, and what it suffers from is told; a slower one is not', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  const slowness = [4, 4, 4.5];
  unit.suffers = (release) => {
    const degree = slowness[release] ?? 0;
    return [{ code: 'detector-slow', says: `${degree} of the bar`, degree, vital: false }];
  };
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.deepEqual(last(unit)?.reasons, ['as before the update: detector-slow: 4 of the bar']);
  t.true(unit.told.some((words) => words.includes('before the switch already: detector-slow')));
  slowness[2] = 7;
  unit.made.assign([two.target], { trial });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.regex(last(unit)?.reasons?.[0] ?? '', /within 60 s: detector-slow: 7 of the bar/);
  // A person goes back to the image, which is as slow.
  await leaveRequest(unit.files, root, { id: '00000001', act: 'roll-back', reason: 'it reads no plates' });
  await settle(unit);
  t.is(await releaseOf(unit), 0);
});

test('a hanging or throwing self-test is not good; a full ledger and a failing report do not hold an update up', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  let tests = 0;
  unit.change = {
    selfTest: async () => {
      tests += 1;
      if (tests < 4) throw new Error('no broker');
      return { troubles: [] };
    },
    act: () => Promise.reject(new Error('the ledger is full')),
  };
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.true(tests > 6);
  t.true(unit.told.some((words) => words.includes('ledger')));
  const read = await readWholeFile(unit.files, statePath(root));
  t.notRegex(read?.toString() ?? '', /"trial"/);
});
