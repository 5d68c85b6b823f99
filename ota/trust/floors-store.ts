import { join } from 'node:path';
import { canonicalJson } from '../../device/kernel/canonical-json.ts';
import { makeFolders, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type Floors, floorsShape } from './floors.ts';

const names = ['floors-a.json', 'floors-b.json'] as const;

/** `lost`: there were floors, and no copy of them can be read. */
export type ReadFloors =
  | { readonly kind: 'read'; readonly floors: Floors; readonly damaged: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'lost' };

/** Two copies of the floors, each whole with its own hash, so that one damaged place loses nothing. */
export class FloorsStore {
  readonly #files: Files;
  readonly #folder: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** The newer of the copies that are whole. A copy that cannot be read is as one that is damaged. */
  async read(): Promise<ReadFloors> {
    const copies = await Promise.all(names.map((name) => this.#copy(name)));
    const whole = copies.filter((copy) => typeof copy === 'object');
    const [newest] = whole.toSorted((a, b) => b.change - a.change);
    const damaged = names.filter((_, index) => copies[index] === 'damaged');
    if (newest !== undefined) return { kind: 'read', floors: newest, damaged };
    return { kind: damaged.length > 0 ? 'lost' : 'none' };
  }

  /** Durable in both copies when it resolves; before that, the old or the new floors are found. Throws `store-full`, `store-failed`. */
  async write(floors: Floors): Promise<void> {
    const text = JSON.stringify({ floors, sha256: sha256(canonicalJson(floors)) });
    await makeFolders(this.#files, this.#folder);
    for (const name of names) await writeWholeFile(this.#files, join(this.#folder, name), Buffer.from(text));
  }

  async #copy(name: string): Promise<Floors | 'damaged' | 'absent'> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readWholeFile(this.#files, join(this.#folder, name));
    } catch (error) {
      if (isAtalayaError(error, 'store-failed')) return 'damaged';
      throw error;
    }
    return bytes === undefined ? 'absent' : floorsIn(bytes);
  }
}

function floorsIn(bytes: Buffer): Floors | 'damaged' {
  try {
    const content = JSON.parse(bytes.toString()) as { floors?: unknown; sha256?: unknown } | null;
    const read = floorsShape.safeParse(content?.floors);
    return read.success && sha256(canonicalJson(read.data)) === content?.sha256 ? read.data : 'damaged';
  } catch {
    return 'damaged';
  }
}
