import type { EvidenceRecord } from '../evidence/record/record.ts';

/** Bytes that are read when the pack is written, never held whole. */
export type Bytes = () => AsyncIterable<Uint8Array>;

/** Where an entry stands in the log: its leaf index, from 0, and the hashes of its inclusion proof from the leaf upwards. */
export interface Inclusion {
  readonly index: number;
  readonly hashes: readonly Buffer[];
}

/** A file of the evidence, in the order and by the name of the record. */
export interface PackFile {
  readonly name: string;
  /** The whole age file. */
  readonly ciphertext: Bytes;
  /** What is in it, where the export was given the authority's key. */
  readonly opened?: Bytes;
}

/** The figure of the record as somebody derived it again from the raw data; each line a name and a value for people. */
export interface Rederivation {
  readonly says: string;
  readonly figures: readonly (readonly [name: string, value: string])[];
}

/** All that an audit pack is made from, as plain data: whoever has a store gathers it. */
export interface PackParts {
  readonly record: EvidenceRecord;
  /** The record's canonical JSON, as it was signed. */
  readonly recordBytes: Buffer;
  readonly signature: Buffer;
  readonly leaf: Buffer;
  /** Signed note of the log; all proofs are about its tree. */
  readonly checkpoint: string;
  readonly inclusion: Inclusion;
  /** An older checkpoint that the auditor kept, and the proof that the newer tree begins with it. */
  readonly since?: { readonly checkpoint: string; readonly consistency: readonly Buffer[] };
  readonly publicKey: { readonly pem: string; readonly vkey: string; readonly algorithm: 'ed25519' | 'p256' };
  /** Every file that the record names; none after an erasure. */
  readonly files: readonly PackFile[];
  /** The entry that erased the files. */
  readonly erasure?: {
    readonly recordBytes: Buffer;
    readonly signature: Buffer;
    readonly leaf: Buffer;
    readonly inclusion: Inclusion;
  };
  readonly rederivation?: Rederivation;
  /** `when` is ISO 8601 UTC. */
  readonly exported: { readonly who: string; readonly why: string; readonly when: string };
}
