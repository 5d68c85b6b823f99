import { AtalayaError } from '../../../device/kernel/errors.ts';
import { evidenceId, fileName, unitId } from '../../contract/names.ts';
import { blockBytes } from '../../contract/topics.ts';
import type { BlobName } from './blobs.ts';

/** Highest number of a block that a unit can name. */
const highestBlock = 9_999_999;

/** The levels of a path or a key. Throws `internal` for what was not checked at the edge: nothing of it may lead elsewhere. */
export function levelsOf({ unit, evidence, file }: BlobName): readonly [string, string, string] {
  const sound =
    unitId.safeParse(unit).success && evidenceId.safeParse(evidence).success && fileName.safeParse(file).success;
  if (!sound) throw new AtalayaError('internal', 'this is no name of a blob');
  return [unit, evidence, file];
}

export function titleOf({ unit, evidence, file }: BlobName): string {
  return `${file} of ${evidence} of ${unit}`;
}

/** Throws `internal` for what no unit may send. */
export function checkBlock(block: number, content: Uint8Array): void {
  if (!Number.isInteger(block) || block < 0 || block > highestBlock)
    throw new AtalayaError('internal', `${block} is no number of a block`);
  if (content.byteLength === 0 || content.byteLength > blockBytes)
    throw new AtalayaError('internal', `a block has 1 to ${blockBytes} bytes, not ${content.byteLength}`);
}

export function blocksIn(bytes: number): number {
  return Math.ceil(bytes / blockBytes);
}

/** How long a block of a blob has to be. */
function bytesOf(block: number, bytes: number): number {
  return Math.min(blockBytes, bytes - block * blockBytes);
}

export function mismatch(name: BlobName, why: string): AtalayaError {
  return new AtalayaError('blob-mismatch', `${titleOf(name)} ${why}`, {
    hint: 'Ask the unit for it again; if it stays so, its store differs from its signed record.',
  });
}

/** Why blocks cannot be the whole: the missing ones, which may still come; undefined where all are there. */
export function lacking(there: { has(block: number): boolean }, bytes: number): string | undefined {
  const missing: number[] = [];
  for (let block = 0; block < blocksIn(bytes); block += 1) if (!there.has(block)) missing.push(block);
  if (missing.length === 0) return undefined;
  return `lacks ${missing.length} of its ${blocksIn(bytes)} blocks, the first of them ${missing[0]}`;
}

/** Why blocks, none of which is missing, cannot be the whole, as far as their lengths (bytes) tell. */
export function wrongBlock(blocks: ReadonlyMap<number, number>, bytes: number): string | undefined {
  for (const [block, length] of blocks) {
    if (block >= blocksIn(bytes))
      return `has a block ${block}, and its record says that it has ${blocksIn(bytes)} blocks`;
    if (length !== bytesOf(block, bytes)) return `has ${length} bytes in block ${block}`;
  }
  return undefined;
}
