import { listSchemaId, type Nearness, signedBytes, type UnsignedList } from './list-document.ts';
import type { ListEntry } from './plate-table.ts';

/** What is to be signed. */
export interface ListDraft {
  readonly name: string;
  readonly version: number;
  /** ISO 8601. */
  readonly issued: string;
  readonly expires?: string | undefined;
  readonly oneOff?: Nearness | undefined;
  readonly entries: readonly ListEntry[];
}

/** An Ed25519 key, wherever its private half lies. */
export interface ListSigner {
  /** Hexadecimal SHA-256 of its SubjectPublicKeyInfo. */
  readonly id: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/**
 * The text of a signed list, an entry a line. It is written as it is asked for: whoever hands it out opens it first (`openWatchList`), which
 * refuses what no unit would take.
 */
export async function signWatchList(draft: ListDraft, signer: ListSigner): Promise<string> {
  const { name, version, issued, expires, oneOff, entries } = draft;
  const list: UnsignedList = {
    schema: listSchemaId,
    name,
    version,
    issued,
    ...(expires === undefined ? {} : { expires }),
    ...(oneOff === undefined ? {} : { oneOff }),
    entries: entries.map(({ id, plate }) => ({ id, plate })),
  };
  const value = Buffer.from(await signer.sign(signedBytes(list))).toString('base64');
  const { entries: rows, ...head } = list;
  const signature = { key: signer.id, value };
  const lines = rows.map((row) => JSON.stringify(row)).join(',\n');
  const ends = JSON.stringify({ ...head, signature }).slice(0, -1);
  return `${ends},"entries":[\n${lines}\n]}\n`;
}
