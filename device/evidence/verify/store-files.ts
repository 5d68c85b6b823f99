import { join } from 'node:path';
import { isAtalayaError, systemCode } from '../../kernel/errors.ts';
import { readEntry } from './entry.ts';
import type { Ledger } from './finding.ts';
import { SegmentReader } from './frames.ts';
import type { History } from './history.ts';
import { auditPackage, storedPath } from './package-audit.ts';
import { filesUnder, namesIn, readUpTo } from './read-file.ts';
import { type Evidence, isEvidence } from './record-shape.ts';
import { reasonOf } from './text-forms.ts';

type Kind = 'blobs' | 'keys';
const storedKinds: readonly Kind[] = ['blobs', 'keys'];

/** Names of stored files that are looked for in one reading of the journal. */
const namesAtOnce = 500_000;

/** What lies in one of the 256 folders of a kind, as a count and a sum that the same names give in any order. */
class Shelf {
  count = 0;
  sum = 0;

  add(digest: string): void {
    this.count += 1;
    this.sum = (this.sum + Number.parseInt(digest.slice(2, 14), 16)) % 2 ** 48;
  }

  equals(other: Shelf | undefined): boolean {
    return this.count === (other?.count ?? 0) && this.sum === (other?.sum ?? 0);
  }
}

/**
 * The files of all packages: there and right, or erased and gone. Reads the journal once more, since only its end tells what was
 * erased; and once more again only where a file lies there that should not, to find who names it. So the memory it takes does not
 * grow with the store.
 */
export class StoreFiles {
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #history: History;
  readonly #segments: readonly string[];
  readonly #step: (entry: number) => void;
  /** What packages that were not erased name and have. */
  readonly #named = new Map<string, Shelf>();

  constructor(
    folder: string,
    ledger: Ledger,
    history: History,
    segments: readonly string[],
    step: (entry: number) => void,
  ) {
    this.#folder = folder;
    this.#ledger = ledger;
    this.#history = history;
    this.#segments = segments;
    this.#step = step;
  }

  async run(): Promise<void> {
    if (this.#history.hasFiles) {
      for await (const evidence of this.#packages()) {
        this.#step(evidence.sequence);
        if (this.#history.erasedBy(evidence.sequence) > 0) await this.#gone(evidence);
        else await auditPackage(this.#folder, evidence, this.#ledger, (kind, digest) => this.#here(kind, digest));
      }
    }
    await this.#leftOver();
  }

  /** Every record of evidence that the first reading found right. */
  async *#packages(): AsyncGenerator<Evidence> {
    for (const name of this.#segments) {
      try {
        yield* this.#packagesIn(name);
      } catch (error) {
        if (systemCode(error) === undefined && !isAtalayaError(error, 'store-damaged')) throw error;
        const says = `The segment cannot be read (${reasonOf(error)}): the files that it names were not looked at.`;
        this.#ledger.fail({ part: 'journal', path: `journal/${name}`, check: 'spec: segments of the journal', says });
      }
    }
  }

  async *#packagesIn(segment: string): AsyncGenerator<Evidence> {
    await using closing = new AsyncDisposableStack();
    const reader = await SegmentReader.open(join(this.#folder, 'journal', segment));
    closing.defer(() => reader.close());
    for (let steps = await reader.next(); steps.length > 0; steps = await reader.next()) {
      for (const step of steps) {
        if ('says' in step) {
          if (step.next === undefined) return;
          await reader.skipTo(step.next);
        } else if (step.mark === 'J1' && this.#history.isEvidence(step.sequence)) {
          const entry = readEntry(step.payload);
          if ('record' in entry && isEvidence(entry.record)) yield entry.record;
        }
      }
    }
  }

  #here(kind: Kind, digest: string): void {
    const folder = `${kind}/${digest.slice(0, 2)}`;
    const shelf = this.#named.get(folder) ?? new Shelf();
    this.#named.set(folder, shelf);
    shelf.add(digest);
  }

  /** The key file of an erased package must be gone; its bodies are looked for when it is known who else names them. */
  async #gone({ sequence, sealing }: Evidence): Promise<void> {
    if (sealing === null) return;
    const path = storedPath('keys', sealing.keys.sha256);
    if ((await readUpTo(join(this.#folder, path), 0)) !== 'absent') this.#lingers(path, sequence, 'key file');
  }

  #lingers(path: string, sequence: number, what: string): void {
    this.#ledger.fail({
      part: 'erasure',
      path,
      entry: this.#history.erasedBy(sequence),
      check: 'spec: an erasure destroys what it names',
      says: `Destruction not finished: the ${what} of entry ${sequence}, erased by entry ${this.#history.erasedBy(sequence)}, is still there.`,
    });
  }

  /** Finds what nothing names, and bodies that outlived their package. */
  async #leftOver(): Promise<void> {
    let suspects = new Set<string>();
    for (const kind of storedKinds) {
      for (const folder of await namesIn(this.#folder, kind, this.#ledger)) {
        const digests = await this.#shelf(kind, folder);
        const there = new Shelf();
        for (const digest of digests) there.add(digest);
        if (there.equals(this.#named.get(`${kind}/${folder}`))) continue;
        for (const digest of digests) suspects.add(storedPath(kind, digest));
        if (suspects.size < namesAtOnce) continue;
        await this.#explain(suspects);
        suspects = new Set();
      }
    }
    if (suspects.size > 0) await this.#explain(suspects);
  }

  /** The names in one folder that are hashes in their place; whatever else lies there is noticed. */
  async #shelf(kind: Kind, folder: string): Promise<readonly string[]> {
    const digests: string[] = [];
    for await (const { path, plain } of filesUnder(join(this.#folder, kind, folder))) {
      if (plain && /^[0-9a-f]{64}$/.test(path) && path.startsWith(folder)) digests.push(path);
      else noteUnnamed(this.#ledger, `${kind}/${folder}/${path}`);
    }
    return digests;
  }

  async #explain(suspects: Set<string>): Promise<void> {
    const outlived = new Map<string, number>();
    if (this.#history.hasFiles) {
      for await (const { sequence, files, sealing } of this.#packages()) {
        const erased = this.#history.erasedBy(sequence) > 0;
        if (sealing !== null) suspects.delete(storedPath('keys', sealing.keys.sha256));
        for (const { body } of files) {
          const path = storedPath('blobs', body);
          if (!erased) {
            suspects.delete(path);
            outlived.delete(path);
          } else if (suspects.delete(path)) outlived.set(path, sequence);
        }
      }
    }
    for (const [path, sequence] of outlived) this.#lingers(path, sequence, 'body of a file');
    for (const path of suspects) noteUnnamed(this.#ledger, path);
  }
}

export function noteUnnamed(ledger: Ledger, path: string): void {
  const unfinished = path.endsWith('.part');
  const says = unfinished ? 'An unfinished file, which the next start removes.' : 'Nothing names this file.';
  ledger.note({ part: 'file', path, check: 'spec: layout of a store', says });
}
