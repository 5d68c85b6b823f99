import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import { makeFolders, partEnding, readWholeFile, storeFault, writeWholeFile } from '../../kernel/durable-file.ts';
import { type Files, listIfThere } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';
import { signedBytes } from '../../kernel/signed/signed-document.ts';
import { type DocumentRef, type ReadDocument, readDocument } from './judge-desired.ts';
import { type KeeperState, keeperState } from './keeper-state.ts';

const stateFile = z.strictObject({
  schema: z.literal('atalaya/config-state/1'),
  /** SHA-256 of the canonical JSON of `state`. */
  seal: z.string(),
  state: keeperState,
});

const requestFile = z.strictObject({
  schema: z.literal('atalaya/config-request/1'),
  id: z.string().min(8).max(64),
  kind: z.literal('rollback'),
  /** 0: the unit's own file; absent: what was in force before. */
  to: z.int().min(0).optional(),
  by: z.string().min(1).max(200),
});

/** What a person at the unit asks of it. */
export type LocalRequest = Omit<z.infer<typeof requestFile>, 'schema'>;

export type StoredState =
  | { readonly kind: 'state'; readonly state: KeeperState }
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged' };

/**
 * The folder that the configurations of the centre lie in: `state.json`, the documents as they came, and the request of a person at the
 * unit. Every file is replaced whole. One writer of state and documents, one of requests.
 *
 * Everything throws `store-full` and `store-failed`.
 */
export class ConfigStore {
  readonly #files: Files;
  readonly #folder: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Makes the folders, and removes what was never finished. */
  async prepare(): Promise<void> {
    const documents = this.#documents();
    await makeFolders(this.#files, documents);
    for (const folder of [this.#folder, documents]) {
      for (const name of await this.#list(folder)) if (name.endsWith(partEnding)) await this.#remove(folder, name);
    }
  }

  async readState(): Promise<StoredState> {
    const content = await readWholeFile(this.#files, join(this.#folder, 'state.json'));
    if (content === undefined) return { kind: 'none' };
    const read = stateFile.safeParse(jsonOf(content));
    if (!read.success || sealOf(read.data.state) !== read.data.seal) return { kind: 'damaged' };
    return { kind: 'state', state: read.data.state };
  }

  writeState(state: KeeperState): Promise<void> {
    const file = { schema: 'atalaya/config-state/1', seal: sealOf(state), state };
    return writeWholeFile(this.#files, join(this.#folder, 'state.json'), textOf(file));
  }

  writeDocument({ version }: DocumentRef, text: Uint8Array): Promise<void> {
    return writeWholeFile(this.#files, join(this.#documents(), fileOf(version)), text);
  }

  /** A document that was kept; undefined where it is not there, or is another one. */
  async readDocument(ref: DocumentRef): Promise<Extract<ReadDocument, { kind: 'document' }> | undefined> {
    const content = await readWholeFile(this.#files, join(this.#documents(), fileOf(ref.version)));
    if (content === undefined) return undefined;
    const read = readDocument(content);
    if (read.kind !== 'document' || sha256(signedBytes(read.body)) !== ref.sha256) return undefined;
    return read;
  }

  /** The highest version of which a document lies here; 0 where none does. */
  async newestDocument(): Promise<DocumentRef | undefined> {
    const names = await this.#list(this.#documents());
    const version = Math.max(0, ...names.map(versionOf));
    if (version === 0) return undefined;
    const content = await readWholeFile(this.#files, join(this.#documents(), fileOf(version)));
    const read = content === undefined ? undefined : readDocument(content);
    // One that cannot be read still had its version, and no other document of it is taken.
    return { version, sha256: sha256(read?.kind === 'document' ? signedBytes(read.body) : (content ?? '')) };
  }

  /** Removes the documents of all other versions. */
  async keepOnly(versions: ReadonlySet<number>): Promise<void> {
    const folder = this.#documents();
    for (const name of await this.#list(folder)) if (!versions.has(versionOf(name))) await this.#remove(folder, name);
  }

  /** What a person at the unit asks; a file that is none says nothing. */
  async readRequest(): Promise<LocalRequest | undefined> {
    const content = await readWholeFile(this.#files, join(this.#folder, 'request.json'));
    if (content === undefined) return undefined;
    const read = requestFile.safeParse(jsonOf(content));
    if (!read.success) return undefined;
    const { schema: _, ...request } = read.data;
    return request;
  }

  async writeRequest(request: LocalRequest): Promise<void> {
    await makeFolders(this.#files, this.#folder);
    const file = { schema: 'atalaya/config-request/1', ...request };
    await writeWholeFile(this.#files, join(this.#folder, 'request.json'), textOf(file));
  }

  async removeRequest(): Promise<void> {
    await this.#remove(this.#folder, 'request.json');
  }

  #documents(): string {
    return join(this.#folder, 'documents');
  }

  async #list(folder: string): Promise<readonly string[]> {
    return listIfThere(this.#files, folder).catch((error: unknown) => {
      throw storeFault(error, `cannot list ${folder}`);
    });
  }

  async #remove(folder: string, name: string): Promise<void> {
    try {
      await this.#files.remove(join(folder, name));
    } catch (error) {
      throw storeFault(error, `cannot remove ${join(folder, name)}`);
    }
  }
}

const fileOf = (version: number): string => `${String(version).padStart(16, '0')}.json`;

function versionOf(name: string): number {
  const digits = /^([0-9]{16})\.json$/.exec(name)?.[1];
  return digits === undefined ? 0 : Number(digits);
}

function sealOf(state: KeeperState): string {
  return sha256(canonicalJson(state as JsonValue));
}

function textOf(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

function jsonOf(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
}
