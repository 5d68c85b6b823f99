import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Files, systemFiles } from '../../kernel/files.ts';
import { naiveRoot } from '../log/testing/naive-tree.ts';
import { content } from './stores.ts';

/** What stands in a store. */
export interface Checked {
  /** SHA-256 of the records in order. */
  readonly records: readonly string[];
  /** Ids of all evidence in order. */
  readonly evidence: readonly string[];
  readonly erased: readonly string[];
  /** What was done, in order: `hold ID`, `release ID`, `erase ID`. */
  readonly actions: readonly string[];
  /** Holds that are on evidence, `id name`, sorted. */
  readonly held: readonly string[];
  /** Entries that the checkpoint covers; undefined without one. */
  readonly checkpoint: number | undefined;
}

interface SealedRecord {
  readonly id: string;
  readonly files: readonly { name: string; bytes: number; sha256: string; header: number; body: string }[];
  readonly sealing: { readonly keys: { readonly bytes: number; readonly sha256: string } } | null;
}

interface Found {
  readonly signer: string;
  readonly leaves: Buffer[];
  readonly evidence: Map<string, SealedRecord>;
  readonly erased: Set<string>;
  readonly held: Set<string>;
  readonly actions: string[];
}

/**
 * Checks a store that is closed as somebody does who trusts nothing of its software: from the description of the format alone, with
 * none of its code. Throws with the first thing that is not as it must be.
 */
export async function checkStore(folder: string, files: Files = systemFiles): Promise<Checked> {
  const read = (...path: string[]) => content(join(folder, ...path), files);
  const key = createPublicKey(await read('public', 'unit.pem'));
  const signer = sha256(key.export({ format: 'der', type: 'spki' }));
  const found: Found = { signer, leaves: [], evidence: new Map(), erased: new Set(), held: new Set(), actions: [] };
  let previous: Buffer | undefined;
  for (const name of await files.list(join(folder, 'journal'))) {
    if (!name.endsWith('.journal')) continue;
    const segment = await read('journal', name);
    checkSegment(name, segment, previous, key, found);
    previous = segment;
  }
  for (const record of found.evidence.values()) await checkPackage(folder, files, record, found.erased.has(record.id));
  return {
    records: found.leaves.map((leaf) => leaf.toString('latin1', 0, 64)),
    evidence: [...found.evidence.keys()],
    erased: [...found.erased],
    actions: found.actions,
    held: [...found.held].sort(),
    checkpoint: await checkLog(folder, files, key, found.leaves),
  };
}

function checkSegment(name: string, segment: Buffer, previous: Buffer | undefined, key: KeyObject, found: Found): void {
  const lines = segment.toString('utf8').split('\n');
  if (lines.pop() !== '') throw new Error(`${name} does not end with a line end`);
  let at = 0;
  for (const [i, line] of lines.entries()) {
    const where = `${name}, line ${i + 1}`;
    const [mark, sequence, durable, length, digest, crc] = line.split(' ', 6);
    const payload = line.slice(112);
    if (mark !== (i === 0 ? 'S1' : 'J1')) throw new Error(`${where} begins with ${mark}`);
    if (Number(length) !== Buffer.byteLength(payload)) throw new Error(`${where} has a wrong length`);
    if (digest !== sha256(payload)) throw new Error(`${where} has a wrong hash`);
    if (crc !== crc32(line.slice(0, 102)).toString(16).padStart(8, '0')) throw new Error(`${where} has a wrong CRC`);
    if (Number(durable) > at) throw new Error(`${where} says that what follows it was durable`);
    at += Buffer.byteLength(line) + 1;
    if (Number(sequence) !== found.leaves.length + 1) throw new Error(`${where} has the number ${sequence}`);
    if (i === 0) checkFirstLine(where, JSON.parse(payload), previous, found.leaves.length + 1);
    else checkEntry(where, payload, key, found);
  }
}

function checkFirstLine(where: string, line: unknown, previous: Buffer | undefined, first: number): void {
  const before = previous === undefined ? null : { bytes: previous.byteLength, sha256: sha256(previous) };
  const due = { first, format: 'atalaya/journal/2', previous: before };
  if (JSON.stringify(line) !== JSON.stringify(due)) throw new Error(`${where} does not continue the segment before`);
}

function checkEntry(where: string, payload: string, key: KeyObject, found: Found): void {
  const bytes = Buffer.from(payload.slice('{"record":'.length, payload.lastIndexOf(',"signature":"')));
  const { record, signature } = JSON.parse(payload);
  const signed = Buffer.from(signature, 'base64');
  if (!verify(null, bytes, key, signed)) throw new Error(`${where}: the signature does not hold`);
  found.leaves.push(Buffer.from(`${sha256(bytes)}  record.json\n${sha256(signed)}  record.sig\n`));
  if (record.sequence !== found.leaves.length) throw new Error(`${where} has a record with number ${record.sequence}`);
  if (record.signer !== found.signer) throw new Error(`${where}: other signer`);
  if (/^atalaya\/evidence\/[34]$/.test(record.schema)) found.evidence.set(record.id, record);
  if (/^atalaya\/action\/[12]$/.test(record.schema)) checkAction(where, record, found);
}

function checkAction(where: string, record: { reason: string; action: Record<string, string> }, found: Found): void {
  const { kind, evidence = '', hold } = record.action;
  if (record.reason === '') throw new Error(`${where} has no reason`);
  if (kind !== 'hold' && kind !== 'release' && kind !== 'erase') return;
  if (!found.evidence.has(evidence)) throw new Error(`${where} is about ${evidence}, which is not there`);
  found.actions.push(`${kind} ${evidence}`);
  if (kind === 'hold') found.held.add(`${evidence} ${hold}`);
  if (kind === 'release' && !found.held.delete(`${evidence} ${hold}`)) throw new Error(`${where} releases nothing`);
  if (kind !== 'erase') return;
  if (found.erased.has(evidence)) throw new Error(`${where} erases ${evidence} once more`);
  for (const one of found.held) if (one.startsWith(`${evidence} `)) throw new Error(`${where} erases what is held`);
  found.erased.add(evidence);
}

async function checkPackage(folder: string, files: Files, record: SealedRecord, erased: boolean): Promise<void> {
  const blob = (room: string, name: string) =>
    content(join(folder, room, name.slice(0, 2), name), files).catch(() => undefined);
  const { id, sealing } = record;
  if (sealing === null) {
    if (record.files.length > 0) throw new Error(`${id} has files that are not sealed`);
    return;
  }
  if (record.files.length === 0) throw new Error(`${id} has no files`);
  const keys = await blob('keys', sealing.keys.sha256);
  if (erased && keys !== undefined) throw new Error(`${id} is erased and has its key file`);
  if (!erased && (keys?.byteLength !== sealing.keys.bytes || sha256(keys) !== sealing.keys.sha256)) {
    throw new Error(`the key file of ${id} is not whole`);
  }
  let at = 0;
  for (const file of record.files) {
    const body = await blob('blobs', file.body);
    if (erased && body !== undefined) throw new Error(`${id} is erased and has the body of ${file.name}`);
    if (erased || keys === undefined) continue;
    const header = keys.subarray(at, at + file.header);
    at += file.header;
    if (!header.toString('latin1').startsWith('age-encryption.org/v1\n'))
      throw new Error(`${file.name} is no age file`);
    const whole = body === undefined ? undefined : Buffer.concat([header, body]);
    if (body === undefined || sha256(body) !== file.body || whole?.byteLength !== file.bytes) {
      throw new Error(`${file.name} of ${id} is not whole`);
    }
    if (sha256(whole) !== file.sha256) throw new Error(`${file.name} of ${id} is not what was sealed`);
  }
  if (keys !== undefined && at !== keys.byteLength) throw new Error(`the key file of ${id} has more than its headers`);
}

async function checkLog(folder: string, files: Files, key: KeyObject, leaves: readonly Buffer[]) {
  const note = await content(join(folder, 'log', 'checkpoint'), files).catch(() => undefined);
  if (note === undefined) return undefined;
  const [text = '', lines = ''] = note.toString('utf8').split('\n\n');
  const [, size, root] = text.split('\n');
  const signature = Buffer.from(/^— \S+ (\S+)$/m.exec(lines)?.[1] ?? '', 'base64').subarray(4);
  if (!verify(null, Buffer.from(`${text}\n`), key, signature)) throw new Error('the checkpoint is not signed');
  const covered = Number(size);
  if (covered > leaves.length) throw new Error(`the checkpoint covers ${covered} of ${leaves.length} entries`);
  if (naiveRoot(leaves.slice(0, covered)).toString('base64') !== root)
    throw new Error('the checkpoint has another root');
  for (let i = 0; i * 256 < covered; i += 1)
    await checkTile(folder, files, i, leaves.slice(i * 256, Math.min(covered, (i + 1) * 256)));
  return covered;
}

async function checkTile(folder: string, files: Files, index: number, leaves: readonly Buffer[]): Promise<void> {
  const name = `${String(index).padStart(3, '0')}${leaves.length === 256 ? '' : `.p/${leaves.length}`}`;
  const hashes = Buffer.concat(leaves.map((leaf) => naiveRoot([leaf])));
  const bundle = Buffer.concat(
    leaves.flatMap((leaf) => [Buffer.of(leaf.byteLength >> 8, leaf.byteLength & 255), leaf]),
  );
  for (const [level, due] of [
    ['0', hashes],
    ['entries', bundle],
  ] as const) {
    const tile = await content(join(folder, 'log', 'tile', level, name), files);
    if (!tile.equals(due)) throw new Error(`tile ${level}/${name} is not that of the journal`);
  }
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
