import { z } from 'zod';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { AtalayaError } from '../../kernel/errors.ts';

/** The file of a watch list: JSON, signed as a whole. */

export const listSchemaId = 'atalaya/watch-list/1';
export const mostEntries = 200_000;
/** Characters of a file; the longest list that is allowed has two thirds of it. */
export const mostText = 32 * 1024 * 1024;

/** Which plates that differ in one character are reported: see `WatchLists`. */
export const nearnesses = ['every', 'doubtful', 'never'] as const;
export type Nearness = (typeof nearnesses)[number];

export const listName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'is not a small letter followed by at most 39 small letters, digits and dashes');
export const listVersion = z.int().min(1);
const instant = z.iso.datetime({ offset: true, error: 'is no date and time such as 2026-03-01T12:00:00Z' });
export const entryId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$/, 'is not 1 to 64 letters, digits and any of . _ : / # -');

const body = {
  schema: z.literal(listSchemaId),
  name: listName,
  /** Grows with each list of this name; a unit takes no older one than it has had. */
  version: listVersion,
  issued: instant,
  /** From then on nobody uses the list. */
  expires: instant.optional(),
  /** Where absent, `every` of a short list and `doubtful` of a long one. */
  oneOff: z.enum(nearnesses).optional(),
  entries: z
    .array(
      z.strictObject({
        id: entryId,
        plate: z.string().regex(/^[A-Z0-9]{2,10}$/, 'is not 2 to 10 of A-Z and 0-9, without blanks and dashes'),
      }),
    )
    .max(mostEntries, `has more than ${mostEntries} entries`),
};

const signature = z.strictObject({
  /** SHA-256 of the signer's SubjectPublicKeyInfo, hexadecimal. */
  key: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 hexadecimal digits'),
  /** Ed25519 (RFC 8032) over the RFC 8785 canonical JSON of the document without its `signature`, base64. */
  value: z.string().regex(/^[A-Za-z0-9+/]{85}[AQgw]==$/, 'is not the base64 of 64 bytes'),
});

const documentSchema = z.strictObject({ ...body, signature: signature.optional() });

export type ListDocument = z.infer<typeof documentSchema>;
export type UnsignedList = Omit<ListDocument, 'signature'>;

/** The bytes that a signature is over. */
export function signedBytes(list: UnsignedList): Buffer {
  const { schema, name, version, issued, expires, oneOff, entries } = list;
  return Buffer.from(canonicalJson({ schema, name, version, issued, expires, oneOff, entries }));
}

/**
 * Takes the text of a list apart; nothing of it is to be believed before its signature holds. Throws `list-refused` with what is wrong and
 * where. The message repeats nothing that the text says, for it may be a plate: JSON's own messages and values that do not fit are left out,
 * and so are causes.
 */
export function parseList(text: string): ListDocument {
  if (text.length > mostText) {
    throw refused(`has ${text.length} characters; ${mostText} is the most`, `Split it: ${mostEntries} entries a list.`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw refused('is not JSON', signAgain);
  }
  const result = documentSchema.safeParse(document);
  if (result.success) return result.data;
  const { issues } = result.error;
  const faults = issues.slice(0, mostNamed).map(({ path, code, message }) => {
    return `  ${placeOf(path)} ${code === 'unrecognized_keys' ? 'has a field that a watch list does not have' : message}`;
  });
  const more = issues.length - mostNamed;
  throw refused(
    `is not of the form ${listSchemaId}:\n${faults.join('\n')}${more > 0 ? `\n  and ${more} more` : ''}`,
    signAgain,
  );
}

/** A refusal; `why` follows "the watch list" and holds no plate. */
export function refused(why: string, hint: string): AtalayaError {
  return new AtalayaError('list-refused', `the watch list ${why}`, { hint });
}

const signAgain = 'Make it with: atalaya-unit watch-list sign';
const mostNamed = 8;

/** Keys of objects in a path are those of the schema: an unknown one is reported at its parent. */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(document)';
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('');
}
