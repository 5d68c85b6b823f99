import { isAtalayaError } from '../../device/kernel/errors.ts';
import { withDeadline } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { reasonLine } from '../contract/refusals.ts';
import { whyLater } from './plan-job.ts';
import { rolledBackWords } from './plan-trial.ts';
import type { Execute } from './step-executor.ts';
import { trialAllowance, usualTrial } from './trial-allowance.ts';
import type { UpdateDesk } from './update-desk.ts';
import type { SelfTest, UpdateParts } from './update-parts.ts';
import type { Answer, UpdateSession } from './update-session.ts';
import type { TrialRecord } from './update-state.ts';
import { type Baseline, baselineOf, commonOf, weighTroubles } from './weigh-troubles.ts';

/** A self-test that takes longer is not good. */
const longestTest = milliseconds(180_000);
/** That are written down. */
const mostTroubles = 50;
const mostLooks = 5;
/** From the start on, ms: a camera that has not come by then may be what the next version mends. */
const longestEarly = 300_000;
const lookLater = 10_000;

/** First it is written down what is meant, then the slots are told. */
export const executeSwitch: Execute<'switch'> = async ({ slot, job }, desk, around) => {
  const { parts, session } = desk;
  const baseline = await lookBefore(parts, around);
  const now = parts.clock.monotonic();
  if (baseline === 'early' && now - session.begun < longestEarly) {
    const reason = 'not-yet: the unit has only begun, and its camera has not come';
    session.resume = { at: now + lookLater, reason, of: 'switch' };
    return;
  }
  // To look takes minutes: the plan says what is waited for.
  const { job: held, trial: tried } = desk.state;
  if (held !== undefined && tried === undefined && whyLater(held, factsOf(parts)) !== undefined) return;
  const before = rolledBackWords(await parts.slots.state());
  await desk.change(({ goingBack: _, ...state }) => {
    const terms = state.job?.job.id === job ? state.job.job.trial : (state.trial ?? usualTrial);
    const tries = (state.trial?.job === job ? state.trial.tries : 0) + 1;
    const { wanted } = state.trial?.job === job ? state.trial : {};
    return {
      ...state,
      trial: {
        ...trialOf(terms, slot, job),
        baseline: known(baseline),
        tries,
        ...(wanted === undefined ? {} : { wanted }),
        ...(before === undefined ? {} : { before }),
      },
    };
  });
  const { trial } = desk.state;
  if (trial === undefined) return;
  session.stick = undefined;
  await parts.slots.startTrial(slot, trialAllowance(trial));
  await desk.note({ event: 'switched', job, slot });
};

const factsOf = ({ clock, limits, link }: UpdateParts) => ({
  now: clock.utc(),
  limits: limits(),
  linked: link() !== undefined,
});

const known = (baseline: Baseline | 'early') => (baseline === 'early' ? [] : baseline.slice(0, mostTroubles));

const trialOf = (
  { holdSeconds, deadlineSeconds, starts }: Pick<TrialRecord, 'holdSeconds' | 'deadlineSeconds' | 'starts'>,
  slot: TrialRecord['slot'],
  job: string | undefined,
): TrialRecord => ({
  slot,
  ...(job === undefined ? {} : { job }),
  holdSeconds,
  deadlineSeconds,
  starts,
  usedSeconds: 0,
  tries: 1,
  restarts: 0,
  announced: false,
});

export const executeAdopt: Execute<'adopt'> = async ({ slot, job }, desk) => {
  const { wanted, baseline } = desk.state.goingBack ?? {};
  await desk.change(({ goingBack: _, ...state }) => ({
    ...state,
    trial: {
      ...trialOf(state.job?.job.id === job ? (state.job?.job.trial ?? usualTrial) : usualTrial, slot, job),
      ...(wanted === undefined ? {} : { wanted }),
      ...(baseline === undefined ? {} : { baseline: baseline.slice(0, mostTroubles) }),
    },
  }));
  desk.session.trial.countedTo = desk.parts.clock.monotonic();
};

export const executeRestart: Execute<'restart'> = async ({ reason }, desk) => {
  const { parts, session } = desk;
  const count = desk.changeTrial((trial) => ({ ...trial, restarts: trial.restarts + 1 }));
  // The way back does not wait for a disk that takes nothing; into a trial it does, or nobody would count its starts.
  await (session.leaving ? whereItCan(desk, count) : count);
  session.restartAsked = parts.clock.monotonic();
  await parts.restart(reason);
};

export const executeTest: Execute<'test'> = async (_step, desk, { signal, beat }) => {
  const { parts, session } = desk;
  const { trial: record } = desk.state;
  const slots = await parts.slots.state();
  if (record === undefined) return;
  if (!record.announced) {
    const { job } = record;
    await desk.note({ event: 'trial', ...(job === undefined ? {} : { job }), slot: slots.running.slot });
    await desk.act('trial', slots.running, job, []);
    await desk.changeTrial((trial) => ({ ...trial, announced: true }));
  }
  const test = await tested(parts, signal);
  signal.throwIfAborted();
  const { counted, asBefore } = weighTroubles(test, record.baseline ?? []);
  beat();
  const now = parts.clock.monotonic();
  const { trial } = session;
  trial.goodSince = counted.length === 0 ? (trial.goodSince ?? now) : undefined;
  trial.goodTo = now;
  trial.failing = counted.map(reasonLine);
  trial.asBefore = asBefore.map(reasonLine);
  trial.testAt = now + Math.min(10_000, Math.max(1000, (record.holdSeconds * 1000) / 4));
  await desk.countTrial(slots);
};

async function tested({ selfTest, timer }: UpdateParts, signal: AbortSignal): Promise<SelfTest> {
  signal.throwIfAborted();
  try {
    return await withDeadline(selfTest(signal), longestTest, 'the self-test', timer);
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { troubles: [{ code: 'self-test-failed', says, vital: true }] };
  }
}

/** What runs is tested while it still does, so that the next version is not blamed for what was there before it. `early`: it cannot be yet. */
async function lookBefore(
  parts: UpdateParts,
  { signal, beat }: Parameters<Execute<'switch'>>[2],
): Promise<Baseline | 'early'> {
  let baseline: Baseline | undefined;
  // What is there once may be the doing of what was written just before, or of a lorry: only what is there each time was there before.
  for (let look = 0; look < mostLooks && (baseline === undefined || baseline.length > 0); look += 1) {
    const test = await tested(parts, signal);
    // Told to end: nothing was found out, and the next start looks anew.
    signal.throwIfAborted();
    beat();
    if (test.early === true) return 'early';
    baseline = baseline === undefined ? baselineOf(test) : commonOf(baseline, baselineOf(test));
  }
  baseline ??= [];
  if (baseline.length > 0)
    parts.tell(`this is so before the switch already: ${baseline.map(({ code }) => code).join(', ')}`);
  return baseline;
}

export const executeConfirm: Execute<'confirm'> = async ({ reason }, desk) => {
  const { parts, session } = desk;
  const { asBefore } = session.trial;
  await desk.changeTrial((trial) => ({
    ...trial,
    ...(session.word?.kind === 'confirm' ? { wanted: reason } : {}),
    ...(asBefore.length === 0 ? {} : { asBefore: asBefore.slice(0, mostTroubles) }),
  }));
  await parts.slots.confirm();
  answered(session, { good: true, words: reason });
};

export const executeRollBack: Execute<'roll-back'> = async ({ reason }, desk) => {
  const { parts, session } = desk;
  const why = desk.changeTrial((trial) => ({ ...trial, gaveUp: reasonLine(reason) }));
  await whereItCan(desk, why);
  session.leaving = true;
  await parts.slots.rollBack(reason);
  answered(session, { good: true, words: `the trial is given up: ${reason}` });
};

/** What cannot be written down is told, and the way back is tried all the same. */
async function whereItCan({ parts }: UpdateDesk, written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (error) {
    parts.tell('why a trial is given up could not be written down', error);
  }
}

/** As a trial: should the version before no longer be well, this one comes back. */
export const executeGoBack: Execute<'go-back'> = async ({ reason }, desk, around) => {
  const { parts, session } = desk;
  const baseline = await lookBefore(parts, around);
  // As before a switch: first it is written down what is meant.
  const wanted = reasonLine(reason);
  await desk.change((state) => ({ ...state, goingBack: { wanted, baseline: known(baseline) } }));
  session.stick = undefined;
  try {
    await parts.slots.goBack(trialAllowance(usualTrial));
    answered(session, { good: true, words: 'the version before is tried' });
  } catch (error) {
    if (!isAtalayaError(error, 'act-refused')) throw error;
    await desk.change(({ goingBack: _, ...state }) => state);
    answered(session, { good: false, words: error.message });
  }
};

/** To the person who wanted it, where one did. */
export function answered(session: UpdateSession, answer: Answer): void {
  session.word?.answer(answer);
  session.word = undefined;
}
