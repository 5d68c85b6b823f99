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
  about: string | undefined,
): ActEntry {
  const said = about === undefined ? { outcome } : { outcome, about };
  const entry = { number: (last?.number ?? 0) + 1, time, act, ...said, previous: last?.hash ?? chainStart };
  return { ...entry, hash: sha256(canonicalJson(entry)) };
}

/**
 * Whether acts follow one another from number 1, or from behind `last`, and nothing in them was changed. The newest ones may be missing:
 * that is seen only by whoever knows a later hash.
 */
export function chainFault(entries: readonly ActEntry[], last?: Pick<ActEntry, 'number' | 'hash'>): string | undefined {
  let before = last;
  for (const entry of entries) {
    const due = nextAct(before, entry.time, entry.act, entry.outcome, entry.about);
    if (entry.number !== due.number) return `after act ${before?.number ?? 0} comes act ${entry.number}`;
    if (entry.previous !== due.previous) return `act ${entry.number} does not follow the one before it`;
    if (entry.hash !== due.hash) return `act ${entry.number} was changed`;
    before = entry;
  }
  return undefined;
}

/** As an engine keeps it: JSON as text, what is absent as null. */
export interface ActRow extends Omit<ActEntry, 'number' | 'act' | 'about'> {
  readonly number: number | string;
  readonly act: string;
  readonly about: string | null;
}

export const actColumns = 'number, time, act, outcome, about, previous, hash';

export function actOf({ number, act, about, ...row }: ActRow): ActEntry {
  return { ...row, number: Number(number), act: JSON.parse(act), ...(about === null ? {} : { about }) };
}
