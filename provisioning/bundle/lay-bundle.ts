import { chmodSync, constants, copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KeptEntry } from './plan-bundle.ts';

/** Writes what is kept of `from` as a folder of its own, with the modes of the plan. What was at `to` is removed first. */
export function layBundle(kept: readonly KeptEntry[], from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  for (const entry of kept) {
    const path = join(to, entry.path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    if (entry.kind === 'link') symlinkSync(entry.target, path);
    else {
      // Never a second name of the same file: whoever edits the program would edit the bundle.
      copyFileSync(join(from, entry.path), path, constants.COPYFILE_FICLONE);
      chmodSync(path, entry.mode);
    }
  }
}
