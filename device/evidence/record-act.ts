import type { Clock } from '../kernel/clock.ts';
import type { Committed, Ledger } from './ledger.ts';
import type { Action, ActionRecord } from './record/action-record.ts';
import { type ActionParts, makeActionRecord } from './record/make-record.ts';
import { indexEntryOf } from './record/read-entry.ts';

/** An act on the unit itself. Acts on evidence go through `Custody`, which looks at what they are about. */
export interface UnitAct extends ActionParts {
  readonly action: Extract<Action, { readonly kind: 'command' | 'configuration' | 'update' }>;
}

/** Of reasons that came from outside, and characters of each: a ledger keeps them for good. */
const mostReasons = 50;
const longestReason = 500;

/**
 * States in the ledger what became of a command, a configuration or an update, and by whom. Resolves when the entry is durable: only then may it be
 * answered. Reasons are cut to 500 characters, of a long list the first 50 are kept and the number of the others is stated.
 *
 * Throws `usage-invalid` where a name or a reason is empty, and as `Ledger.commit`.
 */
export function recordAct(
  ledger: Pick<Ledger, 'commit'>,
  act: UnitAct,
  clock: Clock,
): Promise<Committed<ActionRecord>> {
  const { actor, action, reason } = act;
  return commitAct(ledger, { actor, action: shortened(action), reason: cut(reason) }, clock);
}

/** States an act without a look at it. */
export function commitAct(
  ledger: Pick<Ledger, 'commit'>,
  act: ActionParts,
  clock: Clock,
): Promise<Committed<ActionRecord>> {
  return ledger.commit(
    (head) => makeActionRecord(head, act, clock),
    (record, position, signed) => indexEntryOf({ ...signed, kind: 'action', record }, position),
  );
}

function shortened(action: UnitAct['action']): UnitAct['action'] {
  if (action.kind === 'command') {
    const { reason, ...rest } = action;
    return reason === undefined ? rest : { ...rest, reason: cut(reason) };
  }
  const kept = action.reasons.slice(0, mostReasons).map(cut);
  const left = action.reasons.length - kept.length;
  return { ...action, reasons: left === 0 ? kept : [...kept, `and ${left} more`] };
}

/** A character that two units of UTF-16 make is not cut in half, and half a one has no canonical JSON. */
const cut = (text: string): string =>
  (text.length <= longestReason ? text : `${text.slice(0, longestReason - 3)}...`).toWellFormed();
