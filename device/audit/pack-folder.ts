import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolders, partEnding, storeFault } from '../kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { type Files, listIfThere, systemFiles } from '../kernel/files.ts';

/** Where packs are written. */
export interface PackDisk {
  readonly files: Files;
  /** Removes a folder and all that is in it; what was begun and failed. */
  removeFolder(path: string): Promise<void>;
}

export const systemDisk: PackDisk = {
  files: systemFiles,
  removeFolder: (path) => rm(path, { recursive: true, force: true }),
};

export interface WrittenFile {
  /** Path in the pack, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * A folder that appears whole or not at all: its files go to `FOLDER.part`, which is renamed when everything in it is on the medium.
 * A pulled plug leaves either the whole folder or the part, and the part is never mistaken for a pack.
 */
export class PackFolder {
  readonly path: string;
  readonly written: WrittenFile[] = [];
  readonly #disk: PackDisk;
  readonly #folders = new Set<string>();

  constructor(path: string, disk: PackDisk) {
    this.path = path;
    this.#disk = disk;
  }

  /** Throws `usage-invalid` where something is in the folder, or a part of it is there already. */
  static async begin(path: string, disk: PackDisk): Promise<PackFolder> {
    const folder = resolve(path);
    if ((await namesIn(disk.files, folder)).length > 0) {
      throw new AtalayaError('usage-invalid', `${folder} is not empty`, { hint: 'Name a folder that does not exist.' });
    }
    await makeFolders(disk.files, dirname(folder));
    const part = `${folder}${partEnding}`;
    try {
      await disk.files.makeFolder(part);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw storeFault(error, `cannot make the folder ${part}`);
      throw new AtalayaError(
        'usage-invalid',
        `${part} is there: an export that did not finish, or one that is running`,
        {
          hint: 'Remove it if no export is running.',
        },
      );
    }
    return new PackFolder(folder, disk);
  }

  /** Writes a file and makes it durable. `path` is one name, or a folder's and one name. Throws `store-full` or `store-failed`. */
  async write(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<WrittenFile> {
    const whole = join(this.#part, path);
    const folder = dirname(path);
    if (folder !== '.' && !this.#folders.has(folder)) {
      await this.#try(`make the folder ${folder}`, () => this.#disk.files.makeFolder(join(this.#part, folder)));
      this.#folders.add(folder);
    }
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await this.#try(`write ${whole}`, () => this.#disk.files.open(whole, 'create'));
    try {
      for await (const chunk of content) {
        hash.update(chunk);
        await this.#try(`write ${whole}`, () => file.write([chunk], bytes));
        bytes += chunk.byteLength;
      }
      await this.#try(`write ${whole}`, () => file.sync());
    } finally {
      await file.close();
    }
    const written = { path, bytes, sha256: hash.digest('hex') };
    this.written.push(written);
    return written;
  }

  /** Gives the folder its name. An empty folder of that name gives way. */
  async finish(): Promise<void> {
    const { files } = this.#disk;
    await this.#try(`write ${this.#part}`, async () => {
      for (const folder of this.#folders) await files.syncFolder(join(this.#part, folder));
      await files.syncFolder(this.#part);
      await files.rename(this.#part, this.path);
      await files.syncFolder(dirname(this.path));
    });
  }

  /** Removes what was begun. */
  async abandon(): Promise<void> {
    await this.#disk.removeFolder(this.#part).catch(() => undefined);
  }

  get #part(): string {
    return `${this.path}${partEnding}`;
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeFault(error, `cannot ${what}`);
    }
  }
}

async function namesIn(files: Files, folder: string): Promise<readonly string[]> {
  try {
    return await listIfThere(files, folder);
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') {
      throw new AtalayaError('usage-invalid', `${folder} is a file`, { hint: 'Name a folder that does not exist.' });
    }
    throw storeFault(error, `cannot read ${folder}`);
  }
}
