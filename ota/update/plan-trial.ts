import type { SlotsState } from '../contract/slots.ts';
import type { TrialRecord, UpdateState } from './update-state.ts';
import type { UpdateFacts, UpdateStep } from './update-step.ts';

/** Times that the slots are told of one trial, and that its start is asked for. */
const mostTries = 2;
const mostRestarts = 3;

/** What was rolled back last, to be told from what is rolled back next. */
export const rolledBackWords = ({ rolledBack }: Pick<SlotsState, 'rolledBack'>): string | undefined =>
  rolledBack === undefined ? undefined : `${rolledBack.slot} ${rolledBack.reason}`;

/** What a trial asks for; undefined where there is none, and none is left to be ended. */
export function planTrial({ trial }: UpdateState, facts: UpdateFacts): UpdateStep | undefined {
  const { slots, leaving } = facts;
  if (slots.trial !== undefined) {
    const { slot } = slots.trial;
    if (trial?.slot !== slot.slot || trial.job !== slot.record?.job)
      return { kind: 'adopt', slot: slot.slot, job: slot.record?.job };
    return onTrial(trial, slots.trial, facts);
  }
  // Given up, by whomever: in this run, in one before it in the same process, or by a person beside it.
  const left = leaving || slots.rolledBack?.slot === slots.running.slot;
  if (left && slots.running.slot !== slots.confirmed.slot)
    return { kind: 'restart', reason: `back to slot ${slots.confirmed.slot}` };
  return trial === undefined ? undefined : afterTrial(trial, slots);
}

function onTrial(record: TrialRecord, trial: NonNullable<SlotsState['trial']>, facts: UpdateFacts): UpdateStep {
  const { word, now } = facts;
  const { usedSeconds, heldSeconds, failing, testAt } = facts.trial;
  if (record.gaveUp !== undefined) return { kind: 'roll-back', reason: record.gaveUp };
  if (word?.kind === 'roll-back') return { kind: 'roll-back', reason: word.reason };
  if (facts.slots.running.slot !== trial.slot.slot) {
    if (word !== undefined) return { kind: 'decline', reason: `slot ${trial.slot.slot} has not been started yet` };
    if (record.restarts >= mostRestarts)
      return { kind: 'roll-back', reason: `slot ${trial.slot.slot} was not started in ${record.restarts} restarts` };
    return { kind: 'restart', reason: `trial of slot ${trial.slot.slot}` };
  }
  // It was given up, and the disk does not take it: a start whose trial cannot be counted is of the confirmed slot.
  if (facts.leaving && facts.resume?.of === 'roll-back')
    return { kind: 'restart', reason: `slot ${trial.slot.slot} was given up, which cannot be written down` };
  if (trial.minutesLeft === 0) return { kind: 'roll-back', reason: 'its minutes were used up' };
  if (word?.kind === 'confirm') return { kind: 'confirm', reason: 'a person confirmed it' };
  if (failing?.length === 0 && heldSeconds >= record.holdSeconds)
    return { kind: 'confirm', reason: `the self-test held for ${Math.floor(heldSeconds)} s` };
  if (usedSeconds >= record.deadlineSeconds) {
    const words =
      failing === undefined ? 'no self-test ended' : failing.length > 0 ? failing.join('; ') : 'it held too late';
    return {
      kind: 'roll-back',
      reason: `the self-test did not hold for ${record.holdSeconds} s within ${record.deadlineSeconds} s: ${words}`,
    };
  }
  if (testAt <= now) return { kind: 'test' };
  return { kind: 'wait', until: testAt, reason: words(record, facts.trial) };
}

function words({ holdSeconds }: TrialRecord, { heldSeconds, failing, asBefore }: UpdateFacts['trial']): string {
  if (failing === undefined) return 'trial: the self-test runs';
  if (failing.length > 0) return `trial: the self-test fails: ${failing.join('; ')}`;
  const old = asBefore.length === 0 ? '' : `; as before the update: ${asBefore.join('; ')}`;
  return `trial: the self-test has held for ${Math.floor(heldSeconds)} of ${holdSeconds} s${old}`;
}

/** The slots have no trial any more, or have none yet: what has become of this one? */
function afterTrial(record: TrialRecord, slots: SlotsState): UpdateStep {
  const { confirmed } = slots;
  if (confirmed.slot === record.slot && confirmed.record?.job === record.job)
    return end(record, 'succeeded', [
      ...(record.wanted === undefined ? [] : [record.wanted]),
      ...(record.asBefore ?? []).map((words) => `as before the update: ${words}`),
    ]);
  if (record.gaveUp !== undefined) return end(record, 'rolled-back', [record.gaveUp]);
  const seen = record.restarts > 0 || record.announced;
  if (slots.rolledBack?.slot === record.slot && (seen || rolledBackWords(slots) !== record.before))
    return end(record, 'rolled-back', [slots.rolledBack.reason]);
  // The slots were not told, as far as can be seen. More than once it is not believed: the same slot may have been given up in the same words.
  const there = slots.others.some((one) => one.slot === record.slot && one.record?.job === record.job);
  if (!seen && there && record.slot !== 'image' && record.job !== undefined && record.tries < mostTries)
    return { kind: 'switch', slot: record.slot, job: record.job };
  return end(record, 'rolled-back', ['the trial was given up, and nothing says why']);
}

const end = (
  { job, wanted }: TrialRecord,
  outcome: 'succeeded' | 'rolled-back',
  reasons: readonly string[],
): UpdateStep => ({
  kind: 'end',
  job,
  outcome,
  reasons: wanted === undefined || outcome === 'succeeded' ? reasons : [...reasons, wanted],
});
