import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { type NativeBinary, nativeBinary } from './native-binary.ts';

/** A file or link of a program's folder. Paths from its root, with `/`. */
export type TreeEntry =
  | {
      readonly kind: 'file';
      readonly path: string;
      /** Bytes. */
      readonly size: number;
      /** Whether its owner may run it. */
      readonly executable: boolean;
      /** Of native programs and libraries only. */
      readonly binary?: NativeBinary;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** A program's folder, as it was staged. */
export interface ProgramFolder {
  /** Sorted by path, by code units. */
  readonly entries: readonly TreeEntry[];
  /** Text of one of its files. */
  readonly read: (path: string) => string;
}

/** Everything below a folder. Throws `document-refused` for what is neither file, folder nor link. */
export function readProgramFolder(root: string): ProgramFolder {
  const entries: TreeEntry[] = [];
  const walk = (below: string): void => {
    for (const name of readdirSync(join(root, below))) {
      const path = below === '' ? name : `${below}/${name}`;
      const full = join(root, path);
      const stat = lstatSync(full);
      if (stat.isDirectory()) walk(path);
      else if (stat.isSymbolicLink()) entries.push({ kind: 'link', path, target: readlinkSync(full) });
      else if (stat.isFile()) {
        const binary = stat.size < 64 ? undefined : binaryOf(full);
        const executable = (stat.mode & 0o100) !== 0;
        entries.push({ kind: 'file', path, size: stat.size, executable, ...(binary === undefined ? {} : { binary }) });
      } else throw new AtalayaError('document-refused', `${full} is no file, folder or link`);
    }
  };
  walk('');
  return { entries: entries.sort(byPath), read: (path) => readFileSync(join(root, path), 'utf8') };
}

/** Order of a bundle: by code units, so that no machine's language changes it. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

function binaryOf(file: string): NativeBinary | undefined {
  const open = openSync(file, 'r');
  try {
    return nativeBinary((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(open, bytes, 0, length, offset));
    });
  } finally {
    closeSync(open);
  }
}
