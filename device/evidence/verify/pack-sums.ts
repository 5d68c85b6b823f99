import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Ledger } from './finding.ts';
import { filesUnder, readUpTo } from './read-file.ts';
import { reasonOf } from './text-forms.ts';

const sumsName = 'SHA256SUMS';
const longestSums = 4 * 1024 * 1024;
const check = 'sha256sum --check --strict';

/** `SHA256SUMS` must name every other file of the pack, once, with its hash. Returns the files that are there. */
export async function checkSums(folder: string, ledger: Ledger): Promise<ReadonlySet<string>> {
  const there = new Set<string>();
  for await (const { path, plain } of filesUnder(folder)) {
    if (plain) there.add(path);
    else
      ledger.fail({
        part: 'file',
        path,
        check: 'spec: audit pack',
        says: 'This is a link, a device or a folder that cannot be read, not a file.',
      });
  }
  const named = await readSums(folder, ledger);
  if (named === undefined) return there;
  for (const [path, digest] of named) {
    if (!there.has(path)) {
      ledger.fail({ part: 'sums', path, check, says: `${sumsName} names this file; it is not there.` });
      continue;
    }
    const found = await digestOf(join(folder, path), ledger);
    if (found === digest) continue;
    const says = found.startsWith('The')
      ? found
      : `One or more bytes of this file, or its line in ${sumsName}, were changed: the hashes differ.`;
    ledger.fail({ part: 'sums', path, check, says });
  }
  for (const path of there) {
    if (path === sumsName || named.has(path)) continue;
    ledger.fail({ part: 'sums', path, check, says: `${sumsName} does not name this file.` });
  }
  return there;
}

/** SHA-256 of a file, or in a sentence why it cannot be read. */
async function digestOf(path: string, ledger: Ledger): Promise<string> {
  const hashed = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) {
      hashed.update(chunk as Buffer);
      ledger.counts.bytes += (chunk as Buffer).byteLength;
    }
    return hashed.digest('hex');
  } catch (error) {
    return `The file cannot be read (${reasonOf(error)}).`;
  }
}

async function readSums(folder: string, ledger: Ledger): Promise<ReadonlyMap<string, string> | undefined> {
  const where = { part: 'sums' as const, path: sumsName, check };
  const content = await readUpTo(join(folder, sumsName), longestSums);
  if (!Buffer.isBuffer(content)) {
    ledger.fail({ ...where, says: content === 'absent' ? 'The file is missing.' : content.says });
    return undefined;
  }
  const named = new Map<string, string>();
  const lines = content.toString('utf8').split('\n');
  const rest = lines.pop() ?? '';
  let byte = 0;
  for (const line of lines) {
    const match = /^([0-9a-f]{64}) {2}([^\\]+)$/.exec(line);
    const path = match?.[2] ?? '';
    if (match === null) ledger.fail({ ...where, byte, says: 'This line is no hash and name.' });
    else if (!isPackPath(path)) ledger.fail({ ...where, byte, says: 'This line names no file of the pack.' });
    else if (named.has(path))
      ledger.fail({ ...where, byte, says: 'This line names a file that a line before it names.' });
    else named.set(path, match[1] as string);
    byte += Buffer.byteLength(line) + 1;
  }
  if (rest !== '') ledger.fail({ ...where, byte, says: 'The last line does not end with a line end.' });
  return named;
}

/** A path that stays in the pack, and has one spelling. */
const isPackPath = (path: string): boolean =>
  path !== sumsName && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
