import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import type { Installed, UpdateInstaller } from '../contract/parts.ts';
import { reasonOf, refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import { applyPatch } from '../patch/apply-patch.ts';
import { checkBundle, type MachineCpu } from './check-bundle.ts';
import { type ArchiveBytes, openCompressed } from './compressed.ts';
import { readArchive } from './read-archive.ts';
import { virtualArchive } from './virtual-archive.ts';
import { writeTree } from './write-tree.ts';

/**
 * Makes trees of downloaded files. Holds some MB of whatever size they have.
 *
 * Guarantees: nothing is written outside the folder that was named; `installed` is said only of a tree that is on the disk, durably, whose hash
 * is the signed one, and whose manifest agrees with the metadata. Everything else, a refusal, a fault, an abort or a power cut, leaves litter in
 * the folder, which the caller removes. Throws `store-failed`, `store-damaged`, `act-refused` for a folder with something in it, and the
 * signal's reason.
 */
export class Installer implements UpdateInstaller {
  readonly #files: TreeFiles;
  readonly #cpu: MachineCpu;

  constructor(files: TreeFiles, machine: { readonly cpu: MachineCpu }) {
    this.#files = files;
    this.#cpu = machine.cpu;
  }

  async unpack(target: Target, path: string, folder: string, signal: AbortSignal): Promise<Installed | UpdateRefused> {
    const { tree } = target.description;
    return this.#install(target, openCompressed(this.#files, path, tree, signal), folder, signal);
  }

  async patch(
    target: Target,
    path: string,
    base: string,
    folder: string,
    signal: AbortSignal,
  ): Promise<Installed | UpdateRefused> {
    const archive = await virtualArchive(this.#files, base);
    if ('kind' in archive) return refusedUpdate('patch-base', `the base is no tree: ${reasonOf(archive)}`);
    try {
      const { description } = target;
      const bytes = applyPatch({ files: this.#files, path, base: archive, description, signal });
      const outcome = await this.#install(target, bytes, folder, signal);
      // What a patch makes is not what was signed: whichever way it is wrong, it is the patch that is.
      if (outcome.kind === 'installed' || !outcome.code.startsWith('archive-')) return outcome;
      return refusedUpdate('patch-result', reasonOf(outcome));
    } finally {
      await archive.close();
    }
  }

  async digest(folder: string, signal: AbortSignal): Promise<string | undefined> {
    const archive = await virtualArchive(this.#files, folder);
    if ('kind' in archive) return undefined;
    try {
      return (await archive.digest(signal)).sha256;
    } finally {
      await archive.close();
    }
  }

  async #install(
    { description }: Target,
    bytes: ArchiveBytes,
    folder: string,
    signal: AbortSignal,
  ): Promise<Installed | UpdateRefused> {
    const { tree } = description;
    const refused = await writeTree(this.#files, folder, readArchive(bytes, tree), tree, signal);
    return refused ?? checkBundle(this.#files, folder, description, this.#cpu);
  }
}
