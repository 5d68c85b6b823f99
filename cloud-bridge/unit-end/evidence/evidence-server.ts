import type { EvidenceGet } from '../../contract/evidence.ts';
import { blockBytes } from '../../contract/topics.ts';
import type { DataBudget } from '../outbox/data-budget.ts';
import type { Grants } from './grants.ts';

/** A sealed file as it lies in the store. */
export interface EvidenceFile {
  readonly bytes: number;
  /** `length` bytes from `from` on, never beyond the end. */
  read(from: number, length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export interface EvidenceServerOptions {
  readonly grants: Pick<Grants, 'allows'>;
  /** Undefined where there is no such file, or no longer. */
  readonly open: (evidence: string, file: string) => Promise<EvidenceFile | undefined>;
  /** Resolves when the broker has the block; rejects where the link is down. */
  readonly publishBlock: (evidence: string, file: string, block: number, content: Uint8Array) => Promise<void>;
  readonly budget: DataBudget;
  /** Blocks on their way at once; 2 where absent. Events go first because few places of the window are left to these. */
  readonly width?: number;
}

/** Blocks that were asked for, by what became of them. */
export interface EvidenceFigures {
  readonly sent: number;
  readonly sentBytes: number;
  readonly notGranted: number;
  /** No such file, or beyond its end. */
  readonly unknown: number;
  /** The data budget does not allow it now. */
  readonly held: number;
  /** Too much was asked for at once. */
  readonly busy: number;
  /** The file could not be read, or the link went down. */
  readonly failed: number;
}

type Outcome = Exclude<keyof EvidenceFigures, 'sentBytes'>;

/** Requests that wait, of 64 blocks each at most. */
const mostWaiting = 16;

/**
 * Gives sealed files away in blocks, as fast as they are asked for and no faster: whoever asks says what it lacks, so a block that is not
 * sent, for whatever reason, is asked for again.
 *
 * Guarantees: a block that is not granted never leaves; requests are served one after the other in the order in which they came; memory is
 * bounded by the width.
 */
export class EvidenceServer {
  readonly #options: EvidenceServerOptions;
  readonly #figures: Record<keyof EvidenceFigures, number> = {
    sent: 0,
    sentBytes: 0,
    notGranted: 0,
    unknown: 0,
    held: 0,
    busy: 0,
    failed: 0,
  };
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: EvidenceServerOptions) {
    this.#options = options;
  }

  get figures(): EvidenceFigures {
    return { ...this.#figures };
  }

  /** Resolves when the request was served or refused; never rejects. */
  asked({ evidence, file, blocks }: EvidenceGet): Promise<void> {
    const wanted = [...new Set(blocks)];
    if (this.#waiting >= mostWaiting) {
      this.#count('busy', wanted.length);
      return Promise.resolve();
    }
    this.#waiting += 1;
    this.#turn = this.#turn.then(async () => {
      await this.#serve(evidence, file, wanted);
      this.#waiting -= 1;
    });
    return this.#turn;
  }

  async #serve(evidence: string, file: string, blocks: readonly number[]): Promise<void> {
    const { grants, budget, open, width = 2 } = this.#options;
    if (!grants.allows(evidence, file)) return this.#count('notGranted', blocks.length);
    if (budget.judge('evidence') === 'hold') return this.#count('held', blocks.length);
    const content = await open(evidence, file).catch(() => 'failed' as const);
    if (content === 'failed') return this.#count('failed', blocks.length);
    if (content === undefined) return this.#count('unknown', blocks.length);
    const left = [...blocks];
    const worker = async () => {
      for (let block = left.shift(); block !== undefined; block = left.shift()) {
        this.#count(await this.#send(evidence, file, block, content), 1);
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, width) }, worker));
    await content.close?.().catch(() => undefined);
  }

  async #send(evidence: string, file: string, block: number, content: EvidenceFile): Promise<Outcome> {
    const { grants, budget, publishBlock } = this.#options;
    const from = block * blockBytes;
    if (from >= content.bytes) return 'unknown';
    // A grant may end, and a budget, while blocks are on their way.
    if (!grants.allows(evidence, file)) return 'notGranted';
    if (budget.judge('evidence') === 'hold') return 'held';
    try {
      const bytes = await content.read(from, Math.min(blockBytes, content.bytes - from));
      budget.spend('evidence', bytes.byteLength);
      this.#figures.sentBytes += bytes.byteLength;
      await publishBlock(evidence, file, block, bytes);
      return 'sent';
    } catch {
      return 'failed';
    }
  }

  #count(outcome: Outcome, blocks: number): void {
    this.#figures[outcome] += blocks;
  }
}
