import { canonicalJson } from '../../kernel/canonical-json.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';
import { type PlateFile, type PlateStatement, plateFile, plateSchema } from '../record/plate-file.ts';

/** A source of random bytes that nobody can foresee: `randomBytes` of `node:crypto`. */
export type RandomBytes = (size: number) => Uint8Array;

/** Bytes of the salt: with 256 random bits nobody finds a plate by trying all plates. */
const saltBytes = 32;

/** The file's size is a multiple of this: more than the reads that a vote keeps take, so that every file has one and the same size. */
export const plateStep = 24_576;

/**
 * Commits to all that is stated of a plate without showing it: `content` is the canonical JSON of a plate file, to be sealed;
 * `commitment` (public) is its SHA-256, so that whoever opens the file checks it with `sha256sum`. Throws `internal`, without
 * repeating anything of the plate, for a statement that could not be read back.
 */
export function sealPlate(
  statement: PlateStatement,
  randomBytes: RandomBytes,
): { readonly commitment: string; readonly content: Buffer } {
  const salt = Buffer.from(randomBytes(saltBytes)).toString('hex');
  const bare: PlateFile = { ...statement, schema: plateSchema, salt, padding: '' };
  const checked = plateFile.safeParse(bare);
  if (!checked.success) {
    const places = checked.error.issues.map(({ path }) => path.join('.')).join(', ');
    throw new AtalayaError('internal', `this is no statement of a plate: ${places}`);
  }
  const left = Buffer.byteLength(canonicalJson(bare)) % plateStep;
  const content = Buffer.from(canonicalJson({ ...bare, padding: ' '.repeat(left === 0 ? 0 : plateStep - left) }));
  return { commitment: sha256(content), content };
}

/** Whether `content`, opened from its file, is what the commitment was made to. */
export const opensCommitment = (content: Uint8Array, commitment: string): boolean => sha256(content) === commitment;

/** What an opened plate file says; undefined where it is not one. */
export function readPlate(content: Uint8Array): PlateFile | undefined {
  try {
    return plateFile.parse(JSON.parse(Buffer.from(content).toString('utf8')));
  } catch {
    return undefined;
  }
}
