import type { DocumentRef } from './judge-desired.ts';
import type { Step } from './keeper-plan.ts';
import type { ConfigAct, HistoryRow, KeeperState } from './keeper-state.ts';

/** Documents that are remembered besides the one in force. */
export const historyLength = 20;
/** What became of the trial, in the report, the history and the acts that are owed. */
export function settle(
  state: KeeperState,
  outcome: 'trial' | 'confirmed' | 'rolled-back',
  reasons: string[],
  at: string,
  byHand?: string,
): KeeperState {
  const { trial } = state;
  if (trial === null) return state;
  const { version, sha256 } = trial;
  const person = state.history.find((row) => row.version === version)?.by;
  const hand = byHand === undefined ? {} : { byHand };
  const by = person === undefined || byHand !== undefined ? hand : { person };
  const act: ConfigAct = { at, version, sha256, outcome, reasons, ...by };
  return {
    ...state,
    last: { at, outcome, version, sha256, reasons },
    history: settled(state.history, trial, outcome, reasons, at),
    owed: [...state.owed, act],
  };
}

export function settled(
  history: readonly HistoryRow[],
  { version }: { readonly version: number },
  outcome: HistoryRow['outcome'],
  reasons: readonly string[],
  at: string,
): HistoryRow[] {
  return history.map((row) =>
    row.version === version ? { ...row, outcome, settled: at, reasons: [...reasons] } : row,
  );
}

/** The newest rows, and those of what is in force. */
export function kept(history: readonly HistoryRow[], ...inForce: readonly (DocumentRef | null)[]): HistoryRow[] {
  return history.filter(
    ({ version }, i) => i < historyLength || inForce.some((ref) => ref !== null && ref.version === version),
  );
}

export function remember(state: KeeperState, refused: 'stop' | 'go-on'): Step {
  return { kind: 'remember', state, refused };
}
