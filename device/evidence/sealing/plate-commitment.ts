import { z } from 'zod';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';

/** A source of random bytes that nobody can foresee: `randomBytes` of `node:crypto`. */
export type RandomBytes = (size: number) => Uint8Array;

/** Bytes of the salt: with 256 random bits nobody finds a plate by trying all plates. */
const saltBytes = 32;

const plate = z.strictObject({ salt: z.string().regex(/^[0-9a-f]{64}$/), text: z.string().min(1) });

/**
 * Commits to the text of a plate without showing it: `commitment` (public) is the SHA-256 of `salt:text`, `content` the canonical
 * JSON of salt and text, to be sealed as a file of the package. Who opens the file can show that it says what was committed to.
 */
export function sealPlate(text: string, randomBytes: RandomBytes): { commitment: string; content: Buffer } {
  if (text === '') throw new AtalayaError('internal', 'there is no plate to commit to');
  const salt = Buffer.from(randomBytes(saltBytes)).toString('hex');
  return { commitment: commitmentTo(salt, text), content: Buffer.from(canonicalJson({ salt, text })) };
}

/** Whether `content`, opened from its file, is what the commitment was made to. */
export function opensCommitment(content: Uint8Array, commitment: string): boolean {
  const read = readPlate(content);
  return read !== undefined && commitmentTo(read.salt, read.text) === commitment;
}

/** What an opened plate file says; undefined where it is not one. */
export function readPlate(content: Uint8Array): { readonly salt: string; readonly text: string } | undefined {
  try {
    return plate.parse(JSON.parse(Buffer.from(content).toString('utf8')));
  } catch {
    return undefined;
  }
}

function commitmentTo(salt: string, text: string): string {
  return sha256(`${salt}:${text}`);
}
