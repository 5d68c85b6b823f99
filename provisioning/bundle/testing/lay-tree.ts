import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NativeBinary } from '../native-binary.ts';
import type { BundleTree } from '../plan-bundle.ts';
import { elf } from './made-elf.ts';

/** Lays a made tree on the disk, in its order or turned round, so that reading it as a folder gives it again. */
export function layTree({ entries, read }: BundleTree, folder: string, turned = false): void {
  for (const entry of turned ? entries.toReversed() : entries) {
    const path = join(folder, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    if (entry.kind === 'link') symlinkSync(entry.target, path);
    else {
      const content = entry.binary === undefined ? read(entry.path) : binaryOf(entry.binary);
      writeFileSync(path, content, { mode: entry.executable ? 0o755 : 0o644 });
    }
  }
}

function binaryOf(binary: NativeBinary): Buffer {
  if (binary.kind === 'elf') return elf(binary.cpu === 'arm64' ? 183 : 62, binary.needs);
  return Buffer.concat([Buffer.from('cffaedfe', 'hex'), Buffer.alloc(100)]);
}
