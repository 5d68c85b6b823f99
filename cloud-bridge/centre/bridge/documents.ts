import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Archive, DocumentKind } from '../archive/archive.ts';

/** How often a change is tried that others come before. */
const mostTries = 20;

/**
 * Changes a document whoever else changes it at the same time: `change` is asked again with what stands then. What it returns unchanged,
 * the same object or the same JSON, is not written. `elsewhere`: what stands in its place where there is none. Throws what the archive
 * throws, `archive-unavailable` where others are always before.
 */
export async function changeDocument(
  archive: Pick<Archive, 'document' | 'putDocument'>,
  kind: DocumentKind,
  key: string,
  change: (before: JsonValue | undefined) => JsonValue,
  elsewhere: () => Promise<JsonValue | undefined> = async () => undefined,
): Promise<JsonValue> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const standing = await archive.document(kind, key);
    const before = standing === undefined ? await elsewhere() : standing.value;
    const after = change(before);
    if (before !== undefined && (after === before || canonicalJson(after) === canonicalJson(before))) return after;
    if (await archive.putDocument(kind, key, after, standing?.version ?? 0)) return after;
  }
  throw new AtalayaError('archive-unavailable', `the ${kind} ${key} changes faster than it can be written`);
}
