import type { Checkpoint } from './checkpoint.ts';

/** Evidence that a leaf stands in a tree. */
export interface InclusionProof {
  /** Of the leaf, from 0. */
  readonly index: number;
  /** Leaves of the tree. */
  readonly size: number;
  readonly leafHash: Buffer;
  /** From the sibling of the leaf up to the child of the root. */
  readonly hashes: readonly Buffer[];
  /** The signed checkpoint of that very size, where it is the newest. */
  readonly checkpoint: Checkpoint | undefined;
}

/** An offline proof (https://c2sp.org/tlog-proof): index, hashes and the signed checkpoint that they lead to. */
export function formatInclusion({ index, hashes }: Pick<InclusionProof, 'index' | 'hashes'>, note: string): string {
  return `c2sp.org/tlog-proof@v1\nindex ${index}\n${formatHashes(hashes)}\n${note}`;
}

/** A consistency proof: one hash in base64 a line. */
export function formatConsistency(hashes: readonly Buffer[]): string {
  return formatHashes(hashes);
}

function formatHashes(hashes: readonly Buffer[]): string {
  return hashes.map((hash) => `${hash.toString('base64')}\n`).join('');
}
