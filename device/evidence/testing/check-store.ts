import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Checks a store as somebody does who trusts nothing of its software: from the description of the format alone, with none of its
 * code. Returns the ids found; throws with the first thing that is not as it must be.
 */
export function checkStore(folder: string): readonly string[] {
  const ids: string[] = [];
  const journal = join(folder, 'journal');
  for (const name of readdirSync(journal).sort()) {
    if (!name.endsWith('.journal')) continue;
    const lines = readFileSync(join(journal, name)).toString('utf8').split('\n');
    if (lines.pop() !== '') throw new Error(`${name} does not end with a line end`);
    for (const [i, line] of lines.entries()) {
      const [mark, sequence, , length, digest] = line.split(' ', 6);
      const payload = line.slice(112);
      if (mark !== (i === 0 ? 'S1' : 'J1')) throw new Error(`${name}, line ${i + 1} begins with ${mark}`);
      if (Number(length) !== Buffer.byteLength(payload)) throw new Error(`${name}, line ${i + 1} has a wrong length`);
      if (digest !== hash(Buffer.from(payload))) throw new Error(`${name}, line ${i + 1} has a wrong hash`);
      if (i === 0) continue;
      const { record } = JSON.parse(payload);
      if (record.sequence !== ids.length + 1 || Number(sequence) !== record.sequence) {
        throw new Error(`${name}, line ${i + 1} has the number ${record.sequence}`);
      }
      checkFiles(folder, record);
      ids.push(record.id);
    }
  }
  return ids;
}

function checkFiles(
  folder: string,
  record: { id: string; files: { name: string; sha256: string; bytes: number }[] },
): void {
  if (record.files.length === 0) throw new Error(`${record.id} has no files`);
  for (const { name, sha256, bytes } of record.files) {
    const content = readFileSync(join(folder, 'blobs', sha256.slice(0, 2), sha256));
    if (content.byteLength !== bytes || hash(content) !== sha256)
      throw new Error(`${name} of ${record.id} is not whole`);
  }
}

const hash = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
