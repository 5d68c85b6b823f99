import { z } from 'zod';
import { digest, evidenceId, fileName } from '../../contract/names.ts';

/** A sealed file as it travels: the key file of a package, or the body of one of its files (the header stands in the key file). */
export interface SealedFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes of the longest file that is fetched. */
const longestFile = 1024 ** 3;
const bytes = z.int().min(1).max(longestFile);

/** What is read of a record of evidence here; everything else passes. */
const packaged = z.looseObject({
  id: evidenceId,
  files: z.array(z.looseObject({ name: fileName, bytes, header: z.int().min(0), body: digest })).max(200),
  sealing: z.looseObject({ keys: z.looseObject({ bytes, sha256: digest }) }).nullable(),
});

/** The name under which the key file of a package is asked for. */
export const keyFile = 'keys';

export interface SealedPackage {
  readonly evidence: string;
  readonly files: readonly SealedFile[];
}

/** The files of a record; undefined where it is none of evidence, or seals nothing. */
export function sealedPackageOf(record: unknown): SealedPackage | undefined {
  const read = packaged.safeParse(record);
  if (!read.success || read.data.sealing === null) return undefined;
  const { id, files, sealing } = read.data;
  const bodies = files.map(({ name, bytes: whole, header, body }) => ({
    file: name,
    bytes: whole - header,
    sha256: body,
  }));
  const sealed = [{ file: keyFile, ...sealing.keys }, ...bodies].map(({ file, bytes: size, sha256 }) => ({
    file,
    bytes: size,
    sha256,
  }));
  return sealed.some(({ bytes: size }) => size < 1) ? undefined : { evidence: id, files: sealed };
}

/** The sequence of a record in the ledger of its unit, from its id; undefined for any other text. */
export function sequenceOfEvidence(unit: string, evidence: string): number | undefined {
  const [, name, digits] = /^(.+)-(\d{9,15})$/.exec(evidence) ?? [];
  return name === unit && digits !== undefined ? Number(digits) : undefined;
}
