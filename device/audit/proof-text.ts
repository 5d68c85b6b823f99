import type { EvidenceRecord } from '../evidence/record/record.ts';
import type { Inclusion } from './pack-parts.ts';

/** An inclusion proof with the checkpoint that it is about, as C2SP tlog-proof. */
export function inclusionText({ index, hashes }: Inclusion, checkpoint: string): string {
  return `c2sp.org/tlog-proof@v1\nindex ${index}\n${hashLines(hashes)}\n${checkpoint}`;
}

/** Hashes in base64, a line each. */
export const hashLines = (hashes: readonly Buffer[]): string =>
  hashes.map((hash) => `${hash.toString('base64')}\n`).join('');

/** The frames of the record's clips, a line each, figures as the record writes them; undefined where there is no clip. */
export function clipText({ files }: EvidenceRecord): string | undefined {
  const clips = files.flatMap((file) => (file.role === 'clip' ? [file.frames] : []));
  if (clips.length === 0) return undefined;
  const lines = clips.flat().map((frame) => `${frame.map((figure) => JSON.stringify(figure)).join(' ')}\n`);
  return `frame elapsed-ms first-byte bytes\n${lines.join('')}`;
}
