import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { patchBounds } from '../patch/patch-form.ts';
import { madePatch } from '../patch/testing/made-patch.ts';
import { compressArchive } from './compressed.ts';
import { goodManifest } from './testing/made-archive.ts';
import type { ArchiveFile } from './write-archive.ts';
import { writeArchive } from './write-archive.ts';

const run = promisify(execFile);
/** Of the goal for a bundle of 200 MB. */
const mostMemory = 250 * 2 ** 20;
const big = 200 * 2 ** 20;

/** A model bundle of 200 MiB, of which half can be compressed, as its archive. */
function bundle(): AsyncGenerator<Buffer> {
  const random = seededRandom(1);
  const noise = Buffer.from(Uint8Array.from({ length: 2 ** 18 }, () => random() * 256));
  const piece = Buffer.concat([noise, Buffer.alloc(2 ** 18, 'atalaya ')]);
  const manifest = Buffer.from(JSON.stringify({ ...goodManifest, kind: 'model', cpu: undefined }));
  const file = (path: string, size: number, read: ArchiveFile['read']): ArchiveFile => ({
    path,
    executable: false,
    size,
    read,
  });
  return writeArchive([
    file('bundle.json', manifest.byteLength, async function* () {
      yield manifest;
    }),
    file('model.onnx', big, async function* () {
      for (let at = 0; at < big; at += piece.byteLength) {
        piece.writeUInt32LE(at, 0);
        yield Buffer.from(piece);
      }
    }),
  ]);
}

const program = `
  import { Installer } from ${JSON.stringify(join(import.meta.dirname, 'installer.ts'))};
  import { systemTreeFiles } from ${JSON.stringify(join(import.meta.dirname, '../../device/kernel/tree-files.ts'))};
  import { peakMemory } from ${JSON.stringify(join(import.meta.dirname, '../../device/kernel/linux/peak-memory.ts'))};
  const installer = new Installer(systemTreeFiles, { cpu: 'x64' });
  const [target, file, base, folder] = JSON.parse(process.argv[1]);
  const { signal } = new AbortController();
  const outcome =
    base === null
      ? await installer.unpack(target, file, folder, signal)
      : await installer.patch(target, file, base, folder, signal);
  console.log(JSON.stringify({ outcome: outcome.code ?? outcome.kind, memory: peakMemory() }));
`;

test('a bundle of 200 MB is unpacked, and patched by the largest frames there may be, in less than 250 MB of memory', async (t) => {
  const folder = scratchFolder(t);
  const hash = createHash('sha256');
  let length = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const part of bundle()) {
      hash.update(part);
      length += part.byteLength;
      yield part;
    }
  };
  await pipeline(compressArchive(counted(), { level: 1 }), createWriteStream(join(folder, 'whole')));
  const tree = { sha256: hash.digest('hex'), length };
  const { kind: _, ...rest } = goodManifest;
  const target = { target: 'model', length: 1, sha256: tree.sha256, description: { ...rest, kind: 'model', tree } };
  const installed = async (...args: readonly unknown[]): Promise<{ outcome: string; memory: number }> => {
    const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
    return JSON.parse((await run(process.execPath, [...options, JSON.stringify(args)])).stdout);
  };
  const unpacked = await installed(target, join(folder, 'whole'), null, join(folder, 'a'));
  t.log(`unpacked: ${Math.round(unpacked.memory / 2 ** 20)} MiB`);
  t.is(unpacked.outcome, 'installed');
  t.true(unpacked.memory < mostMemory);

  // Half of it is copied, the other half comes out of frames that are zeros and so make another tree: as much work, and refused at the end.
  const { content, prefix } = patchBounds;
  const zeros = zstdCompressSync(Buffer.alloc(content));
  const many = Math.floor(length / 2 / content);
  const frame = { content, size: zeros.byteLength, prefix: [0, prefix] };
  const steps = [0, 0, length - many * content, many * content, 0, 0];
  const header = { base: length, result: length, steps, frames: Array.from({ length: many }, () => frame) };
  writeFileSync(join(folder, 'patch'), madePatch({ header, frames: Array.from({ length: many }, () => zeros) }));
  const other = { ...target, description: { ...target.description, patchFrom: tree.sha256 } };
  const patched = await installed(other, join(folder, 'patch'), join(folder, 'a'), join(folder, 'b'));
  t.log(`patched: ${Math.round(patched.memory / 2 ** 20)} MiB`);
  t.is(patched.outcome, 'patch-result');
  t.true(patched.memory < mostMemory);
});
