import type { DocumentRef } from './judge-desired.ts';
import { type KeeperInput, type Step, stateAfter } from './keeper-plan.ts';
import type { ConfigAct, HistoryRow, KeeperState } from './keeper-state.ts';
import { type Refusal, spoken, spokenAll } from './refusal.ts';
import { kept, remember, settle, settled } from './state-changes.ts';

/** Back from the trial to what is confirmed: first on the disk, then in force; told before, should that need a start, and when it is. */
export function planBack(
  state: KeeperState,
  refusals: readonly Refusal[],
  at: string,
  byHand?: string,
): readonly Step[] {
  if (state.trial === null) return [];
  const next = { ...settle(state, 'rolled-back', [...spokenAll(refusals)], at, byHand), trial: null };
  return [
    remember(next, 'go-on'),
    { kind: 'audit' },
    { kind: 'report' },
    { kind: 'apply', what: 'confirmed' },
    { kind: 'report' },
    { kind: 'tidy' },
  ];
}

/** Back from what was confirmed to the unit's own file. */
export function planLoss(state: KeeperState, refusal: Refusal, at: string): readonly Step[] {
  return planReplace(state, null, [spoken(refusal)], at, undefined, state.request);
}

export function planReturn(state: KeeperState, input: Extract<KeeperInput, { kind: 'returned' }>): readonly Step[] {
  const { at, by, request: id } = input;
  const answer = (done: boolean, words: string) => ({ id, done, words });
  if (state.request?.id === id) return [];
  const target = targetOf(state, input.to);
  if (target === undefined) {
    const words = `version ${input.to} is none that was confirmed here and is remembered`;
    return [remember({ ...state, request: answer(false, words) }, 'go-on')];
  }
  const name = target === null ? "the unit's own file" : `version ${target.version}`;
  const refusal: Refusal = { code: 'by-hand', words: `${by} at the unit went back to ${name}` };
  const request = answer(true, `${name} is in force`);
  if (state.trial !== null) {
    const back = planBack({ ...state, request }, [refusal], at, by);
    if (target?.version === state.confirmed?.version) return back;
    const behind = stateAfter(state, back);
    const further = planReplace(behind, target, [spoken(refusal)], at, by, request);
    const next = stateAfter(behind, further);
    return [remember({ ...next, last: behind.last }, 'go-on'), ...further.slice(1)];
  }
  if (target?.version === state.confirmed?.version) {
    return [remember({ ...state, request: answer(true, `${name} is in force already`) }, 'go-on')];
  }
  return planReplace(state, target, [spoken(refusal)], at, by, request);
}

/** What a person goes back to: null is the unit's own file, undefined nothing that is known. */
export function targetOf(
  { trial, confirmed, history }: KeeperState,
  to: number | undefined,
): DocumentRef | null | undefined {
  if (to === 0) return null;
  const good = history.filter(({ outcome }) => outcome === 'confirmed');
  const refOf = ({ version, sha256 }: HistoryRow): DocumentRef => ({ version, sha256 });
  if (to !== undefined) return good.filter(({ version }) => version === to).map(refOf)[0];
  if (trial !== null || confirmed === null) return confirmed;
  return good.filter(({ version }) => version < confirmed.version).map(refOf)[0] ?? null;
}

/** Another confirmed configuration in the place of the present one. */
function planReplace(
  state: KeeperState,
  target: DocumentRef | null,
  reasons: readonly string[],
  at: string,
  byHand: string | undefined,
  request: KeeperState['request'],
): readonly Step[] {
  const { confirmed } = state;
  const gone: DocumentRef | { readonly version: 0 } = confirmed ?? { version: 0 };
  const history = confirmed === null ? state.history : settled(state.history, confirmed, 'rolled-back', reasons, at);
  const act: ConfigAct = {
    at,
    ...gone,
    outcome: 'rolled-back',
    reasons: [...reasons],
    ...(byHand === undefined ? {} : { byHand }),
  };
  const next: KeeperState = {
    ...state,
    confirmed: target,
    history: kept(history, target, state.trial),
    last: { at, outcome: 'rolled-back', ...gone, reasons: [...reasons] },
    owed: [...state.owed, act],
    request,
  };
  return [
    remember(next, 'go-on'),
    { kind: 'audit' },
    { kind: 'report' },
    { kind: 'apply', what: 'confirmed' },
    { kind: 'report' },
    { kind: 'tidy' },
  ];
}
