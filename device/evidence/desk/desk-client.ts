import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { JsonValue } from '../../kernel/canonical-json.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { systemTimer, type Timer, withDeadline } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { Authorship } from '../custody.ts';
import type { IndexEntry } from '../index/index-store.ts';
import { type Checkpoint, readCheckpoint } from '../log/checkpoint.ts';
import { type NoteKey, parseVkey } from '../log/note.ts';
import type { InclusionProof } from '../log/proof.ts';
import { payloadOf } from '../record/envelope.ts';
import { type Entry, readEntry } from '../record/read-entry.ts';
import { Turnstile } from '../turnstile.ts';
import type { Act, AuditedRecord, AuditedStore, DeskSelfTest, PublicKey } from './audited-store.ts';
import { DeskLink, ended } from './desk-link.ts';
import { errorFrom, type Question, requestsAtOnce, type Value, values } from './desk-protocol.ts';

export interface DeskClientOptions {
  readonly timer?: Timer;
  /** Longest time until the unit answers, or a stream goes on; default 75 s, which is longer than the unit's own. */
  readonly patience?: Milliseconds;
}

type Options = Required<DeskClientOptions>;

interface Waiting {
  readonly take: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * The evidence of a unit that is running, through its desk.
 *
 * Single questions share a connection; each stream has its own, so a reader who is slow, or stops, holds nothing else up. A client is
 * of one run of the unit: when that ends, everything fails with `desk-closed`, and whoever wants to go on connects anew. An act whose
 * answer did not come may have been stated: the list tells.
 */
export class DeskClient implements AuditedStore {
  readonly unit: string;
  readonly publicKey: PublicKey;
  readonly #path: string;
  readonly #options: Options;
  readonly #link: DeskLink;
  readonly #key: NoteKey;
  readonly #places = new Turnstile(requestsAtOnce);
  readonly #waiting = new Map<number, Waiting>();
  readonly #streams = new Set<DeskLink>();
  #asked = 0;
  #fault: AtalayaError | undefined;

  constructor(path: string, options: Options, link: DeskLink) {
    this.unit = link.greeting.unit;
    this.publicKey = link.greeting.key;
    this.#path = path;
    this.#options = options;
    this.#link = link;
    this.#key = parseVkey(this.publicKey.vkey);
  }

  /**
   * Connects to the desk of a unit. Throws `desk-closed` where no unit answers, `usage-invalid` where this account may not ask,
   * `desk-busy`, and `store-version-unknown` for a unit that speaks another version.
   */
  static async connect(path: string, options: DeskClientOptions = {}): Promise<DeskClient> {
    const complete = { timer: systemTimer, patience: milliseconds(75_000), ...options };
    const client = new DeskClient(path, complete, await DeskLink.open(path, complete.timer));
    void client.#listen();
    return client;
  }

  async *lines(from: number): AsyncGenerator<IndexEntry> {
    for await (const item of this.#stream({ op: 'lines', from: Math.max(1, Math.ceil(from)) })) {
      yield* parse(values.lines, item, 'the list of the unit', 'internal');
    }
  }

  async entry(sequence: number): Promise<Entry | undefined> {
    if (!Number.isSafeInteger(sequence)) return undefined;
    const found = await this.#ask('entry', { op: 'entry', sequence });
    if (found === null) return undefined;
    return readEntry(payloadOf({ bytes: bytesOf(found.bytes), signature: bytesOf(found.signature) }), sequence);
  }

  /** Throws `store-damaged` as well where what arrived is not what the record names. */
  async *ciphertext({ sequence, files }: AuditedRecord, name: string): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    for await (const item of this.#stream({ op: 'ciphertext', sequence, name })) {
      const piece = bytesOf(parse(values.ciphertext, item, 'the age file', 'internal'));
      hash.update(piece);
      yield piece;
    }
    if (files.find((file) => file.name === name)?.sha256 !== hash.digest('hex')) {
      throw new AtalayaError('store-damaged', `${name} is not the file that the record names`);
    }
  }

  act(act: Act, { actor, reason }: Authorship): Promise<number> {
    if (actor.kind !== 'person') {
      return Promise.reject(new AtalayaError('usage-invalid', 'at the desk of a unit only people act'));
    }
    return this.#ask('act', { op: 'act', act, by: { actor, reason } });
  }

  async checkpoint(): Promise<Checkpoint> {
    return this.#checkpointOf(await this.#ask('note', { op: 'checkpoint' }));
  }

  async inclusion(sequence: number): Promise<InclusionProof> {
    const { index, size, leafHash, hashes, note } = await this.#ask('inclusion', { op: 'inclusion', sequence });
    return {
      index,
      size,
      leafHash: bytesOf(leafHash),
      hashes: hashes.map(bytesOf),
      checkpoint: note === null ? undefined : this.#checkpointOf(note),
    };
  }

  async consistency(size: number): Promise<readonly Buffer[]> {
    return (await this.#ask('consistency', { op: 'consistency', size })).map(bytesOf);
  }

  async cosign(note: string): Promise<Checkpoint> {
    return this.#checkpointOf(await this.#ask('note', { op: 'cosign', note }));
  }

  /** The report of a self-test of the unit that runs here. Throws `usage-invalid` for a unit whose software knows none. */
  async selfTest({ pulse, seal, actor }: DeskSelfTest): Promise<JsonValue> {
    return (await this.#ask('report', { op: 'self-test', pulse: [...pulse], seal, actor })) as JsonValue;
  }

  /** Leaves the desk; the unit goes on. What is waited for fails with `store-closed`. May be called twice. */
  async close(): Promise<void> {
    this.#end(new AtalayaError('store-closed', 'the connection to the unit is closed'));
  }

  async #ask<Name extends keyof typeof values>(name: Name, question: Question): Promise<Value<Name>> {
    const leave = await this.#places.enter();
    try {
      if (this.#fault !== undefined) throw this.#fault;
      this.#asked += 1;
      const id = this.#asked;
      const answered = new Promise<unknown>((take, fail) => this.#waiting.set(id, { take, fail }));
      answered.catch(() => undefined);
      try {
        this.#link.send(id, question);
        const { patience, timer } = this.#options;
        const value = await withDeadline(answered, patience, "the unit's answer", timer);
        const schema: z.ZodType<unknown> = values[name];
        return parse(schema, value, "the unit's answer", 'internal') as Value<Name>;
      } finally {
        this.#waiting.delete(id);
      }
    } finally {
      leave();
    }
  }

  async *#stream(
    question: Extract<Question, { op: 'lines' | 'ciphertext' }>,
  ): AsyncGenerator<unknown, void, undefined> {
    if (this.#fault !== undefined) throw this.#fault;
    const { patience, timer } = this.#options;
    const link = await DeskLink.open(this.#path, timer);
    this.#streams.add(link);
    try {
      // The unit may have been started anew since, and another store may be there now.
      if (this.#fault !== undefined || link.greeting.key.vkey !== this.publicKey.vkey) throw this.#fault ?? ended();
      link.send(1, question);
      for (;;) {
        const answer = await link.next(patience, timer);
        if ('error' in answer) throw errorFrom(answer.error);
        if ('ok' in answer) return;
        yield answer.item;
      }
    } catch (error) {
      throw this.#fault ?? error;
    } finally {
      this.#streams.delete(link);
      link.close();
    }
  }

  /** Hands the answers on until the connection ends. */
  async #listen(): Promise<void> {
    try {
      for (;;) {
        const answer = await this.#link.next();
        const waiting = this.#waiting.get(answer.id);
        if ('error' in answer) waiting?.fail(errorFrom(answer.error));
        else if ('ok' in answer) waiting?.take(answer.ok);
      }
    } catch (error) {
      this.#end(error instanceof AtalayaError ? error : ended(error));
    }
  }

  #end(fault: AtalayaError): void {
    this.#fault ??= fault;
    for (const { fail } of this.#waiting.values()) fail(this.#fault);
    this.#link.close();
    for (const link of this.#streams) link.close();
  }

  #checkpointOf(note: string): Checkpoint {
    const read = readCheckpoint(Buffer.from(note), this.#key);
    if (read.kind === 'good') return read.checkpoint;
    throw new AtalayaError('store-damaged', `the unit's checkpoint is not one of its key: ${read.reason}`);
  }
}

const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64');
