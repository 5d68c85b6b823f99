/** Why an update is refused, or a part of it not taken: every reason has its code, and an attack its own. */
export const refusalCodes = [
  // Metadata, by the clause of the TUF specification (1.0.33) that it breaks.
  'metadata-malformed',
  'metadata-absent',
  'root-missing',
  'root-threshold',
  'root-rollback',
  'timestamp-signature',
  'timestamp-rollback',
  'timestamp-expired',
  'snapshot-signature',
  'snapshot-mismatch',
  'snapshot-rollback',
  'snapshot-expired',
  'targets-signature',
  'targets-mismatch',
  'targets-rollback',
  'targets-expired',
  'root-expired',
  'metadata-endless',
  'clock-not-good',
  // The two repositories, and what they say of this unit (Uptane, full verification).
  'repositories-disagree',
  'wrong-unit',
  'wrong-hardware',
  'release-rollback',
  'target-unknown',
  'description-malformed',
  'job-expired',
  'job-replayed',
  'job-contradictory',
  // What was downloaded.
  'target-truncated',
  'target-padded',
  'target-hash',
  'target-endless',
  'target-absent',
  // The archive.
  'archive-malformed',
  'archive-path',
  'archive-link',
  'archive-device',
  'archive-duplicate',
  'archive-bomb',
  'archive-tree',
  'archive-incomplete',
  // A patch; the whole is taken in its place.
  'patch-base',
  'patch-malformed',
  'patch-result',
  // The bundle that was unpacked.
  'bundle-malformed',
  'bundle-mismatch',
  'bundle-cpu',
  'bundle-unreadable-data',
  'component-unfit',
  'no-room',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** An expected outcome: nothing was changed. */
export interface UpdateRefused {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** One sentence for a person. */
  readonly detail: string;
}

export const refusedUpdate = (code: RefusalCode, detail: string): UpdateRefused => ({ kind: 'refused', code, detail });

/** Characters. */
export const longestReason = 500;

/** Words as files, reports and screens carry them: one line, and no longer than that. */
export function reasonLine(words: string): string {
  const line = words
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+\s*/gu, ' ')
    .trim()
    .toWellFormed();
  if (line === '') return 'no reason was given';
  return line.length <= longestReason ? line : `${line.slice(0, longestReason - 3).toWellFormed()}...`;
}

/** As reports carry it. */
export const reasonOf = ({ code, detail }: UpdateRefused): string => `${code}: ${detail}`;
