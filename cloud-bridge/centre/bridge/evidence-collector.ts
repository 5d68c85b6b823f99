import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, explain, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type Random, supervise } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import { topicOf } from '../../contract/address.ts';
import type { LedgerEntry } from '../../contract/events.ts';
import { encodeMessage } from '../../contract/message.ts';
import { blockBytes } from '../../contract/topics.ts';
import type { Link } from '../../link/link.ts';
import type { Archive, Arrived } from '../archive/archive.ts';
import type { BlobName, Blobs } from '../blobs/blobs.ts';
import { changeDocument } from './documents.ts';
import type { BlobDocument, EvidenceViews } from './evidence-views.ts';
import type { Refusals } from './refusals.ts';
import { type SealedFile, sealedPackageOf } from './sealed-files.ts';

export interface CollectorOptions {
  readonly archive: Archive;
  readonly blobs: Blobs;
  readonly views: Pick<EvidenceViews, 'entry'>;
  readonly link: Pick<Link, 'publish' | 'state'>;
  readonly refusals: Refusals;
  /** `all`: every sealed file as soon as its record is here. `on-request`: what a person has had released on the unit. */
  readonly policy: 'all' | 'on-request';
  /** Blocks may come to another bridge than the one that asked for them. */
  readonly blocksElsewhere: boolean;
  /** A finished file is not what the record says. */
  readonly onMismatch: (unit: string, detail: string) => Promise<void>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: Log;
}

/** Blocks of a unit that are asked for and have not come: 1 MiB. */
const blocksAsked = 16;
/** Files of one unit that are fetched at the same time; the next one begins while the last blocks of the first are under way. */
const filesAtOnce = 2;
/** Silence after which the blocks that are missing are asked for again; it doubles up to 32 times this. */
const askAgainMs = 10_000;
/** Where bridges share units: what another one asked for so long ago is taken up, and how often that is looked for. */
const adoptAfterMs = 3600 * 1000;
const adoptEveryMs = 600 * 1000;
/** Files of which nothing came for so long are given up; a request begins them anew. */
const givenUpMs = 7 * 24 * 3600 * 1000;

interface Job extends SealedFile, BlobName {
  readonly blocks: number;
  /** Missing and not asked for, in order; undefined until it is known which are here. */
  missing: number[] | undefined;
  readonly asked: Set<number>;
  readonly begun: number;
  lastHeard: number;
  silences: number;
  busy: boolean;
}

/**
 * Fetches sealed files from units, block by block: it asks for what is missing, and so sets the pace. What is asked for is a document, so a
 * bridge that starts anew goes on where the blobs' durable blocks end. One unit that does not answer holds up no other.
 */
export class EvidenceCollector {
  readonly #options: CollectorOptions;
  /** By unit, by `evidence/file`, in the order in which they were asked for. */
  readonly #jobs = new Map<string, Map<string, Job>>();
  #finished = 0;
  #receivedBytes = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  get figures(): { readonly jobs: number; readonly finished: number; readonly receivedBytes: number } {
    let jobs = 0;
    for (const ofUnit of this.#jobs.values()) jobs += ofUnit.size;
    return { jobs, finished: this.#finished, receivedBytes: this.#receivedBytes };
  }

  /** Takes up what was asked for before, by this bridge or, where it was long ago, by one that is gone. */
  async load(longerThanMs = 0): Promise<void> {
    const before = toIso(utcMilliseconds(this.#options.clock.utc() - longerThanMs));
    for (const { key, value } of await this.#options.archive.documents('blob')) {
      const { state, bytes, sha256, askedAt } = value as unknown as BlobDocument;
      const [unit, evidence, file] = key.split('/');
      if (state !== 'asked' || unit === undefined || evidence === undefined || file === undefined) continue;
      if (askedAt <= before) this.#begin(unit, evidence, { file, bytes, sha256 });
    }
  }

  /** Records that are durable. */
  async archived(events: readonly Arrived[]): Promise<void> {
    if (this.#options.policy !== 'all') return;
    for (const { kind, unit, data } of events) {
      if (kind !== 'infraction') continue;
      const sealed = sealedPackageOf((data as unknown as LedgerEntry).record);
      if (sealed !== undefined) await this.#ask(unit, sealed.evidence, sealed.files, false);
    }
  }

  /** Somebody has had these released on the unit. What the archive has no record of, and what the record does not seal, is left out. */
  async request(unit: string, evidence: readonly string[], files: readonly string[] | undefined): Promise<void> {
    for (const id of evidence) {
      const entry = await this.#options.views.entry(unit, id);
      const sealed = entry === undefined ? undefined : sealedPackageOf(entry.record);
      if (sealed === undefined) {
        this.#options.log.warn(
          { part: 'evidence', unit, evidence: id },
          'it was released, and the archive has no sealed record of it',
        );
        continue;
      }
      const wanted = sealed.files.filter(({ file }) => files === undefined || files.includes(file));
      await this.#ask(unit, id, wanted, true);
    }
  }

  /** A block that came. Resolves when it is durable. */
  async block(unit: string, evidence: string, file: string, block: number, content: Buffer): Promise<void> {
    const { blobs, refusals } = this.#options;
    const job = this.#jobs.get(unit)?.get(`${evidence}/${file}`);
    const expected = job ?? (await this.#asked(unit, evidence, file));
    const blockCount = Math.ceil((expected?.bytes ?? 0) / blockBytes);
    if (expected === undefined || block >= blockCount) {
      refusals.count(unit, 'not-asked', `block ${block} of a file that nobody asked for`);
      return;
    }
    const length = block === blockCount - 1 ? expected.bytes - block * blockBytes : blockBytes;
    if (content.byteLength !== length) {
      refusals.count(unit, 'malformed', `block ${block} has ${content.byteLength} bytes instead of ${length}`);
      return;
    }
    if (job === undefined) {
      // The bridge that asked finds it among the blobs.
      await blobs.write({ unit, evidence, file }, block, content);
      this.#receivedBytes += content.byteLength;
      return;
    }
    const wasMissing = job.missing?.includes(block) ?? true;
    if (!job.asked.delete(block) && !wasMissing) return;
    await blobs.write(job, block, content);
    job.missing = job.missing?.filter((one) => one !== block);
    job.lastHeard = this.#options.clock.monotonic();
    job.silences = 0;
    this.#receivedBytes += content.byteLength;
    await this.#step(job);
  }

  /** Asks again for what does not come. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, random, log } = this.#options;
    let loaded = clock.monotonic();
    await supervise(
      async (attempt) => {
        while (!attempt.signal.aborted) {
          attempt.beat();
          if (this.#options.blocksElsewhere && clock.monotonic() - loaded >= adoptEveryMs) {
            loaded = clock.monotonic();
            await this.load(adoptAfterMs);
          }
          for (const ofUnit of [...this.#jobs.values()]) {
            for (const job of [...ofUnit.values()].slice(0, filesAtOnce)) await this.#tick(job);
          }
          await timer.sleep(milliseconds(1000), attempt.signal);
        }
      },
      {
        ...{ name: 'the evidence collector', signal, clock, timer, random },
        backoff: { first: milliseconds(1000), most: milliseconds(60_000) },
        deadline: milliseconds(300_000),
        grace: milliseconds(60_000),
        onFault: (error, wait) => log.warn({ part: 'evidence', error, waitMs: wait }, 'fetching evidence is held up'),
      },
    );
  }

  /** `again`: one that has failed is begun anew. */
  async #ask(unit: string, evidence: string, files: readonly SealedFile[], again: boolean): Promise<void> {
    const askedAt = toIso(this.#options.clock.utc());
    for (const { file, bytes, sha256 } of files) {
      const value = await changeDocument(this.#options.archive, 'blob', `${unit}/${evidence}/${file}`, (before) => {
        const standing = before as unknown as BlobDocument | undefined;
        if (standing !== undefined && (standing.state !== 'failed' || !again)) return before as JsonValue;
        return { bytes, sha256, state: 'asked', askedAt };
      });
      if ((value as unknown as BlobDocument).state !== 'asked') continue;
      const job = this.#begin(unit, evidence, { file, bytes, sha256 });
      if ([...(this.#jobs.get(unit)?.values() ?? [])].indexOf(job) < filesAtOnce) await this.#step(job);
    }
  }

  #begin(unit: string, evidence: string, { file, bytes, sha256 }: SealedFile): Job {
    const ofUnit = this.#jobs.get(unit) ?? new Map<string, Job>();
    this.#jobs.set(unit, ofUnit);
    const now = this.#options.clock.monotonic();
    const job = ofUnit.get(`${evidence}/${file}`) ?? {
      ...{ unit, evidence, file, bytes, sha256, blocks: Math.ceil(bytes / blockBytes), missing: undefined },
      ...{ asked: new Set<number>(), begun: now, lastHeard: now, silences: 0, busy: false },
    };
    ofUnit.set(`${evidence}/${file}`, job);
    return job;
  }

  /** Another bridge may have asked for it. */
  async #asked(unit: string, evidence: string, file: string): Promise<BlobDocument | undefined> {
    const document = await this.#options.archive.document('blob', `${unit}/${evidence}/${file}`);
    const standing = document?.value as unknown as BlobDocument | undefined;
    return standing?.state === 'asked' ? standing : undefined;
  }

  async #tick(job: Job): Promise<void> {
    const now = this.#options.clock.monotonic();
    if (now - Math.max(job.begun, job.lastHeard) > givenUpMs) {
      return this.#end(job, 'failed', 'the unit has not answered for a week');
    }
    const wait = askAgainMs * 2 ** Math.min(job.silences, 5);
    const silent = now - job.lastHeard >= wait;
    if (job.asked.size > 0 && !silent && !this.#options.blocksElsewhere) return;
    if (job.asked.size > 0) {
      // Which blocks are here is known best by the blobs: another bridge may have taken some.
      const missing = await this.#missing(job);
      const before = job.asked.size;
      for (const block of job.asked) if (silent || !missing.includes(block)) job.asked.delete(block);
      if (silent || job.asked.size < before) job.lastHeard = now;
      job.silences = silent ? job.silences + 1 : job.silences;
      job.missing = missing;
    }
    await this.#step(job);
  }

  async #step(job: Job): Promise<void> {
    if (job.busy) return;
    job.busy = true;
    try {
      job.missing ??= await this.#missing(job);
      if (job.missing.length === 0) return await this.#finish(job);
      await this.#askFor(job, job.missing);
    } finally {
      job.busy = false;
    }
  }

  async #missing(job: Job): Promise<number[]> {
    if (await this.#options.blobs.finished(job)) return [];
    const here = await this.#options.blobs.blocks(job);
    return Array.from({ length: job.blocks }, (_, block) => block).filter((block) => !here.has(block));
  }

  async #askFor(job: Job, missing: readonly number[]): Promise<void> {
    const { link, clock } = this.#options;
    const free = blocksAsked - job.asked.size;
    // Half a window at a time, so that a block is not asked for with a message of its own.
    if (link.state.kind !== 'online' || (job.asked.size > 0 && free < blocksAsked / 2)) return;
    const blocks = missing.filter((block) => !job.asked.has(block)).slice(0, free);
    if (blocks.length === 0) return;
    for (const block of blocks) job.asked.add(block);
    if (job.asked.size === blocks.length) job.lastHeard = clock.monotonic();
    const { payload, qos } = encodeMessage('evidenceGet', { evidence: job.evidence, file: job.file, blocks });
    await link.publish(topicOf('evidenceGet', job.unit, {}), payload, { qos }).catch((error: unknown) => {
      if (!(error instanceof AtalayaError)) throw error;
      for (const block of blocks) job.asked.delete(block);
    });
  }

  async #finish(job: Job): Promise<void> {
    try {
      await this.#options.blobs.finish(job, job);
    } catch (error) {
      if (!isAtalayaError(error, 'blob-mismatch')) throw error;
      await this.#end(job, 'failed', explain(error).slice(0, 500));
      const what = `${job.file} of ${job.evidence}`;
      return this.#options.onMismatch(job.unit, `${what} did not come as the record says that it was sealed`);
    }
    this.#finished += 1;
    await this.#end(job, 'finished', undefined);
  }

  async #end(job: Job, state: BlobDocument['state'], reason: string | undefined): Promise<void> {
    const { archive, log } = this.#options;
    // What one bridge has finished never changes: whoever failed over it at the same moment has nothing to say.
    await changeDocument(archive, 'blob', `${job.unit}/${job.evidence}/${job.file}`, (before) =>
      (before as unknown as BlobDocument).state === 'finished'
        ? (before as JsonValue)
        : {
            ...(before as unknown as Record<string, JsonValue>),
            ...{ state },
            ...(reason === undefined ? {} : { reason }),
          },
    );
    const ofUnit = this.#jobs.get(job.unit);
    ofUnit?.delete(`${job.evidence}/${job.file}`);
    if (ofUnit?.size === 0) this.#jobs.delete(job.unit);
    const fields = { part: 'evidence', unit: job.unit, evidence: job.evidence, file: job.file };
    log.info({ ...fields, ...(reason === undefined ? {} : { reason }) }, `sealed file ${state}`);
    const [next] = ofUnit?.values() ?? [];
    if (next !== undefined && next.asked.size === 0) await this.#step(next);
  }
}
