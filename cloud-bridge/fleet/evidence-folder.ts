import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { storeFault } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import type { LedgerEntry } from '../contract/events.ts';
import { digest, evidenceId, fileName } from '../contract/names.ts';

/** Of a record of evidence, what its files are known by. */
const sealed = z.looseObject({
  id: evidenceId,
  files: z.array(
    z.looseObject({ name: z.string(), bytes: z.int(), sha256: digest, header: z.int().min(0), body: digest }),
  ),
  sealing: z.looseObject({ keys: z.looseObject({ bytes: z.int(), sha256: digest }) }).nullable(),
});
type Sealed = z.infer<typeof sealed>;

const keys = 'keys';

/** The record as it was signed, and its signature: in every folder, and none of the files that the record counts. */
export const signedRecord: readonly string[] = ['record.json', 'record.sig'];

/**
 * Evidence on the disk of whoever pulled it: `record.json` and `record.sig` as they were signed, the key file, and every file of the
 * record as a whole age file, `files/NAME.age`, which `age -d` opens for the authority.
 *
 * Every file is held against the record's SHA-256 before it bears its name; what is there already and matches is not fetched again.
 */
export class EvidenceFolder {
  readonly path: string;
  readonly #id: string;

  constructor(path: string, id: string) {
    this.path = path;
    this.#id = id;
  }

  /** The folder of one evidence in `out`. Throws `store-failed`, `store-full`. */
  static async open(out: string, id: string): Promise<EvidenceFolder> {
    const path = join(out, evidenceId.parse(id));
    try {
      await mkdir(join(path, 'files'), { recursive: true, mode: 0o750 });
    } catch (error) {
      throw storeFault(error, `cannot make the folder ${path}`);
    }
    return new EvidenceFolder(path, id);
  }

  /**
   * Writes the record and those of its files that are named. Returns the names of what is there now, from the folder on. Throws
   * `blob-mismatch` for what is not what the record names, `message-refused` for a record of another evidence.
   */
  async write(
    entry: LedgerEntry,
    names: readonly string[],
    read: (file: string) => AsyncIterable<Uint8Array>,
  ): Promise<readonly string[]> {
    const record = this.#recordOf(entry);
    await this.#put('record.json', Buffer.from(canonicalJson(entry.record as JsonValue)));
    await this.#put('record.sig', Buffer.from(entry.signature, 'base64'));
    const written = [...signedRecord];
    if (!names.includes(keys) || record.sealing === null) return written;
    const headers = await this.#keys(record.sealing.keys, read);
    written.push(keys);
    let at = 0;
    for (const file of record.files) {
      const header = headers.subarray(at, at + file.header);
      at += file.header;
      if (!names.includes(file.name)) continue;
      await this.#file(file, header, read);
      written.push(`files/${file.name}.age`);
    }
    return written;
  }

  #recordOf({ record }: LedgerEntry): Sealed {
    const parsed = sealed.safeParse(record);
    if (parsed.success && parsed.data.id === this.#id) return parsed.data;
    throw new AtalayaError('message-refused', `what the centre gave is not the record of ${this.#id}`, {
      hint: 'Look whether the bridge and this program are of versions that belong together.',
    });
  }

  async #keys(
    expected: { readonly bytes: number; readonly sha256: string },
    read: (file: string) => AsyncIterable<Uint8Array>,
  ): Promise<Buffer> {
    const path = join(this.path, keys);
    const before = await readFile(path).catch(() => undefined);
    if (before !== undefined && sha256(before) === expected.sha256) return before;
    const chunks: Uint8Array[] = [];
    for await (const chunk of read(keys)) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    if (sha256(content) !== expected.sha256) throw this.#mismatch(keys);
    await this.#put(keys, content);
    return content;
  }

  /** The age file: its header stands in the key file, the centre holds the rest. */
  async #file(
    { name, sha256: expected, body }: Sealed['files'][number],
    header: Buffer,
    read: (file: string) => AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const path = join(this.path, 'files', `${fileName.parse(name)}.age`);
    if ((await digestOf(path)) === expected) return;
    const part = `${path}.part`;
    const [whole, rest] = [createHash('sha256').update(header), createHash('sha256')];
    try {
      const file = await open(part, 'w', 0o640);
      try {
        await file.write(header);
        for await (const chunk of read(name)) {
          whole.update(chunk);
          rest.update(chunk);
          await file.write(chunk);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      if (rest.digest('hex') !== body || whole.digest('hex') !== expected) throw this.#mismatch(name);
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw systemCode(error) === undefined ? error : storeFault(error, `cannot write ${path}`);
    }
  }

  async #put(name: string, content: Buffer): Promise<void> {
    const path = join(this.path, name);
    const part = `${path}.part`;
    try {
      const before = await readFile(path).catch(() => undefined);
      if (before?.equals(content) === true) return;
      if (before !== undefined) throw this.#mismatch(name);
      const file = await open(part, 'w', 0o640);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path);
    } catch (error) {
      throw systemCode(error) === undefined ? error : storeFault(error, `cannot write ${path}`);
    }
  }

  #mismatch(file: string): AtalayaError {
    return new AtalayaError('blob-mismatch', `${file} of ${this.#id} is not what the record names`, {
      hint: `Look into ${this.path}: where what lies there is of somebody else, name another folder; else tell whoever keeps the centre.`,
    });
  }
}

async function digestOf(path: string): Promise<string | undefined> {
  try {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, `cannot read ${path}`);
  }
}
