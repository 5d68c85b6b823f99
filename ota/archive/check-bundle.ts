import { z } from 'zod';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { type BundleManifest, bundleManifest, manifestName, startName } from '../contract/bundle.ts';
import type { Installed } from '../contract/parts.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { TargetDescription } from '../contract/target.ts';

/** What native programs have to be built for. */
export type MachineCpu = 'x64' | 'arm64';

const longestManifest = 64 * 1024;
/** e_machine (ELF gABI 4.1, figure 4-4 and its supplements). */
const machines: Record<MachineCpu, number> = { x64: 62, arm64: 183 };

/**
 * Compares what an unpacked tree says of itself with what the metadata says of it. Refused: `bundle-malformed` (no manifest that can be read, no
 * program to start), `bundle-mismatch`, and `bundle-cpu` where a program or its Node is for another processor than this machine's.
 */
export async function checkBundle(
  files: TreeFiles,
  folder: string,
  description: TargetDescription,
  cpu: MachineCpu,
): Promise<Installed | UpdateRefused> {
  const text = await beginningOf(files, `${folder}/${manifestName}`, longestManifest + 1);
  if (text === undefined) return refusedUpdate('bundle-malformed', `the bundle has no ${manifestName}`);
  if (text.byteLength > longestManifest) return refusedUpdate('bundle-malformed', `${manifestName} is too long`);
  const read = bundleManifest.safeParse(jsonOf(text));
  if (!read.success) {
    return refusedUpdate('bundle-malformed', `${manifestName} cannot be read: ${z.prettifyError(read.error)}`);
  }
  const manifest = read.data;
  const other = disagreement(manifest, description);
  if (other !== undefined)
    return refusedUpdate('bundle-mismatch', `${manifestName} has another ${other} than the metadata`);
  const unfit = manifest.kind === 'program' ? await checkProgram(files, folder, manifest, cpu) : undefined;
  return unfit ?? { kind: 'installed', manifest };
}

function disagreement(manifest: BundleManifest, description: TargetDescription): string | undefined {
  const single = (['kind', 'name', 'version', 'release', 'unit'] as const).find(
    (key) => manifest[key] !== description[key],
  );
  if (single !== undefined) return single;
  const [said, signed] = [manifest, description].map(({ hardware }) => [...new Set(hardware)].sort().join(' '));
  return said === signed ? undefined : 'hardware';
}

async function checkProgram(
  files: TreeFiles,
  folder: string,
  manifest: BundleManifest,
  cpu: MachineCpu,
): Promise<UpdateRefused | undefined> {
  if (manifest.cpu !== cpu) {
    return refusedUpdate('bundle-cpu', `the program is for ${manifest.cpu ?? 'no processor'}, the machine is ${cpu}`);
  }
  const start = await files.look(`${folder}/${startName}`);
  if (start?.kind !== 'file' || !start.executable) {
    return refusedUpdate('bundle-malformed', `the bundle has no program ${startName}`);
  }
  const node = `node_modules/node-linux-${cpu}/bin/node`;
  const head = await beginningOf(files, `${folder}/${node}`, 20);
  if (head === undefined) return refusedUpdate('bundle-malformed', `the bundle has no ${node}`);
  // 64 bits, least byte first.
  const elf = head.byteLength === 20 && head.toString('latin1', 0, 6) === '\x7fELF\x02\x01';
  if (elf && head.readUInt16LE(18) === machines[cpu]) return undefined;
  return refusedUpdate('bundle-cpu', `${node} is no program for ${cpu}`);
}

/** The first bytes of a file; undefined where there is none. */
async function beginningOf(files: TreeFiles, path: string, most: number): Promise<Buffer | undefined> {
  try {
    if ((await files.look(path))?.kind !== 'file') return undefined;
    const file = await files.open(path, 'read');
    try {
      const bytes = Buffer.alloc(most);
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new AtalayaError('store-failed', `${path} cannot be read (${systemCode(cause)})`, { cause });
  }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
