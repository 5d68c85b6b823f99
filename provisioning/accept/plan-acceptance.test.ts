import test from 'ava';
import fc from 'fast-check';
import { selfTestChecks } from '../../device/selftest/contract/self-test-report.ts';
import { judgeAcceptance } from './judge-acceptance.ts';
import {
  beginning,
  isExpired,
  type Means,
  nextStep,
  type Progress,
  type Step,
  withoutFaulty,
} from './plan-acceptance.ts';
import { someProof } from './testing/fake-unit.ts';
import { beacon, door, found, madeReport, spare, testedAt } from './testing/made-test.ts';

const key = 'f'.repeat(64);
const all: Means = { centre: true, person: true, report: false, picture: false, lines: true };
const blank = beginning('north-1', key, testedAt);

/** What becomes of a step where everything goes well, but for `luck`, which says so of each in turn. */
function taken(step: Step, now: Progress, luck: (step: Step) => boolean): Progress {
  const good = luck(step);
  switch (step.kind) {
    case 'test':
      return { ...now, tested: testedAt, clockAheadS: 0.4, test: madeReport(good ? [] : [found('camera', 'failed')]) };
    case 'picture':
      return { ...now, picture: { sha256: '1'.repeat(64), taken: testedAt, good: null } };
    case 'look':
      return { ...now, picture: { sha256: '1'.repeat(64), taken: testedAt, good } };
    case 'pulse':
    case 'watch': {
      const trial = { name: step.line.name, outcome: good ? 'works' : 'stuck', says: 'tried', at: testedAt } as const;
      return { ...now, lines: [...now.lines.filter(({ name }) => name !== trial.name), trial] };
    }
    case 'seal': {
      const doubts = good ? [] : [found('wear', 'doubtful', 'it is worn')];
      return { ...now, test: madeReport(doubts, { evidence: { sequence: 3, id: 'x' } }) };
    }
    case 'prove':
      return { ...now, evidence: good ? someProof : { ...someProof, outcome: 'failed' } };
    case 'mend':
      return good ? withoutFaulty(now, step.faults) : { ...now, givenUp: true };
    case 'answer':
      return good
        ? { ...now, doubts: [...now.doubts, { ...step.doubt, answer: 'it is new' }] }
        : { ...now, givenUp: true };
    case 'decide':
      return good ? { ...now, decided: true } : { ...now, refusal: 'no' };
    case 'conclude':
      return now;
  }
}

function walk(from: Progress, means: Means, luck: (step: Step) => boolean): { steps: string[]; last: Progress } {
  const steps: string[] = [];
  let now = from;
  for (let i = 0; i < 500; i += 1) {
    const step = nextStep(now, means);
    if (step.kind === 'conclude') return { steps, last: now };
    steps.push('line' in step ? `${step.kind} ${step.line.name}` : step.kind);
    now = taken(step, now, luck);
  }
  throw new Error(`it never ends: ${steps.slice(-8).join(', ')}`);
}

const outcomeOf = (now: Progress) => (now.test === null ? 'none' : judgeAcceptance({ ...now, test: now.test }).outcome);

test('all goes well: every step once, in the order in which a person works, and it is accepted', (t) => {
  const { steps, last } = walk(blank, all, () => true);
  t.deepEqual(steps, ['test', 'picture', 'look', 'watch door', 'pulse beacon', 'seal', 'prove', 'decide']);
  t.is(outcomeOf(last), 'accepted');
});

test('with what is missing nobody is asked about it, and it is never accepted', (t) => {
  for (const [means, asked] of [
    [{ ...all, person: false }, ['test', 'picture', 'seal', 'prove']],
    [{ ...all, lines: false }, ['test', 'picture', 'look', 'seal', 'prove']],
    [{ ...all, centre: false, report: true, picture: true }, ['test', 'picture', 'look']],
    [{ ...all, centre: false, report: true, person: false }, ['test']],
  ] as const) {
    const { steps, last } = walk(blank, means, () => true);
    t.deepEqual(steps, [...asked], JSON.stringify(means));
    t.is(outcomeOf(last), 'incomplete');
  }
  t.deepEqual(nextStep(blank, { ...all, centre: false }), { kind: 'conclude' });
});

test('property: whatever happens it ends; accepted only where all that is needed was tried, seen, proven and decided', (t) => {
  const means = fc.record({
    centre: fc.boolean(),
    person: fc.boolean(),
    report: fc.boolean(),
    picture: fc.boolean(),
    lines: fc.boolean(),
  });
  fc.assert(
    fc.property(means, fc.array(fc.boolean(), { maxLength: 60 }), (given, luck) => {
      const rest = [...luck];
      const { last } = walk(blank, given, () => rest.shift() ?? true);
      const outcome = outcomeOf(last);
      if (outcome !== 'accepted' && outcome !== 'accepted-with-doubts') return;
      t.true(last.decided && last.picture?.good === true && last.evidence?.outcome === 'proven');
      t.deepEqual(last.lines.map(({ name, outcome: one }) => [name, one]).sort(), [
        ['beacon', 'works'],
        ['door', 'works'],
      ]);
      t.true(last.doubts.every(({ answer }) => answer !== null));
      t.false(last.test?.findings.some((one) => one.outcome === 'failed'));
    }),
    { numRuns: 400 },
  );
});

test('property: who is interrupted after any step goes on as if nothing had been', (t) => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30 }), fc.nat(30), (luck, cut) => {
      const [one, other] = [[...luck], [...luck]];
      const whole = walk(blank, all, () => one.shift() ?? true);
      let now = blank;
      for (let i = 0; i < cut; i += 1) {
        const step = nextStep(now, all);
        if (step.kind === 'conclude') break;
        now = taken(step, now, () => other.shift() ?? true);
      }
      const thawed = JSON.parse(JSON.stringify(now)) as Progress;
      t.deepEqual(walk(thawed, all, () => other.shift() ?? true).last, whole.last);
    }),
    { numRuns: 100 },
  );
});

test('each fault refuses, and names what is tried again once it is mended', (t) => {
  const { last } = walk(blank, all, () => true);
  const stuck = {
    ...last,
    lines: last.lines.map((one) => (one.name === 'door' ? { ...one, outcome: 'stuck' as const } : one)),
  };
  for (const [faulty, part, again] of [
    [{ ...last, test: madeReport([found('camera', 'failed', 'it is covered')]) }, 'test', 'test'],
    [stuck, 'line', 'watch'],
    [{ ...last, picture: { sha256: '1'.repeat(64), taken: testedAt, good: false } }, 'picture', 'picture'],
    [{ ...last, evidence: { ...someProof, outcome: 'failed' as const } }, 'evidence', 'test'],
  ] as const) {
    t.is(outcomeOf(faulty), 'refused');
    const step = nextStep(faulty, all);
    if (step.kind !== 'mend') return t.fail(step.kind);
    t.is(step.faults[0]?.part, part);
    t.is(nextStep(withoutFaulty(faulty, step.faults), all).kind, again);
    t.is(nextStep({ ...faulty, givenUp: true }, all).kind, 'conclude');
  }
  t.is(outcomeOf({ ...last, refusal: 'the mast sways' }), 'refused');
});

test('doubts: each is answered for, and what was not tried is told', (t) => {
  const { last } = walk(blank, all, () => true);
  const at = (report: Progress['test'], more: Partial<Progress> = {}) =>
    judgeAcceptance({ ...last, ...more, test: report ?? madeReport() });
  for (const check of selfTestChecks) {
    const worn = at(madeReport([found(check, 'doubtful', 'somebody should look')]));
    t.is(worn.outcome, 'incomplete');
    t.deepEqual(worn.doubts, [{ about: check, says: 'somebody should look', answer: null }]);
    const answered = at(madeReport([found(check, 'doubtful', 'somebody should look')]), {
      doubts: [{ about: check, says: 'somebody should look', answer: 'it was looked at' }],
    });
    t.is(answered.outcome, 'accepted-with-doubts');
  }
  // An answer counts for what it was given to, and for nothing that was found later.
  const later = at(madeReport([found('wear', 'doubtful', '60 % of its life is used')]), {
    doubts: [{ about: 'wear', says: '40 % of its life is used', answer: 'it will do' }],
  });
  t.is(later.outcome, 'incomplete');
  t.regex(
    at(madeReport([found('focus', 'not-tested', 'it is dark')])).missing[0] ?? '',
    /focus was not tested: it is dark/,
  );
  t.regex(at(madeReport([found('temperature', 'not-tested', 'no sensor')])).doubts[0]?.says ?? '', /no sensor/);
  t.regex(at(null, { clockAheadS: -300 }).doubts[0]?.says ?? '', /300 s behind this laptop's/);
  t.deepEqual(at(null, { lines: [] }).missing.length, 2);
  const wireless = madeReport([found('lines', 'not-tested', 'there are no wires')], { lines: [] });
  t.regex(at(wireless, { lines: [] }).doubts[0]?.says ?? '', /lines was not tested: there are no wires/);
  t.is(
    at(madeReport([], { lines: [spare] }), { lines: [] }).outcome,
    'accepted',
    'of what nothing uses nobody has to try anything',
  );
  t.deepEqual([door.direction, beacon.direction], ['input', 'output']);
});

test('a test counts for some hours', (t) => {
  t.false(isExpired(0, 240 * 60_000));
  t.true(isExpired(0, 240 * 60_000 + 1));
});
