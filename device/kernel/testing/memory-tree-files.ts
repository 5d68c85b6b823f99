import type { Random } from '../supervise.ts';
import type { TreeFiles, TreeNode } from '../tree-files.ts';
import { MemoryFiles } from './memory-files.ts';

/** Trees in a memory that forgets what was not synced. Whether a file may be run is as durable as its name. */
export class MemoryTreeFiles extends MemoryFiles implements TreeFiles {
  readonly #executable: Set<string>;

  constructor(root?: ConstructorParameters<typeof MemoryFiles>[0], executable: ReadonlySet<string> = new Set()) {
    super(root);
    this.#executable = new Set(executable);
  }

  async look(path: string): Promise<TreeNode | undefined> {
    const node = await this.kindOf(path);
    if (node === undefined || node.kind === 'folder') return node;
    return { kind: 'file', size: node.size, executable: this.#executable.has(path) };
  }

  async makeExecutable(path: string): Promise<void> {
    this.#executable.add(path);
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    for (const path of [...this.#executable]) {
      if (path === from || path.startsWith(`${from}/`)) {
        this.#executable.delete(path);
        this.#executable.add(to + path.slice(from.length));
      }
    }
  }

  override survivors(random: Random): MemoryTreeFiles {
    const after = new MemoryTreeFiles(this.rootAfter(random), this.#executable);
    after.capacity = this.capacity;
    return after;
  }
}
