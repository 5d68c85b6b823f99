import type { JsonValue } from '../../kernel/canonical-json.ts';
import type { Authorship, Custody } from '../custody.ts';
import type { EvidenceStore } from '../evidence-store.ts';
import type { IndexEntry } from '../index/index-store.ts';
import type { KeyAlgorithm } from '../keystore/keystore.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import type { InclusionProof } from '../log/proof.ts';
import type { Action, Actor } from '../record/action-record.ts';
import type { Entry } from '../record/read-entry.ts';
import type { EvidenceRecord } from '../record/record.ts';

/** The acts that a person asks for. */
export type Act =
  | Extract<Action, { kind: 'list' | 'read' | 'export' | 'hold' | 'release' }>
  | { readonly kind: 'erase'; readonly evidence: string };

export interface PublicKey {
  /** SubjectPublicKeyInfo, PEM. */
  readonly pem: string;
  /** Verifier key of signed notes, one line. */
  readonly vkey: string;
  readonly algorithm: KeyAlgorithm;
}

/** What a self-test is asked for at the desk. */
export interface DeskSelfTest {
  /** Names of outputs that are switched on and off. */
  readonly pulse: readonly string[];
  /** Whether test evidence is sealed. */
  readonly seal: boolean;
  readonly actor: Extract<Actor, { readonly kind: 'person' }>;
}

/** What tells a sealed file of a record apart. */
export type AuditedRecord = Pick<EvidenceRecord, 'sequence' | 'files' | 'sealing'>;

/**
 * What an auditor at the unit needs of its evidence, whether the store is opened here or by a unit that is running.
 *
 * Guarantees: an act is durable in the log when `act` has resolved, and has had its effect; what is read afterwards is what it was
 * about.
 */
export interface AuditedStore {
  readonly unit: string;
  readonly publicKey: PublicKey;
  /** Lines of the index in order of sequence, `from` included. */
  lines(from: number): AsyncIterable<IndexEntry>;
  /** Undefined where there is none. Throws `store-damaged`. */
  entry(sequence: number): Promise<Entry | undefined>;
  /** An age file. Throws `store-damaged`, which is known at the end. */
  ciphertext(record: AuditedRecord, name: string): AsyncIterable<Uint8Array>;
  /** States an act and carries it out; returns its sequence number. Throws as `Custody` does. */
  act(act: Act, by: Authorship): Promise<number>;
  /** Signs the newest state of the log. */
  checkpoint(): Promise<Checkpoint>;
  /** That an entry is in the newest checkpoint. */
  inclusion(sequence: number): Promise<InclusionProof>;
  /** That the newest checkpoint begins with the log of `size` entries. */
  consistency(size: number): Promise<readonly Buffer[]>;
  /** Keeps the cosignatures of known witnesses. */
  cosign(note: string): Promise<Checkpoint>;
  /** The report of a self-test (`selftest/contract`), where a unit runs that makes one; undefined: nobody does. */
  readonly selfTest?: ((request: DeskSelfTest) => Promise<JsonValue>) | undefined;
  close(): Promise<void>;
}

/** A store that this process has opened; `onClose` comes after the store's own. */
export class OpenedStore implements AuditedStore {
  readonly unit: string;
  readonly publicKey: PublicKey;
  /** Set by the unit, when it is open. */
  selfTest: ((request: DeskSelfTest) => Promise<JsonValue>) | undefined;
  readonly #store: EvidenceStore;
  readonly #onClose: () => Promise<void>;

  constructor(unit: string, algorithm: KeyAlgorithm, store: EvidenceStore, onClose: () => Promise<void>) {
    this.unit = unit;
    this.publicKey = { ...store.ledger.publicKey, algorithm };
    this.#store = store;
    this.#onClose = onClose;
  }

  lines(from: number): AsyncIterable<IndexEntry> {
    return this.#store.list(from);
  }

  entry(sequence: number): Promise<Entry | undefined> {
    return this.#store.read(sequence);
  }

  ciphertext(record: AuditedRecord, name: string): AsyncIterable<Uint8Array> {
    return this.#store.ciphertext(record, name);
  }

  async act(act: Act, by: Authorship): Promise<number> {
    return (await carryOut(this.#store.custody, act, by)).sequence;
  }

  checkpoint(): Promise<Checkpoint> {
    return this.#store.ledger.checkpoint();
  }

  inclusion(sequence: number): Promise<InclusionProof> {
    return this.#store.ledger.inclusion(sequence);
  }

  consistency(size: number): Promise<readonly Buffer[]> {
    return this.#store.ledger.consistency(size);
  }

  cosign(note: string): Promise<Checkpoint> {
    return this.#store.ledger.cosign(note);
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#onClose();
  }
}

function carryOut(custody: Custody, act: Act, by: Authorship): Promise<{ readonly sequence: number }> {
  switch (act.kind) {
    case 'hold':
      return custody.hold(act.evidence, act.hold, by);
    case 'release':
      return custody.release(act.evidence, act.hold, by);
    case 'erase':
      return custody.erase(act.evidence, by);
    case 'list':
    case 'read':
    case 'export':
      return custody.note(act, by);
  }
}
