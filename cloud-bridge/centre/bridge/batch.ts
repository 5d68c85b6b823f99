import type { Arrived, ArrivedPart, Refusal } from '../archive/archive.ts';

/** What is to be made of an event, when that is known. */
export type Sentence =
  /** Archived, then acknowledged. */
  | { readonly kind: 'archive'; readonly event: Arrived }
  /** Its place is noted as refused, so that the lane goes on behind it; then the unit is told. */
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  /** Nothing: it was counted. */
  | { readonly kind: 'drop' };

/** A piece of an event; what is to be made of the event is asked when it is whole. */
export interface Piece {
  readonly kind: 'piece';
  readonly part: ArrivedPart;
}

/** What came in a message and waits for its turn. */
export interface Waiting {
  readonly unit: string;
  readonly bytes: number;
  readonly sentence: Sentence | Piece | Promise<Sentence>;
}

/** What goes into the archive together. */
export interface Batch {
  readonly events: readonly Arrived[];
  readonly parts: readonly ArrivedPart[];
  readonly refused: readonly Refusal[];
  readonly waiting: readonly Waiting[];
}

/** One after the other. */
export function joined(one: Batch | undefined, other: Batch): Batch {
  return {
    events: [...(one?.events ?? []), ...other.events],
    parts: [...(one?.parts ?? []), ...other.parts],
    refused: [...(one?.refused ?? []), ...other.refused],
    waiting: [...(one?.waiting ?? []), ...other.waiting],
  };
}
