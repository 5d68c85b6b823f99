import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  makeFolders,
  partEnding,
  readWholeFile,
  storeFault,
  writePart,
  writeWholeFile,
} from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { listIfThere } from '../../device/kernel/files.ts';
import { type EnrolledState, enrolledState, grant } from '../contract/enrolment-documents.ts';
import { wipeWords } from '../contract/wipe-words.ts';
import { discardFolder, eraseFolder, type FolderFiles } from '../identity/folder-files.ts';
import { makeUnitKey, readUnitKey, type UnitKey } from '../identity/unit-keys.ts';
import { type GrantInForce, type IdentityTexts, identityNames } from './identity-files.ts';

/** What is in force at a unit. */
export interface Installed {
  readonly enrolled: EnrolledState;
  readonly given: GrantInForce;
}

const installed = z.object({ enrolled: enrolledState, given: grant.omit({ schema: true, signature: true }) });

/** Names in the folder. */
const places = {
  /** A link to the generation in force. */
  current: 'current',
  generations: 'generations',
  /** The key that was born here, until a certificate for it is in force. */
  born: 'unit.key',
  /** The key that the next certificate is asked for. */
  next: 'next.key',
} as const;

/**
 * A unit's folder of keys, certificate and trust. Each grant is a folder of its own, `generations/N`, written and synced whole; `current`
 * is a link that is switched to it by a rename. A reader, and a start after a power cut at any moment, sees all of the old or all of the
 * new. The one before stays beside it; older ones are removed.
 */
export class IdentityFolder {
  readonly folder: string;
  readonly #files: FolderFiles;

  constructor(folder: string, files: FolderFiles) {
    this.folder = folder;
    this.#files = files;
  }

  /** Undefined before the first grant. Throws `store-damaged`, `store-failed`. */
  async installed(): Promise<Installed | undefined> {
    const text = await this.#read(join(places.current, identityNames.state));
    if (text === undefined) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    const read = installed.safeParse(value);
    if (read.success) return read.data;
    throw new AtalayaError('store-damaged', `${this.#at(join(places.current, identityNames.state))} cannot be read`, {
      hint: `Check the data disk; then wipe the unit (${wipeWords}) and enrol it anew.`,
    });
  }

  /** A file of the generation in force. */
  text(name: string): Promise<string | undefined> {
    return this.#read(join(places.current, name));
  }

  /** The folder of the generation before the one in force; undefined where there is none. */
  async generationBefore(): Promise<string | undefined> {
    const version = (await this.installed())?.enrolled.version;
    if (version === undefined) return undefined;
    const names = await listIfThere(this.#files, this.#at(places.generations));
    const before = names.filter((name) => name < generationName(version)).sort();
    const last = before.at(-1);
    return last === undefined ? undefined : this.#at(join(places.generations, last));
  }

  /** The key in force: of the certificate, or the one that was born here. */
  async key(): Promise<UnitKey | undefined> {
    return (await this.#keyAt(join(places.current, identityNames.key))) ?? this.#keyAt(places.born);
  }

  /** The key that the next certificate is asked for. */
  nextKey(): Promise<UnitKey | undefined> {
    return this.#keyAt(places.next);
  }

  /** Every key of this unit. */
  async keys(): Promise<readonly UnitKey[]> {
    const found = [await this.key(), await this.#keyAt(places.born), await this.nextKey()];
    return found.filter((key) => key !== undefined);
  }

  /** The key of this unit, made where there is none; durable when this has resolved. */
  async keyOrNew(): Promise<UnitKey> {
    const there = await this.key();
    if (there !== undefined) return there;
    // Of a wipe that was cut: a new identity never has the generations of the old one behind it.
    await this.wipe();
    return this.#makeKey(places.born);
  }

  /**
   * Removes every key and generation, durably. What decides is the removal of `current`, with no other key beside it then: before it all
   * of the old identity is in force, after it there is none, and the next call of `keyOrNew` removes what a power cut left of the
   * generations. False where there was nothing. Throws `store-failed`.
   */
  async wipe(): Promise<boolean> {
    try {
      const names = new Set(await listIfThere(this.#files, this.folder));
      // Without a generation in force the key that was born here is the identity, and goes as the last.
      const links = [places.next, `${places.current}.part`];
      const [first, last] = names.has(places.current)
        ? [[...links, places.born], places.current]
        : [links, places.born];
      const gone = [...first, `${places.born}${partEnding}`, `${places.next}${partEnding}`];
      for (const name of gone) if (names.has(name)) await this.#files.remove(this.#at(name));
      await this.#syncIfThere(names);
      if (names.has(last)) await this.#files.remove(this.#at(last));
      await this.#syncIfThere(names);
      if (names.has(places.generations)) await eraseFolder(this.#files, this.#at(places.generations));
      await this.#syncIfThere(names);
      return [...gone, last, places.generations].some((name) => names.has(name));
    } catch (error) {
      throw storeFault(error, `cannot wipe ${this.folder}`);
    }
  }

  async #syncIfThere(names: ReadonlySet<string>): Promise<void> {
    if (names.size > 0) await this.#files.syncFolder(this.folder);
  }

  /** A key for the next certificate, other than the one in force; the same one until it is in force. */
  async nextKeyOrNew(): Promise<UnitKey> {
    const [now, next] = [await this.key(), await this.nextKey()];
    return next !== undefined && next.fingerprint !== now?.fingerprint ? next : this.#makeKey(places.next);
  }

  /** Puts a generation in force, all of it or nothing. Throws `store-full`, `store-failed`; the one before is in force then. */
  async install(version: number, texts: IdentityTexts): Promise<void> {
    const name = join(places.generations, generationName(version));
    const folder = this.#at(name);
    try {
      // Of an installation that was interrupted: nothing refers to it.
      if ((await listIfThere(this.#files, folder)).length > 0) await discardFolder(this.#files, folder);
      await makeFolders(this.#files, folder);
      for (const [file, text] of texts) await writePart(this.#files, join(folder, file), Buffer.from(text));
      await this.#files.syncFolder(folder);
      await this.#files.syncFolder(dirname(folder));
      const part = this.#at(`${places.current}.part`);
      await this.#files.remove(part).catch(() => undefined);
      await this.#files.makeLink(name, part);
      await this.#files.rename(part, this.#at(places.current));
      await this.#files.syncFolder(this.folder);
    } catch (error) {
      throw storeFault(error, `cannot put the grant in place in ${this.folder}`);
    }
    await this.#tidy(version);
  }

  /** Removes what is not needed any more; a failure is litter and nothing else, and the next installation tries again. */
  async #tidy(version: number): Promise<void> {
    try {
      const before = (await this.#files.list(this.#at(places.generations))).filter(
        (name) => name < generationName(version),
      );
      for (const name of before.slice(0, -1))
        await discardFolder(this.#files, this.#at(join(places.generations, name)));
      for (const name of [places.born, places.next]) await this.#files.remove(this.#at(name)).catch(() => undefined);
      await this.#files.syncFolder(this.folder);
    } catch {
      // As said.
    }
  }

  async #makeKey(name: string): Promise<UnitKey> {
    const key = makeUnitKey();
    await makeFolders(this.#files, this.folder);
    await writeWholeFile(this.#files, this.#at(name), Buffer.from(key.pem));
    return key;
  }

  async #keyAt(name: string): Promise<UnitKey | undefined> {
    const text = await this.#read(name);
    return text === undefined ? undefined : readUnitKey(text, this.#at(name));
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return (await readWholeFile(this.#files, this.#at(name)))?.toString();
    } catch (error) {
      if (systemCode(error instanceof AtalayaError ? error.cause : error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  #at(name: string): string {
    return join(this.folder, name);
  }
}

const generationName = (version: number): string => String(version).padStart(10, '0');
