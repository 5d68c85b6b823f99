import test from 'ava';
import fc from 'fast-check';
import { updateJob } from '../contract/job.ts';
import { madeJob, madeNow } from '../trust/testing/made-repositories.ts';
import { planTrial } from './plan-trial.ts';
import { planUpdate } from './plan-update.ts';
import { beginOf } from './spread-begin.ts';
import { takeCheck } from './take-check.ts';
import { facts, fresh, heldJobs, slotA, states } from './testing/made-plans.ts';
import type { UpdateState } from './update-state.ts';
import type { UpdateFacts, UpdateStep } from './update-step.ts';
import { closesAt, isOpen, opensAt } from './windows.ts';

const hour = 3_600_000;

const works: ReadonlySet<UpdateStep['kind']> = new Set([
  'download',
  'prepare',
  'install',
  'carry',
  'complete',
  'switch',
]);

const always = (check: (state: UpdateState, given: UpdateFacts, step: UpdateStep) => boolean) =>
  fc.assert(
    fc.property(states, facts, (state, given) => check(state, given, planUpdate(state, given))),
    { numRuns: 3000 },
  );

test('only a slot is switched to that holds all that the verified job wants, or whose switch was begun', (t) => {
  let switches = 0;
  always(({ job, trial }, { slots: { others } }, step) => {
    if (step.kind !== 'switch') return true;
    switches += 1;
    if (trial !== undefined)
      return (
        step.job === trial.job && others.some(({ slot, record }) => slot === trial.slot && record?.job === trial.job)
      );
    const wanted = job?.install.map(({ description }) => description.tree.sha256) ?? ['?'];
    return (
      step.job === job?.job.id &&
      others.some(
        ({ slot, record }) =>
          slot === step.slot &&
          record?.job === job.job.id &&
          wanted.every((tree) => record.parts.some((part) => part.tree === tree)),
      )
    );
  });
  t.true(switches > 10, String(switches));
});

test('every plan is a step, or a wait with a reason and an end that has not passed', (t) => {
  always((_, { now }, step) => {
    if (step.kind === 'wait') return step.until > now && step.reason !== '';
    return step.kind !== 'idle' || step.until > now;
  });
  t.pass();
});

test('nothing is downloaded, made or switched to outside of the windows of the job and of the unit; a stick is a person in a hurry', (t) => {
  let done = 0;
  always(({ job, trial }, given, step) => {
    if (!works.has(step.kind) || job === undefined || trial !== undefined) return true;
    done += 1;
    const byHand = job.stick !== undefined && !(step.kind === 'download' && step.from === 'link');
    const here = step.kind === 'download' && step.target.length === given.have[step.target.sha256];
    return byHand || (job.stick !== undefined && here) || isOpen([job.job.windows, given.limits.windows], given.now);
  });
  t.true(done > 50, String(done));
});

test('a download over the link takes no more than is left of the day, and ends with the window', (t) => {
  always(({ job, bytes }, { now, limits }, step) => {
    if (step.kind !== 'download' || step.from !== 'link' || job === undefined) return true;
    const used = bytes.day === new Date(now).toISOString().slice(0, 10) ? bytes.bytes : 0;
    const perDay = job.job.bytesPerDay;
    const within = perDay === undefined || step.most === undefined || (step.most > 0 && step.most <= perDay - used);
    const closes = closesAt([job.job.windows, limits.windows], now);
    return within && (job.stick !== undefined || step.until === closes);
  });
  t.pass();
});

test('a job that ran out before it was begun is refused, and one whose clock is not good waits', (t) => {
  always(({ job, trial, litter, ended }, given, step) => {
    if (job === undefined || trial !== undefined || given.slots.trial !== undefined || litter) return true;
    if (given.check !== undefined || given.word !== undefined || ended.some(({ told }) => !told)) return true;
    if (given.leaving || works.has(step.kind)) return !works.has(step.kind) || given.clockGood;
    const over = !job.begun && given.clockGood && given.resume === undefined && given.now > Date.parse(job.job.expires);
    return !over || step.kind === 'end';
  });
  t.pass();
});

test('a job that has ended is never taken again, whoever shows it', (t) => {
  fc.assert(
    fc.property(states, heldJobs, fc.boolean(), (state, { job, install, patches }, stick) => {
      const checked = { kind: 'verified', job, install, patches } as const;
      const taken = takeCheck(state, checked, { at: '2026-03-01T12:00:00Z', stick: stick ? '/media/usb' : undefined });
      const ended = state.ended.some((one) => one.job === job.id);
      return !ended || taken.state.job?.job.id !== job.id;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('a trial is confirmed only by a self-test that has held, or by a person; and it ends', (t) => {
  let confirmed = 0;
  always(({ trial: record }, { trial, word, slots: found, resume, leaving }, step) => {
    if (step.kind === 'confirm') {
      confirmed += 1;
      return word?.kind === 'confirm' || (trial.failing?.length === 0 && trial.heldSeconds >= 60);
    }
    const known = record?.slot === 'b' && record.job === 'job-0001';
    const over = trial.usedSeconds >= 300 && found.trial !== undefined && found.running.slot === 'b' && known;
    return (
      !over ||
      step.kind === 'roll-back' ||
      (step.kind === 'restart' && leaving && resume?.of === 'roll-back') ||
      (step.kind === 'wait' && (resume?.of === 'roll-back' || resume?.of === 'confirm'))
    );
  });
  t.true(confirmed > 10, String(confirmed));
});

test('a fault holds up what failed, and nothing else of a trial: not its end, nor a word about it', (t) => {
  let [held, passed] = [0, 0];
  always((state, given, step) => {
    const { resume } = given;
    if (resume === undefined) return true;
    const ofTrial = planTrial(state, given);
    const holds = ofTrial === undefined || ofTrial.kind === resume.of;
    if (holds) held += 1;
    else passed += 1;
    return holds ? step.kind === 'wait' && step.until === resume.at : step.kind === ofTrial.kind;
  });
  t.true(held > 20 && passed > 20, `${held} ${passed}`);
});

/** The same for plans that come to the files of a job: nothing else is asked for, and the time for it has come. */
const alwaysOnJob = (check: (state: UpdateState, given: UpdateFacts, step: UpdateStep) => boolean) =>
  always(({ job, trial: _, ...rest }, given) => {
    if (job === undefined || job.install.length === 0) return true;
    const bytes = { day: '', bytes: 0 };
    const state = { ...rest, bytes, litter: false, ended: [], job: { ...job, begun: true } };
    const now = Math.max(given.now, madeNow + 100 * hour);
    const idle = { check: undefined, word: undefined, resume: undefined, leaving: false, clockGood: true };
    const missed = given.missed === undefined ? undefined : { ...given.missed, at: now + 9000 };
    const facts: UpdateFacts = {
      ...given,
      ...idle,
      now,
      missed,
      slots: { confirmed: slotA, running: slotA, others: [] },
    };
    return check(state, facts, planUpdate(state, facts));
  });

test('a person goes back where there is a way back, also while a job is at work', (t) => {
  const word = { kind: 'roll-back', reason: 'blurred' } as const;
  alwaysOnJob((state, given) => {
    const back = planUpdate(state, { ...given, word, slots: { ...given.slots, before: 'image' } });
    const none = planUpdate(state, { ...given, word });
    return back.kind === 'go-back' && none.kind === 'decline';
  });
  t.pass();
});

test('the way back is given up only where that makes the room that is needed', (t) => {
  let [cleaned, refused] = [0, 0];
  alwaysOnJob((_, { room, freeable, freed }, step) => {
    if (step.kind === 'end' && step.reasons[0]?.startsWith('no-room') === true && !freed) refused += 1;
    if (step.kind !== 'clean' || !step.free) return true;
    cleaned += 1;
    return !freed && room + freeable >= 32 * 2 ** 20;
  });
  t.true(cleaned > 10 && refused > 10, `${cleaned} ${refused}`);
});

test('a file that the link did not give is not asked for again before its time', (t) => {
  let waits = 0;
  alwaysOnJob((_, { missed, have }, step) => {
    if (step.kind === 'wait' && step.reason.startsWith('target-absent')) waits += 1;
    if (step.kind !== 'download' || step.from !== 'link' || step.target.sha256 !== missed?.sha256) return true;
    return have[missed.sha256] === step.target.length;
  });
  t.true(waits > 10, String(waits));
});

test('a unit begins when its draw says: the same after a restart, even over a fleet, inside the first window', (t) => {
  const job = updateJob.parse(
    madeJob([fresh], 1, madeNow, { spreadSeconds: 86_400, windows: [{ from: '01:00', to: '04:00' }] }),
  );
  const begins = Array.from({ length: 400 }, (_, unit) => beginOf(job, [job.windows], `unit-${unit}`));
  t.true(beginOf(job, [job.windows], 'unit-7') === begins[7]);
  const opens = Date.parse('2026-03-02T01:00:00Z');
  t.true(begins.every((begin) => begin >= opens && begin < opens + 3 * hour));
  const early = begins.filter((begin) => begin < opens + 1.5 * hour).length;
  t.true(early > 160 && early < 240, String(early));
});

test('a window is opened and closed at its very minutes, over midnight too', (t) => {
  const night = [[{ from: '22:00', to: '02:00' }], [{ from: '01:00', to: '05:00' }]];
  const at = (hours: string) => Date.parse(`2026-03-01T${hours}:00Z`);
  t.false(isOpen(night, at('00:59')));
  t.true(isOpen(night, at('01:00')));
  t.false(isOpen(night, at('02:00')));
  t.true(opensAt(night, at('12:00')) === at('01:00') + 24 * hour);
  t.true(closesAt(night, at('01:30')) === at('02:00'));
  t.is(opensAt([[{ from: '01:00', to: '02:00' }], [{ from: '03:00', to: '04:00' }]], at('12:00')), undefined);
  t.is(closesAt([[]], at('12:00')), undefined);
});
