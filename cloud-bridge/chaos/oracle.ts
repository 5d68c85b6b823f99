import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { lanes } from '../contract/outbox.ts';

/**
 * What a unit notes of its own events, apart from its stores. `will`: it is about to offer the event; noted before the offer. `did`: the
 * offer was answered; noted after it. Of an event with the first note alone it is open whether it was taken; with the second it was.
 */
const note = z.discriminatedUnion('note', [
  /** `n`: grows by one with each offer of the lane, over all starts of the program. */
  z.strictObject({ note: z.literal('will'), lane: z.enum(lanes), n: z.int(), print: z.string() }),
  z.strictObject({ note: z.literal('did'), lane: z.enum(lanes), n: z.int(), sequence: z.int(), stream: z.string() }),
  /** An entry of the ledger, whose content is known only when it is sealed. */
  z.strictObject({ note: z.literal('sealed'), sequence: z.int(), sha256: z.string() }),
]);
export type Note = z.infer<typeof note>;

/** The notes of one unit: appended, and on the medium when `write` has resolved. */
export class Oracle {
  readonly #file: FileHandle;
  #waiting: Note[] = [];
  #working: Promise<void> | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** A line that a kill has torn is closed, so that it stays alone. */
  static async open(path: string): Promise<Oracle> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND);
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    if (size > 0 && last.toString() !== '\n') await file.write('\n');
    return new Oracle(file);
  }

  /** Those that wait for one another share an fsync. */
  async write(notes: readonly Note[]): Promise<void> {
    this.#waiting.push(...notes);
    // What is being written now may not have these.
    await this.#working;
    this.#working ??= this.#work();
    await this.#working;
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#file.close();
  }

  async #work(): Promise<void> {
    const notes = this.#waiting;
    this.#waiting = [];
    if (notes.length > 0) {
      await this.#file.appendFile(notes.map((one) => `${JSON.stringify(one)}\n`).join(''));
      await this.#file.datasync();
    }
    this.#working = undefined;
  }
}

/** All whole notes, in the order in which they were made; none where there is no file. */
export async function readOracle(path: string): Promise<readonly Note[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const found = note.safeParse(jsonOf(line));
    return found.success ? [found.data] : [];
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
