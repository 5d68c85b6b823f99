import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import {
  makeFolders,
  partEnding,
  readWholeFile,
  storeFault,
  writeWholeFile,
} from '../../../device/kernel/durable-file.ts';
import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../../device/kernel/files.ts';
import { Journal } from '../../../device/kernel/journal/journal.ts';
import type { UtcMilliseconds } from '../../../device/kernel/units.ts';
import { reply as replySchema } from '../../contract/acts.ts';
import { actId, instant, shortText } from '../../contract/names.ts';
import { readJson } from '../../contract/read-json.ts';
import { roles } from '../../contract/roles.ts';
import type { CommandInboxOptions } from './command-types.ts';
import { forgottenBefore, idsFolder, type MemorySetAside, repliesFolder, setMemoryAside } from './memory-set-aside.ts';

const signatory = z.strictObject({ name: shortText, role: z.enum(roles), key: z.string() });
const begun = z.strictObject({
  kind: z.literal('begun'),
  id: actId,
  name: z.string().max(40),
  person: signatory,
  at: instant,
});
const line = z.discriminatedUnion('kind', [begun, z.strictObject({ kind: z.literal('answered'), id: actId })]);
const kept = z.strictObject({
  format: z.literal('atalaya/command-reply/1'),
  person: signatory,
  audited: z.boolean(),
  reply: replySchema,
});

/** A command that somebody known has signed, and that is therefore never begun again. */
export type BegunCommand = z.infer<typeof begun>;
/** A reply on its way. */
export type KeptReply = Omit<z.infer<typeof kept>, 'format'>;

export interface OpenedMemory {
  readonly memory: CommandMemory;
  readonly replies: readonly KeptReply[];
  readonly interrupted: readonly BegunCommand[];
}

/**
 * What the unit remembers of commands: every id that was begun, for ever, and the replies that are not delivered.
 *
 * Guarantees: an id of which `begin` has resolved is known after a power cut; so is a reply of which `keep` has resolved, until it is
 * `answered`. Where a damaged memory is set aside, the moment of that is on the medium with it. One per folder at a time.
 */
export class CommandMemory {
  readonly #files: Files;
  readonly #folder: string;
  readonly #journal: Journal;
  readonly #known: Set<string>;
  /** What was issued before may have been done, and nobody remembers. */
  readonly forgotten: UtcMilliseconds | undefined;
  /** What this opening found damaged. */
  readonly setAside: MemorySetAside | undefined;

  constructor(
    files: Files,
    folder: string,
    journal: Journal,
    known: Set<string>,
    forgotten: UtcMilliseconds | undefined,
    setAside: MemorySetAside | undefined,
  ) {
    this.#files = files;
    this.#folder = folder;
    this.#journal = journal;
    this.#known = known;
    this.forgotten = forgotten;
    this.setAside = setAside;
  }

  /**
   * Opens the folder, made where it is missing. `interrupted` were begun and never had an outcome: the program died meanwhile. Throws
   * `store-damaged` unless that is to be set aside, `store-full`, `store-failed`.
   */
  static async open(
    options: Pick<CommandInboxOptions, 'files' | 'folder' | 'damaged' | 'clock'>,
  ): Promise<OpenedMemory> {
    const { files, folder, damaged, clock } = options;
    try {
      return await CommandMemory.#openAsItIs(files, folder, undefined);
    } catch (error) {
      if (damaged !== 'set-aside' || !isAtalayaError(error, 'store-damaged')) throw error;
      const aside = await setMemoryAside(files, folder, clock.utc());
      return await CommandMemory.#openAsItIs(files, folder, { folder: aside, reason: error.message });
    }
  }

  static async #openAsItIs(files: Files, folder: string, setAside: MemorySetAside | undefined): Promise<OpenedMemory> {
    const ids = join(folder, idsFolder);
    await makeFolders(files, ids);
    await makeFolders(files, join(folder, repliesFolder));
    const forgotten = await forgottenBefore(files, folder);
    const journal = await Journal.open(ids, { files, segmentBytes: 4 * 1024 * 1024, atLeast: 0 });
    try {
      const open = new Map<string, BegunCommand>();
      const known = new Set<string>();
      for await (const { payload } of journal.entries()) {
        const entry = parsed(line, payload, ids);
        if (entry.kind === 'begun') open.set(entry.id, entry);
        else open.delete(entry.id);
        known.add(entry.id);
      }
      const memory = new CommandMemory(files, folder, journal, known, forgotten, setAside);
      const found = await memory.#replies(open);
      for (const { reply } of found) open.delete(reply.id);
      return { memory, replies: found, interrupted: [...open.values()] };
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** How many ids are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** From here on the id is known, for ever. Throws `store-full`, `store-failed`; then the command is not to be begun. */
  async begin(command: BegunCommand): Promise<void> {
    await this.#append(command);
    this.#known.add(command.id);
  }

  /** Keeps a reply until it is answered; a later one for the same id takes its place. Throws `store-full`, `store-failed`. */
  async keep({ person, audited, reply }: KeptReply): Promise<void> {
    const document = { format: 'atalaya/command-reply/1', person, audited, reply };
    await writeWholeFile(this.#files, this.#path(reply.id), Buffer.from(JSON.stringify(document)));
  }

  /** The broker has the reply, or will never take it. Throws `store-full`, `store-failed`. */
  async answered(id: string): Promise<void> {
    await this.#append({ kind: 'answered', id });
    await this.#remove(this.#path(id));
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #append(entry: { readonly [field: string]: JsonValue }): Promise<void> {
    await this.#journal.append(this.#journal.next, Buffer.from(canonicalJson(entry)));
  }

  /** The replies in the order of their commands; what was answered, or never finished, is cleared away. */
  async #replies(open: ReadonlyMap<string, BegunCommand>): Promise<readonly KeptReply[]> {
    const folder = join(this.#folder, repliesFolder);
    const found = new Map<string, KeptReply>();
    for (const name of await listIfThere(this.#files, folder)) {
      const path = join(folder, name);
      const content = await readWholeFile(this.#files, path);
      if (name.endsWith(partEnding) || !open.has(name.replace(/\.json$/, ''))) await this.#remove(path);
      else if (content !== undefined) {
        const { format: _, ...reply } = parsed(kept, content, path);
        found.set(reply.reply.id, reply);
      }
    }
    return [...open.keys()].flatMap((id) => found.get(id) ?? []);
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#files.remove(path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw storeFault(error, `cannot remove ${path}`);
    }
  }

  #path(id: string): string {
    return join(this.#folder, repliesFolder, `${id}.json`);
  }
}

function parsed<T>(schema: z.ZodType<T>, content: Buffer, where: string): T {
  const json = readJson(content);
  const checked = json.kind === 'json' ? schema.safeParse(json.value) : undefined;
  if (checked?.success === true) return checked.data;
  throw new AtalayaError('store-damaged', `${where} holds what was not written by this unit`, {
    hint: 'Move `ids` in it away under the name `ids.damaged-` and the milliseconds since 1970: what was issued before then is refused.',
  });
}
