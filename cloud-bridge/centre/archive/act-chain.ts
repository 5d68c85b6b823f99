import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { ActEntry } from './archive.ts';

/** What the first act has before it. */
export const chainStart = '0'.repeat(64);

/** The act that follows `last`; its hash is the SHA-256 of the RFC 8785 canonical JSON of everything else in it. */
export function nextAct(
  last: Pick<ActEntry, 'number' | 'hash'> | undefined,
  time: string,
  act: JsonValue,
  outcome: string,
): ActEntry {
  const entry = { number: (last?.number ?? 0) + 1, time, act, outcome, previous: last?.hash ?? chainStart };
  return { ...entry, hash: sha256(canonicalJson(entry)) };
}

/**
 * Whether acts follow one another from number 1, or from behind `last`, and nothing in them was changed. The newest ones may be missing:
 * that is seen only by whoever knows a later hash.
 */
export function chainFault(entries: readonly ActEntry[], last?: Pick<ActEntry, 'number' | 'hash'>): string | undefined {
  let before = last;
  for (const entry of entries) {
    const due = nextAct(before, entry.time, entry.act, entry.outcome);
    if (entry.number !== due.number) return `after act ${before?.number ?? 0} comes act ${entry.number}`;
    if (entry.previous !== due.previous) return `act ${entry.number} does not follow the one before it`;
    if (entry.hash !== due.hash) return `act ${entry.number} was changed`;
    before = entry;
  }
  return undefined;
}
