import type { KeeperInput, Step, TrialProbe } from './keeper-plan.ts';
import type { ConfigAct, HistoryRow, KeeperState, Trial } from './keeper-state.ts';
import { planBack, planLoss, planReturn } from './plan-back.ts';
import { type Refusal, type RefusalCode, spokenAll } from './refusal.ts';
import { historyLength, kept, remember, settle, settled } from './state-changes.ts';

/** Starts that a trial may have; at the next one the unit goes back. */
export const trialBoots = 3;
/** Acts that may wait for the audit log; then no document is taken. */
export const mostOwed = 50;
/** Running time of a trial that a power cut may forget. */
const SPENT_STEP_MS = 15_000;

/** Pure: every case can be read and tested. */
export function planConfig(state: KeeperState, input: KeeperInput): readonly Step[] {
  switch (input.kind) {
    case 'started':
      return planStart(state, input.at);
    case 'accepted':
      return planTrial(state, input);
    case 'refused':
      return planRefusal(state, input);
    case 'known':
      return [{ kind: 'report' }];
    case 'applied':
      return planApplied(state, input.at);
    case 'watched':
      return planWatch(state, input);
    case 'fell':
      return planFall(state, input.why);
    case 'failed':
      return planBack(state, [input.refusal], input.at);
    case 'lost':
      return planLoss(state, input.refusal, input.at);
    case 'returned':
      return planReturn(state, input);
    case 'unreturned': {
      const request = { id: input.request, done: false, words: input.words };
      return [remember({ ...state, request }, 'go-on')];
    }
  }
}

function planStart(state: KeeperState, at: string): readonly Step[] {
  const { trial } = state;
  if (trial === null) return [];
  const boots = trial.boots + 1;
  if (boots > trialBoots) {
    const why = trial.fault === undefined ? '' : `: ${trial.fault}`;
    const words = `the unit started ${trialBoots} times while it was on trial and did not come to its end${why}`;
    return planBack(state, [{ code: 'boots-used-up', words }], at);
  }
  return [remember({ ...state, trial: { ...trial, boots } }, 'stop')];
}

function planFall(state: KeeperState, why: string): readonly Step[] {
  const { trial } = state;
  return trial === null ? [] : [remember({ ...state, trial: { ...trial, fault: why.slice(0, 300) } }, 'go-on')];
}

function planApplied(state: KeeperState, at: string): readonly Step[] {
  const { trial } = state;
  if (trial === null || trial.applied) return [];
  const next = settle({ ...state, trial: { ...trial, applied: true } }, 'trial', [], at);
  return [remember(next, 'go-on'), { kind: 'audit' }, { kind: 'report' }];
}

function planTrial(state: KeeperState, input: Extract<KeeperInput, { kind: 'accepted' }>): readonly Step[] {
  const { ref, text, at, person, probationMs, issued, note, changed } = input;
  const row: HistoryRow = {
    ...ref,
    issued,
    accepted: at,
    settled: at,
    by: person,
    ...(note === undefined ? {} : { note }),
    changed: [...changed],
    outcome: 'trial',
    reasons: [],
  };
  const before = state.trial === null ? state.history : settled(state.history, state.trial, 'superseded', [], at);
  const trial: Trial = { ...ref, begun: at, probationMs, spentMs: 0, boots: 0, applied: false };
  const next: KeeperState = {
    ...state,
    highest: ref,
    trial,
    last: { at, outcome: 'accepted', ...ref, reasons: [] },
    history: kept([row, ...before], state.confirmed, trial),
    owed: [...state.owed, { at, ...ref, outcome: 'accepted', reasons: [], person }],
  };
  return [
    { kind: 'keep', ref, text },
    remember(next, 'stop'),
    { kind: 'audit' },
    { kind: 'report' },
    { kind: 'apply', what: 'trial' },
    { kind: 'tidy' },
  ];
}

function planRefusal(state: KeeperState, input: Extract<KeeperInput, { kind: 'refused' }>): readonly Step[] {
  const { at, version, sha256, refusals, person } = input;
  const reasons = [...spokenAll(refusals)];
  const last = { at, outcome: 'rejected' as const, ...(version === undefined ? {} : { version }), sha256, reasons };
  // Brokers say what they retain at every connection: the same refusal once more is said again and not written again.
  const again = state.refused.some((row) => row.sha256 === sha256 && row.reasons.join() === reasons.join());
  if (again && state.last.outcome === 'rejected' && state.last.sha256 === sha256) return [{ kind: 'report' }];
  const row = { at, ...(version === undefined ? {} : { version }), sha256, reasons };
  const others = state.refused.filter((other) => other.sha256 !== sha256);
  // An older document is no act of now, and a stranger's is nobody's: neither may fill the audit log.
  const isAct = !again && person !== undefined && version !== undefined && version > (state.highest?.version ?? 0);
  const acts: readonly ConfigAct[] = isAct ? [{ at, version, sha256, outcome: 'rejected', reasons, person }] : [];
  const next: KeeperState = {
    ...state,
    last,
    refused: [row, ...others].slice(0, historyLength),
    owed: state.owed.length < mostOwed ? [...state.owed, ...acts] : state.owed,
  };
  if (acts.length === 0) return [{ kind: 'note', state: next }, { kind: 'report' }];
  return [remember(next, 'go-on'), { kind: 'audit' }, { kind: 'report' }];
}

const failures: readonly (readonly [keyof TrialProbe, RefusalCode, string])[] = [
  ['brokerReached', 'broker-not-reached', 'the broker was not reached'],
  ['framesSeen', 'frames-not-seen', 'no frame was seen'],
  ['evidenceSealed', 'evidence-not-sealed', 'no evidence was sealed'],
];

function planWatch(state: KeeperState, input: Extract<KeeperInput, { kind: 'watched' }>): readonly Step[] {
  const { trial } = state;
  if (trial === null) return [];
  const { probe, spentMs, sealFault, at } = input;
  if (probe !== undefined && failures.every(([what]) => probe[what])) {
    const { version, sha256 } = trial;
    const next = settle({ ...state, confirmed: { version, sha256 } }, 'confirmed', [], at);
    return [remember({ ...next, trial: null }, 'stop'), { kind: 'audit' }, { kind: 'report' }, { kind: 'tidy' }];
  }
  if (spentMs >= trial.probationMs) return planBack(state, failuresOf(probe, trial, sealFault), at);
  const worth = spentMs - trial.spentMs >= SPENT_STEP_MS;
  return worth ? [remember({ ...state, trial: { ...trial, spentMs } }, 'go-on')] : [];
}

function failuresOf(
  probe: TrialProbe | undefined,
  { probationMs }: Trial,
  sealFault: string | undefined,
): readonly Refusal[] {
  const minutes = Number((probationMs / 60_000).toFixed(2));
  const within = `within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
  if (probe === undefined) return [{ code: 'not-started', words: `the unit did not start with it ${within}` }];
  return failures.flatMap(([what, code, words]) => {
    if (probe[what]) return [];
    const why = what === 'evidenceSealed' && sealFault !== undefined ? `: ${sealFault}` : '';
    return [{ code, words: `${words} ${within}${why}` }];
  });
}
