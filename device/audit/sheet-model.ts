import type { PictureFile } from '../evidence/record/record.ts';
import type { Fact } from './charge-words.ts';

/** A picture of the evidence: shown where it was opened, else said why not. */
export interface SheetPicture {
  readonly caption: string;
  readonly shown:
    | {
        readonly kind: 'picture';
        readonly mediaType: PictureFile['mediaType'];
        readonly content: Buffer;
        /** Pixels across at which it is shown, each of its own enlarged as it is; without it at its own size. */
        readonly across?: number;
      }
    | { readonly kind: 'words'; readonly says: string };
}

export interface SheetFinding {
  readonly name: string;
  readonly value: string;
  readonly against: string | undefined;
  readonly says: string;
}

export interface SheetFile {
  readonly name: string;
  readonly says: string;
  /** Of the ciphertext. */
  readonly sha256: string;
}

export type SheetPart =
  | {
      readonly kind: 'facts';
      readonly title: string;
      readonly facts: readonly Fact[];
      readonly notes: readonly string[];
    }
  | { readonly kind: 'pictures'; readonly title: string; readonly pictures: readonly SheetPicture[] }
  | { readonly kind: 'findings'; readonly title: string; readonly findings: readonly SheetFinding[] }
  | {
      readonly kind: 'files';
      readonly title: string;
      readonly files: readonly SheetFile[];
      readonly notes: readonly string[];
    };

/** What the sheet says, in the order in which it says it; both renderers show all of it. Plain text throughout. */
export interface Sheet {
  readonly title: string;
  readonly id: string;
  readonly charge: string;
  /** Where and when, on one line. */
  readonly place: string;
  /** What must not be overlooked. */
  readonly warnings: readonly string[];
  readonly parts: readonly SheetPart[];
  readonly footer: string;
  /** ISO 8601 UTC. */
  readonly made: string;
}
