import { type KeyObject, sign } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JournalLine, putJournal, type Tree } from '../../evidence/verify/testing/tiny-folders.ts';
import { canonicalJson } from '../../kernel/canonical-json.ts';

/** Somebody who can write to the journal, makes every frame, hash and chain fit again, and has no signing key. */

export type { JournalLine } from '../../evidence/verify/testing/tiny-folders.ts';

const headBytes = 112;

/** The entries of a store's journal, in order. */
export async function linesIn(store: string): Promise<readonly JournalLine[]> {
  const lines: JournalLine[] = [];
  for (const name of (await readdir(join(store, 'journal'))).sort()) {
    for (const line of (await readFile(join(store, 'journal', name), 'latin1')).split('\n')) {
      if (!line.startsWith('J1 ')) continue;
      lines.push({ sequence: Number(line.slice(3, 15)), payload: Buffer.from(line.slice(headBytes), 'latin1') });
    }
  }
  return lines;
}

/** Writes the journal anew from changed entries. */
export async function changeJournal(
  store: string,
  change: (lines: readonly JournalLine[]) => readonly JournalLine[],
): Promise<void> {
  const tree: Tree = new Map();
  putJournal(tree, change(await linesIn(store)), 20);
  await rm(join(store, 'journal'), { recursive: true });
  await mkdir(join(store, 'journal'));
  for (const [path, bytes] of tree) await writeFile(join(store, path), bytes);
}

interface SealedRecord {
  readonly id: string;
  readonly boot: string;
  readonly signer: string;
  readonly sealed: object;
  readonly sealing: { readonly keys: { readonly sha256: string } };
  readonly files: readonly { readonly body: string }[];
}

/** The next entry: an erasure of entry `of` as the unit would state it, signed by a key that is not the unit's. */
export function forgedErasure(
  lines: readonly JournalLine[],
  of: number,
  unit: string,
  key: KeyObject,
): { readonly line: JournalLine; readonly keys: string; readonly bodies: readonly string[] } {
  const { record } = JSON.parse(String(lines[of - 1]?.payload)) as { readonly record: SealedRecord };
  const sequence = lines.length + 1;
  const bodies = record.files.map(({ body }) => body);
  const keys = record.sealing.keys.sha256;
  const erasure = canonicalJson({
    schema: 'atalaya/action/2',
    unit,
    boot: record.boot,
    sequence,
    signer: record.signer,
    time: JSON.parse(JSON.stringify(record.sealed)),
    actor: { kind: 'person', name: 'Nobody', account: 'nobody' },
    reason: 'none',
    action: { kind: 'erase', evidence: record.id, keys, bodies },
  });
  const signature = sign(null, Buffer.from(erasure), key).toString('base64');
  return { line: { sequence, payload: Buffer.from(`{"record":${erasure},"signature":"${signature}"}`) }, keys, bodies };
}
