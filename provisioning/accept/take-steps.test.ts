import test from 'ava';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { beginning, type Progress } from './plan-acceptance.ts';
import { type AcceptanceTools, takeSteps } from './take-steps.ts';
import { FakeUnit, someProof } from './testing/fake-unit.ts';
import { found, madeReport, testedAt } from './testing/made-test.ts';

const key = 'f'.repeat(64);
const blank = beginning('north-1', key, testedAt);

/** A person who types in turn, and a unit; nothing waits for real time. */
function bench(types: readonly string[], more: Partial<AcceptanceTools> = {}) {
  const clock = new ManualClock(Date.parse(testedAt));
  const [unit, asked, said, kept] = [new FakeUnit(), [] as string[], [] as string[], [] as Progress[]];
  const left = [...types];
  const pictures: Buffer[] = [];
  const tools: AcceptanceTools = {
    unit,
    asks: async (question) => {
      asked.push(question);
      return left.shift() ?? '';
    },
    ...{ lines: true, clock, signal: new AbortController().signal, lineWaitS: 5, picturePath: '/out/picture.jpg' },
    timer: {
      sleep: async (time) => {
        await clock.advance(milliseconds(time));
      },
    },
    keepPicture: async (content) => void pictures.push(content),
    keep: async (now) => void kept.push(now),
    say: (text) => void said.push(text),
    remedy: (code) => (code === 'camera-trouble' ? 'Take the cap off.' : undefined),
    ...more,
  };
  return { clock, unit, tools, asked, said, kept, left, pictures };
}

test('a person at the pole: each line by hand, each step kept', async (t) => {
  const { unit, tools, asked, said, kept, pictures } = bench(['y', 'y', 'y']);
  unit.doorAfter = 4;
  const done = await takeSteps(blank, tools);
  t.deepEqual(unit.asked, [...['test', 'snapshot', 'test', 'test', 'test', 'test', 'pulse beacon', 'seal', 'prove']]);
  t.deepEqual(
    done.lines.map(({ name, outcome }) => [name, outcome]),
    [
      ['door', 'works'],
      ['beacon', 'works'],
    ],
  );
  t.regex(asked.join('\n'), /sharp[\s\S]*Did beacon \(beacon\) go on and off[\s\S]*Do you accept north-1\?/);
  t.regex(said.join('\n'), /Look at the picture: \/out\/picture.jpg[\s\S]*Open the door now \(door\)/);
  t.true(done.decided);
  t.is(kept.length, 8, 'once for each step');
  t.deepEqual(kept.at(-1), done);
  t.is(pictures.length, 1);
});

test('a line that is stuck: told in time, tried again once it is mended, or refused', async (t) => {
  const mended = bench(['y', 'y', 'y', 'y']);
  mended.unit.doorAfter = 12;
  const done = await takeSteps(blank, mended.tools);
  t.is(done.lines.find(({ name }) => name === 'door')?.outcome, 'works');
  t.regex(mended.said.join('\n'), /FAULT {2}line door: it did not change within 5 s/);
  const refused = bench(['y', 'n']);
  refused.unit.doorAfter = undefined;
  const given = await takeSteps(blank, refused.tools);
  t.like(given.lines[0], { name: 'door', outcome: 'stuck' });
  t.true(given.givenUp);
  t.false(refused.unit.asked.includes('pulse beacon'), 'nothing is tried behind a fault');
  const dark = bench(['y', 'n', 'n']);
  t.like((await takeSteps(blank, dark.tools)).lines, [{ name: 'door' }, { name: 'beacon', outcome: 'stuck' }]);
});

test('a covered camera: the remedy is told, and the test made again', async (t) => {
  const { unit, tools, said } = bench(['y', 'y', 'y', 'y']);
  unit.report = (count) => madeReport(count === 0 ? [found('camera', 'failed', 'the picture is black')] : []);
  unit.doorAfter = 3;
  const done = await takeSteps(blank, tools);
  t.true(done.decided);
  t.regex(said.join('\n'), /FAULT {2}camera: the picture is black\n {7}Take the cap off\./);
  t.deepEqual(unit.asked.slice(0, 3), ['test', 'test', 'snapshot']);
  const lines = said.filter((one) => one.startsWith('  '));
  t.is(lines.filter((one) => one.includes('detector:')).length, 1, 'what has not changed is shown once');
  t.deepEqual(lines.slice(13), [
    '  passed     camera: all is well',
    '  the rest as before (12)',
    '  door changed.',
    '  all as before (13)',
  ]);
});

test('interrupted at any question to the unit: what was done is kept, and the same call goes on', async (t) => {
  for (let at = 0; at < 9; at += 1) {
    const { unit, tools, kept } = bench(['y', 'y', 'y', 'y', 'y', 'y']);
    unit.faults.set(at, new AtalayaError('deadline-exceeded', 'it is silent'));
    const first = await takeSteps(blank, tools).then(
      () => undefined,
      (error: unknown) => error,
    );
    const before = unit.asked.length;
    t.true(first instanceof AtalayaError || at >= before, `question ${at}`);
    const done = await takeSteps(kept.at(-1) ?? blank, tools);
    t.true(done.decided);
    t.is(unit.asked.filter((one) => one === 'snapshot').length, at === 1 ? 2 : 1);
  }
});

test('doubts: answered in a sentence, or left open; and a person may refuse what passed', async (t) => {
  const worn = [found('wear', 'doubtful', 'a third is used')];
  const answered = bench(['y', 'y', 'exchanged in May', 'y']);
  answered.unit.report = () => madeReport(worn);
  const done = await takeSteps(blank, answered.tools);
  t.deepEqual(done.doubts, [{ about: 'wear', says: 'a third is used', answer: 'exchanged in May' }]);
  t.regex(answered.asked.at(-1) ?? '', /accept north-1 with one doubt\?/);
  const open = bench(['y', 'y', '']);
  open.unit.report = () => madeReport(worn);
  t.false((await takeSteps(blank, open.tools)).decided);
  const refused = bench(['y', 'y', 'n', 'the mast sways']);
  t.is((await takeSteps(blank, refused.tools)).refusal, 'the mast sways');
  const mute = bench(['y', 'maybe', 'perhaps', '', 'x', 'z']);
  await t.throwsAsync(takeSteps(blank, mute.tools), { code: 'usage-invalid', message: /neither y nor n/ });
});

test('reports that do not count: of another unit, expired, of a time to come; a unit that seals nothing', async (t) => {
  const foreign = bench([]);
  foreign.unit.report = () => madeReport([], { unit: 'south-9' });
  await t.throwsAsync(takeSteps(blank, foreign.tools), { message: /is of the unit south-9, and north-1 is to be/ });
  const withFile = async (report: ReturnType<typeof madeReport>) => {
    const { unit: _, ...tools } = bench([]).tools;
    return await takeSteps(blank, { ...tools, report: async () => report });
  };
  await t.throwsAsync(withFile(madeReport([], { at: '2026-03-01T07:59:59.000Z' })), {
    message: /counts for 4 hours only/,
  });
  await t.throwsAsync(withFile(madeReport([], { at: '2026-03-01T12:05:01.000Z' })), { message: /yet to come/ });
  t.is((await withFile(madeReport())).clockAheadS, null);
  const bare = bench(['y', 'y']);
  bare.unit.selfTest = async () => madeReport([found('evidence', 'doubtful', 'there is no authority')], { lines: [] });
  await t.throwsAsync(takeSteps(blank, bare.tools), {
    code: 'act-refused',
    message: /sealed no test evidence: there is no authority/,
  });
});

test('evidence that does not verify at the centre: another is sealed once it is mended', async (t) => {
  const { unit, tools, said } = bench(['y', 'y', 'y', 'y']);
  unit.proof = { ...someProof, outcome: 'failed', says: 'it has not come' };
  const prove = unit.prove.bind(unit);
  unit.prove = async () => {
    const first = await prove();
    unit.proof = someProof;
    return first;
  };
  t.true((await takeSteps(blank, tools)).decided);
  t.regex(said.join('\n'), /FAULT {2}test evidence: it has not come/);
  t.is(unit.asked.filter((one) => one === 'seal').length, 2);
});
