import { fromBase64, fromDecimal } from './text-forms.ts';

export interface ProofFault {
  readonly byte: number;
  readonly says: string;
}

export interface InclusionText {
  readonly index: number;
  readonly hashes: readonly Buffer[];
  readonly note: Buffer;
  /** Where the note begins. */
  readonly noteAt: number;
}

/** Beyond this a text is no proof: a tree has at most 63 levels. */
export const longestProof = 128 * 1024;
const mostHashes = 64;

/** C2SP tlog-proof: version line, index, hashes, empty line, checkpoint. */
export function readInclusion(bytes: Buffer): InclusionText | ProofFault {
  const split = bytes.indexOf('\n\n');
  if (split === -1) return { byte: bytes.byteLength, says: 'there is no empty line between proof and checkpoint' };
  const lines = bytes.toString('utf8', 0, split).split('\n');
  const [version = '', second = '', ...rest] = lines;
  if (version !== 'c2sp.org/tlog-proof@v1') return { byte: 0, says: 'the first line is not c2sp.org/tlog-proof@v1' };
  const at = version.length + 1;
  const index = second.startsWith('index ') ? fromDecimal(second.slice('index '.length)) : undefined;
  if (index === undefined) return { byte: at, says: 'the second line is not the index of an entry' };
  const hashes = readHashes(rest, at + Buffer.byteLength(second) + 1);
  if (!Array.isArray(hashes)) return hashes as ProofFault;
  return { index, hashes, note: bytes.subarray(split + 2), noteAt: split + 2 };
}

/** A hash a line, each with its line end. */
export function readHashLines(bytes: Buffer): readonly Buffer[] | ProofFault {
  const text = bytes.toString('utf8');
  if (text === '') return [];
  if (!text.endsWith('\n')) return { byte: bytes.byteLength, says: 'the last line does not end with a line end' };
  return readHashes(text.slice(0, -1).split('\n'), 0);
}

function readHashes(lines: readonly string[], from: number): readonly Buffer[] | ProofFault {
  if (lines.length > mostHashes) return { byte: from, says: `there are more than ${mostHashes} hashes` };
  const hashes: Buffer[] = [];
  let byte = from;
  for (const line of lines) {
    const hash = fromBase64(line);
    if (hash?.byteLength !== 32) return { byte, says: 'a line is not the base64 of a hash of 32 bytes' };
    hashes.push(hash);
    byte += Buffer.byteLength(line) + 1;
  }
  return hashes;
}

export const isProofFault = (value: object): value is ProofFault => 'says' in value;
