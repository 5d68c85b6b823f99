import type { OpenFile, OpenMode, Space } from '../../device/kernel/files.ts';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import type { FolderFiles } from '../identity/folder-files.ts';

/**
 * A file system in memory that has symbolic links. A link is a file whose content is the target, durable with its name; paths are followed
 * through a link called `current` alone.
 */
export class LinkingFiles implements FolderFiles {
  readonly memory: MemoryFiles;

  constructor(memory = new MemoryFiles()) {
    this.memory = memory;
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    return this.memory.open(await this.#followed(path), mode);
  }

  rename(from: string, to: string): Promise<void> {
    return this.memory.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    if (await this.#isFolder(path)) throw Object.assign(new Error(`EISDIR: ${path}`), { code: 'EISDIR' });
    await this.memory.remove(path);
  }

  removeFolder(path: string): Promise<void> {
    return this.memory.removeFolder(path);
  }

  makeFolder(path: string): Promise<void> {
    return this.memory.makeFolder(path);
  }

  list(path: string): Promise<readonly string[]> {
    return this.memory.list(path);
  }

  syncFolder(path: string): Promise<void> {
    return this.memory.syncFolder(path);
  }

  space(path: string): Promise<Space> {
    return this.memory.space(path);
  }

  async makeLink(target: string, path: string): Promise<void> {
    const file = await this.memory.open(path, 'create');
    await file.write([Buffer.from(target)], 0);
    await file.sync();
    await file.close();
  }

  async #followed(path: string): Promise<string> {
    const at = path.indexOf('/current/');
    if (at < 0) return path;
    const folder = path.slice(0, at);
    const link = await this.memory.open(`${folder}/current`, 'read');
    const target = Buffer.alloc(await link.size());
    await link.read(target, 0);
    return `${folder}/${target.toString()}${path.slice(at + '/current'.length)}`;
  }

  async #isFolder(path: string): Promise<boolean> {
    try {
      await this.memory.list(path);
      return true;
    } catch {
      return false;
    }
  }
}
