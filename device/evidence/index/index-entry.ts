import type { JournalPosition } from '../../kernel/journal/journal.ts';

/** One line of the index: enough to list an entry of the journal without reading it, and where it stands. */
export type IndexEntry = EvidenceLine | ActionLine | UnknownLine;

interface Line {
  readonly position: JournalPosition;
  /** ISO 8601 UTC; of evidence the moment of the infraction. */
  readonly time: string;
}

export interface EvidenceLine extends Line {
  readonly kind: 'evidence';
  readonly id: string;
  /** Moment of the sealing, ISO 8601 UTC. */
  readonly sealed: string;
  /** False where nothing states the date. */
  readonly dated: boolean;
  readonly rule: string;
  readonly track: number;
  readonly class: string;
  readonly lane: string | null;
  /** Bytes of the sealed files and their keys. */
  readonly bytes: number;
  /** Names of the holds that are on it, sorted. */
  readonly holds: readonly string[];
  /** Sequence number of the first erasure. */
  readonly erased: number | null;
}

export interface ActionLine extends Line {
  readonly kind: 'action';
  readonly action:
    | 'list'
    | 'read'
    | 'export'
    | 'hold'
    | 'release'
    | 'erase'
    | 'command'
    | 'configuration'
    | 'test'
    | 'update';
  /** Sequence number of the evidence. */
  readonly subject: number | null;
  readonly hold: string | null;
  readonly actor: string;
  readonly reason: string;
}

/** An entry with a schema that this software does not know. */
export interface UnknownLine extends Line {
  readonly kind: 'unknown';
  readonly schema: string;
}

/** An action that changes the line of an older entry. */
export interface Effect extends ActionLine {
  readonly subject: number;
}

/** True for an action that changes the line of an older entry. */
export function isEffect(entry: IndexEntry): entry is Effect {
  if (entry.kind !== 'action' || entry.subject === null) return false;
  const changes =
    entry.action === 'erase' || ((entry.action === 'hold' || entry.action === 'release') && entry.hold !== null);
  return changes && entry.subject >= 1 && entry.subject < entry.position.sequence;
}

/**
 * The line after an action on it. Whoever takes the newest actions once more, all of them and in order, comes to the same line: the
 * last word on each hold decides, and the first erasure counts.
 */
export function applied(line: IndexEntry, effect: Effect): IndexEntry {
  if (line.kind !== 'evidence' || line.position.sequence !== effect.subject) return line;
  const { sequence } = effect.position;
  if (effect.action === 'erase') return { ...line, erased: Math.min(line.erased ?? sequence, sequence) };
  const others = line.holds.filter((name) => name !== effect.hold);
  return {
    ...line,
    holds: effect.action === 'hold' && effect.hold !== null ? [...others, effect.hold].sort() : others,
  };
}
