import type { EvidenceView } from '../../contract/api-views.ts';
import type { LedgerEntry } from '../../contract/events.ts';
import { blockBytes } from '../../contract/topics.ts';
import type { Archive } from '../archive/archive.ts';
import type { BlobName, Blobs } from '../blobs/blobs.ts';
import { sealedPackageOf, sequenceOfEvidence } from './sealed-files.ts';

/** The document `blob/{unit}/{evidence}/{file}`. */
export interface BlobDocument {
  readonly bytes: number;
  readonly sha256: string;
  readonly state: 'asked' | 'finished' | 'failed';
  readonly askedAt: string;
  readonly reason?: string;
}

/** Records of evidence, and how far their sealed files are here. */
export class EvidenceViews {
  readonly #archive: Archive;
  readonly #blobs: Blobs;

  constructor(archive: Archive, blobs: Blobs) {
    this.#archive = archive;
    this.#blobs = blobs;
  }

  /** The entry of the ledger that an evidence is; undefined where it has not come. */
  async entry(unit: string, evidence: string): Promise<LedgerEntry | undefined> {
    const sequence = sequenceOfEvidence(unit, evidence);
    if (sequence === undefined) return undefined;
    // A unit that lost its ledger has begun another; the newest record of this id is the one that it can have.
    const found = (
      await Promise.all(
        (
          await this.#archive.watermarks(unit, 'all')
        )
          .filter(({ lane }) => lane === 'infraction')
          .map(({ stream }) =>
            this.#archive.events({
              ...{ unit, lane: 'infraction', stream, afterSequence: sequence - 1, order: 'sequence', limit: 1 },
            }),
          ),
      )
    )
      .flat()
      .filter(({ data }) => idOf(data as unknown as LedgerEntry) === evidence);
    return found.toSorted((one, other) => other.position - one.position)[0]?.data as LedgerEntry | undefined;
  }

  /** How far the files of an evidence are here. */
  async view(unit: string, evidence: string): Promise<EvidenceView | undefined> {
    const entry = await this.entry(unit, evidence);
    const documents = await this.#archive.documents('blob', `${unit}/${evidence}/`);
    if (entry === undefined && documents.length === 0) return undefined;
    const asked = new Map(
      documents.map(({ key, value }) => [key.split('/')[2] ?? '', value as unknown as BlobDocument]),
    );
    const sealed = entry === undefined ? undefined : sealedPackageOf(entry.record);
    const files = sealed?.files ?? [...asked].map(([file, { bytes, sha256 }]) => ({ file, bytes, sha256 }));
    const views = await Promise.all(
      files.map(async ({ file, bytes }) => {
        const document = asked.get(file);
        const state = document?.state ?? 'not-asked';
        const here = state === 'finished' ? bytes : await this.#bytesHere({ unit, evidence, file }, bytes, state);
        return {
          file,
          bytes,
          here,
          state,
          ...(document?.reason === undefined ? {} : { reason: document.reason }),
        } as const;
      }),
    );
    return { unit, evidence, ...(entry === undefined ? {} : { entry }), files: views };
  }

  /** Those of a unit of which files were asked for. */
  async views(unit: string): Promise<readonly EvidenceView[]> {
    const documents = await this.#archive.documents('blob', `${unit}/`);
    const evidence = [...new Set(documents.map(({ key }) => key.split('/')[1] ?? ''))];
    const views = await Promise.all(evidence.map((id) => this.view(unit, id)));
    return views.filter((view) => view !== undefined);
  }

  async #bytesHere(name: BlobName, bytes: number, state: string): Promise<number> {
    if (state === 'not-asked') return 0;
    const blocks = await this.#blobs.blocks(name);
    return Math.min(bytes, blocks.size * blockBytes);
  }
}

function idOf({ record }: LedgerEntry): unknown {
  const { id } = record;
  return id;
}
