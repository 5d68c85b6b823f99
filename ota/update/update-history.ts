import { z } from 'zod';
import { instant } from '../../cloud-bridge/contract/names.ts';
import { AppendFile, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';

export const historyEvents = [
  'taken',
  'fallback',
  'installed',
  'switched',
  'trial',
  'succeeded',
  'rolled-back',
  'refused',
  'failed',
  'canceled',
  'damage',
] as const;

const historyEntry = z.object({
  at: instant,
  event: z.enum(historyEvents),
  job: z.string().exactOptional(),
  slot: z.enum(['a', 'b', 'image']).exactOptional(),
  /** What the unit ran then. */
  program: z.object({ version: z.string(), release: z.number() }).exactOptional(),
  reasons: z.array(z.string()),
});
export type HistoryEntry = z.infer<typeof historyEntry>;

const most = 1000;

export const historyPath = (root: string): string => `${root}/history.jsonl`;

/**
 * What became of updates, a line of JSON each; of more than 1000 the newer half is kept.
 *
 * Guarantees: an entry is on the medium when `add` resolves; a line that a power cut has torn is cut off by the next start, and one that
 * cannot be read costs itself alone.
 */
export class UpdateHistory {
  readonly #files: Files;
  readonly #path: string;
  #entries: HistoryEntry[];
  #file: AppendFile | undefined;

  constructor(files: Files, path: string, entries: readonly HistoryEntry[]) {
    this.#files = files;
    this.#path = path;
    this.#entries = [...entries];
  }

  /** Throws `store-full` and `store-failed`. */
  static async open(files: Files, root: string): Promise<UpdateHistory> {
    const path = historyPath(root);
    const { entries, whole } = await readOrNone(files, path);
    const history = new UpdateHistory(files, path, entries);
    if (!whole || entries.length > most) await history.#rewrite();
    return history;
  }

  /** For who only looks. Throws `store-failed`. */
  static async read(files: Files, root: string): Promise<readonly HistoryEntry[]> {
    return readLines(await readWholeFile(files, historyPath(root))).entries;
  }

  /** Oldest first. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** The same as the entry before is not written again: a start after a power cut does over what it cannot know to be done. */
  async add(entry: HistoryEntry): Promise<void> {
    const last = this.#entries.at(-1);
    if (last !== undefined && sameBut(last, entry)) return;
    if (this.#entries.length >= most) await this.#rewrite();
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    const file = this.#file ?? (await this.#reopened());
    try {
      await file.append(line);
    } catch (fault) {
      // After a fault the file is written anew from what is known to be on the medium.
      this.#file = undefined;
      await file.close().catch(() => undefined);
      throw fault;
    }
    this.#entries.push(entry);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #reopened(): Promise<AppendFile> {
    return this.#file ?? (await this.#rewrite());
  }

  async #rewrite(): Promise<AppendFile> {
    await this.close();
    if (this.#entries.length >= most) this.#entries = this.#entries.slice(-most / 2);
    const content = Buffer.from(this.#entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    await writeWholeFile(this.#files, this.#path, content);
    this.#file = await AppendFile.open(this.#files, this.#path, content.byteLength);
    return this.#file;
  }
}

/** What cannot be read is lost, and the file is written anew. */
async function readOrNone(files: Files, path: string): Promise<ReturnType<typeof readLines>> {
  try {
    return readLines(await readWholeFile(files, path));
  } catch (error) {
    if (isAtalayaError(error, 'store-failed')) return { entries: [], whole: false };
    throw error;
  }
}

const sameBut = ({ at: _, ...one }: HistoryEntry, { at: __, ...other }: HistoryEntry): boolean =>
  one.job !== undefined && JSON.stringify(one) === JSON.stringify(other);

function readLines(bytes: Buffer | undefined): { readonly entries: readonly HistoryEntry[]; readonly whole: boolean } {
  if (bytes === undefined) return { entries: [], whole: true };
  const lines = bytes.toString('utf8').split('\n');
  const torn = lines.pop() !== '';
  const entries = lines.flatMap((line) => {
    try {
      return [historyEntry.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
  return { entries, whole: !torn && entries.length === lines.length };
}
