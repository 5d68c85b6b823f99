import { readCheckpoint } from './checkpoint.ts';
import { leafOf, readEntry } from './entry.ts';
import { Ledger } from './finding.ts';
import { parseKey, verifies } from './keys.ts';
import { leafHash, rootByInclusion } from './merkle.ts';
import { recordFault } from './record-shape.ts';

/** One entry with what proves it, as a store hands it out. */
export interface EntryProof {
  /** The payload of the journal: canonical JSON of record and signature. */
  readonly payload: Buffer;
  readonly sequence: number;
  /** The unit's public key: SubjectPublicKeyInfo in PEM, or a verifier key. */
  readonly key: string;
  /** From the leaf to the root, and the signed checkpoint over so many entries; absent: only form and signature are looked at. */
  readonly inclusion?: {
    readonly index: number;
    readonly size: number;
    readonly hashes: readonly Buffer[];
    readonly note: string;
  };
}

/**
 * What is wrong with an entry, a sentence each; none where form, shape, signature and place in the log are right. As a whole store is
 * verified, of one entry: whoever tests a unit need not read its journal. Throws `usage-invalid` for what is no key.
 */
export function verifyEntry({ payload, sequence, key: text, inclusion }: EntryProof): readonly string[] {
  const key = parseKey(text);
  const entry = readEntry(payload);
  if ('says' in entry) return [`${entry.says}.`];
  const { record, bytes, signature } = entry;
  const shape = recordFault(record);
  const faults = [
    ...(record.sequence === sequence ? [] : [`The record says that it is number ${record.sequence}.`]),
    ...(record.signer === key.signer ? [] : ['The record names another signer than the given key.']),
    ...(verifies(key, bytes, signature) ? [] : ['The signature is not one of the given key.']),
    ...(shape === undefined ? [] : [shape === 'unknown' ? 'The schema is not known.' : `${shape.says}.`]),
  ];
  if (inclusion === undefined) return faults;
  const { index, size, hashes, note } = inclusion;
  const ledger = new Ledger();
  const checkpoint = readCheckpoint(
    Buffer.from(note),
    { key, witnesses: [] },
    { path: 'checkpoint', part: 'checkpoint', offset: 0 },
    ledger,
  );
  const said = ledger
    .verdict(0)
    .findings.filter(({ severity }) => severity === 'failure')
    .map(({ says }) => says);
  if (checkpoint === undefined) return [...faults, ...said];
  const root = rootByInclusion(leafHash(leafOf(bytes, signature)), index, size, [...hashes]);
  const isIn = index === sequence - 1 && checkpoint.size === size && root?.equals(checkpoint.root) === true;
  return [...faults, ...said, ...(isIn ? [] : ['The proof does not lead from the entry to the checkpoint.'])];
}
