import { join } from 'node:path';
import { z } from 'zod';
import type { LaneEvent, LaneSource } from '../../cloud-bridge/contract/lane-source.ts';
import type { JsonValue } from '../kernel/canonical-json.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { sha256 } from '../kernel/hash.ts';
import type { JournalPosition } from '../kernel/journal/journal.ts';
import type { Ledger } from './ledger.ts';

/** What the centre has of a ledger, kept beside it. */
const markSchema = z.strictObject({ stream: z.string(), upTo: z.int().min(0) });

const markFile = 'ledger-mark.json';

/**
 * The ledger as the queue of what goes to the centre: an entry is queued by being sealed, and no crash comes between the two. Nothing is
 * ever removed from it; `forget` remembers how far the centre is.
 *
 * The stream is named after the first entry, so that a ledger that was begun anew is another stream, whatever its numbers.
 */
export class LedgerLane implements LaneSource {
  readonly #ledger: Ledger;
  readonly #folder: string;
  readonly #files: Files;
  #stream: string | undefined;
  #forgotten: number;
  /** Where the entry stands that was read last. */
  #at: JournalPosition | undefined;

  constructor(ledger: Ledger, folder: string, files: Files, stream: string | undefined, forgotten: number) {
    this.#ledger = ledger;
    this.#folder = folder;
    this.#files = files;
    this.#stream = stream;
    this.#forgotten = forgotten;
  }

  /** `folder`: of the outbox. A mark of another ledger, or one that cannot be read, is worth nothing: what the centre has it says again. */
  static async open(ledger: Ledger, folder: string, files: Files): Promise<LedgerLane> {
    await makeFolders(files, folder);
    const stream = ledger.last === 0 ? undefined : await streamOf(ledger);
    const mark = readMark(await readWholeFile(files, join(folder, markFile)));
    const ours = mark !== undefined && mark.stream === stream && mark.upTo <= ledger.last;
    return new LedgerLane(ledger, folder, files, stream, ours ? mark.upTo : 0);
  }

  get stream(): string | undefined {
    return this.#stream;
  }

  get last(): number {
    return this.#ledger.last;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  async *read(from: number): AsyncGenerator<LaneEvent> {
    if (this.#ledger.last === 0) return;
    this.#stream ??= await streamOf(this.#ledger);
    const after = this.#at !== undefined && this.#at.sequence < from ? this.#at : undefined;
    for await (const { position, payload } of this.#ledger.payloads(from, after)) {
      this.#at = position;
      yield laneEvent(position.sequence, payload);
    }
  }

  async grown(sequence: number, signal: AbortSignal): Promise<void> {
    await this.#ledger.grown(sequence, signal);
    if (this.#ledger.last > 0) this.#stream ??= await streamOf(this.#ledger);
  }

  async forget(upTo: number): Promise<void> {
    if (this.#stream === undefined || upTo <= this.#forgotten) return;
    this.#forgotten = upTo;
    const mark = JSON.stringify({ stream: this.#stream, upTo });
    await writeWholeFile(this.#files, join(this.#folder, markFile), Buffer.from(mark));
  }
}

async function streamOf(ledger: Ledger): Promise<string> {
  for await (const { payload } of ledger.payloads(1)) return sha256(payload).slice(0, 32);
  throw new AtalayaError('store-damaged', 'the ledger says that it has entries, and none is found');
}

function readMark(content: Buffer | undefined): z.infer<typeof markSchema> | undefined {
  if (content === undefined) return undefined;
  try {
    return markSchema.safeParse(JSON.parse(content.toString())).data;
  } catch {
    return undefined;
  }
}

/** As much of an entry as says what it is and when it was made. */
const headSchema = z.object({
  record: z.object({
    schema: z.string(),
    /** Of an act. */
    time: z.object({ utc: z.string() }).optional(),
    /** Of evidence. */
    sealed: z.object({ utc: z.string() }).optional(),
  }),
});

function laneEvent(sequence: number, payload: Buffer): LaneEvent {
  const data: unknown = JSON.parse(payload.toString());
  const head = headSchema.safeParse(data);
  if (!head.success) throw new AtalayaError('store-damaged', `entry ${sequence} of the ledger is no record`);
  const { schema, sealed, time } = head.data.record;
  return {
    sequence,
    previous: sequence - 1,
    kind: schema.startsWith('atalaya/evidence/') ? 'infraction' : 'audit',
    time: sealed?.utc ?? time?.utc ?? new Date(0).toISOString(),
    data: data as JsonValue,
    json: payload,
    bytes: payload.byteLength,
  };
}
