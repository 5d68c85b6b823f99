import type { Files } from '../files.ts';
import type { TornTail } from './journal-opening.ts';

export interface JournalOptions {
  readonly files: Files;
  /** A segment that has reached this many bytes is closed and the next one begun. */
  readonly segmentBytes: number;
  /** Sequence number that is known from elsewhere to have been acknowledged: a journal that ends before it is damaged, not torn. */
  readonly atLeast: number;
  /** The journal may have been told to forget its beginning: it opens without it, and takes `forget`. A lost head is then no damage. */
  readonly headless?: boolean;
}

/** Where an entry stands. */
export interface JournalPosition {
  readonly sequence: number;
  /** Sequence number of the first entry in the same segment. */
  readonly segment: number;
  /** Byte of the segment at which the entry begins. */
  readonly offset: number;
  /** Bytes of the entry with its head. */
  readonly bytes: number;
  /** Of the payload, hexadecimal. */
  readonly sha256: string;
}

export interface JournalEntry {
  readonly position: JournalPosition;
  /** Canonical JSON, its hash checked. */
  readonly payload: Buffer;
}

/** What the start found. */
export interface JournalOpening {
  readonly segments: number;
  readonly last: number;
  readonly torn: TornTail | undefined;
}

/** A closed segment that was checked whole. */
export interface CheckedSegment {
  readonly name: string;
  readonly bytes: number;
}
