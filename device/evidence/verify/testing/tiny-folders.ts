import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { canonicalJson } from '../../../kernel/canonical-json.ts';
import { digest, type TinyEntry, type TinyUnit } from './tiny-unit.ts';

/** Paths and contents of a folder: what a test writes, and changes before it is verified. */
export type Tree = Map<string, Buffer>;

const put = (tree: Tree, path: string, content: Buffer | string): void => {
  tree.set(path, Buffer.from(content));
};

export function payloadOf({ record, signature }: TinyEntry): Buffer {
  return Buffer.from(`{"record":${record.toString()},"signature":"${signature.toString('base64')}"}`);
}

/** One line of the journal. */
export function frame(mark: string, sequence: number, durable: number, payload: Buffer): Buffer {
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  const head = `${mark} ${pad(sequence, 12)} ${pad(durable, 12)} ${pad(payload.byteLength, 8)} ${digest(payload)}`;
  const crc = crc32(head).toString(16).padStart(8, '0');
  return Buffer.concat([Buffer.from(`${head} ${crc} `), payload, Buffer.from('\n')]);
}

export interface JournalLine {
  readonly sequence: number;
  readonly payload: Buffer;
}

export const linesOf = (unit: TinyUnit): JournalLine[] =>
  unit.entries.map((entry, index) => ({ sequence: index + 1, payload: payloadOf(entry) }));

/** Segments of at most `most` lines, chained as they should be, of whatever lines there are. */
export function putJournal(tree: Tree, lines: readonly JournalLine[], most = 1000): void {
  let previous: { bytes: number; sha256: string } | null = null;
  for (let at = 0; at === 0 || at < lines.length; at += most) {
    const some = lines.slice(at, at + most);
    const first = some[0]?.sequence ?? 1;
    const head = Buffer.from(canonicalJson({ first, format: 'atalaya/journal/2', previous }));
    const frames = [frame('S1', first, 0, head)];
    let durable = frames[0]?.byteLength ?? 0;
    for (const { sequence, payload } of some) {
      const one = frame('J1', sequence, durable, payload);
      frames.push(one);
      durable += one.byteLength;
    }
    const segment = Buffer.concat(frames);
    put(tree, `journal/${String(first).padStart(12, '0')}.journal`, segment);
    previous = { bytes: segment.byteLength, sha256: digest(segment) };
  }
}

/** Tiles and bundles of a tree of this size, with partial ones of `older` sizes as well. */
export function putTiles(tree: Tree, unit: TinyUnit, size: number): void {
  for (let level = 0, span = 1; Math.floor(size / span) > 0; level += 1, span *= 256) {
    const hashes = Math.floor(size / span);
    for (let at = 0; at < hashes; at += 256) {
      const some = Array.from({ length: Math.min(256, hashes - at) }, (_, index) =>
        unit.root((at + index) * span, (at + index + 1) * span),
      );
      put(tree, `log/tile/${level}/${place(at / 256, some.length)}`, Buffer.concat(some));
    }
  }
  for (let at = 0; at < size; at += 256) {
    const some = Array.from({ length: Math.min(256, size - at) }, (_, index) => unit.leaf(at + index));
    const bundle = some.flatMap((leaf) => [Buffer.of(leaf.byteLength >> 8, leaf.byteLength & 255), leaf]);
    put(tree, `log/tile/entries/${place(at / 256, some.length)}`, Buffer.concat(bundle));
  }
}

function place(index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/.../g) ?? [];
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return width === 256 ? path : `${path}.p/${width}`;
}

export interface StoreShape {
  /** Entries that the checkpoint covers. */
  readonly size?: number;
  readonly perSegment?: number;
}

export function storeOf(unit: TinyUnit, { size = unit.entries.length, perSegment = 1000 }: StoreShape = {}): Tree {
  const tree: Tree = new Map();
  putJournal(tree, linesOf(unit), perSegment);
  for (const { files, keys, erased } of unit.packages.values()) {
    if (erased || files.length === 0) continue;
    put(tree, `keys/${digest(keys).slice(0, 2)}/${digest(keys)}`, keys);
    for (const { body } of files) put(tree, `blobs/${digest(body).slice(0, 2)}/${digest(body)}`, body);
  }
  putTiles(tree, unit, size);
  put(tree, 'log/checkpoint', unit.checkpoint(size));
  put(tree, 'public/unit.pem', unit.pem);
  put(tree, 'public/unit.vkey', `${unit.vkey}\n`);
  put(tree, 'lock', '1234\n');
  return tree;
}

export interface PackShape {
  readonly since?: number;
  readonly erasure?: number;
}

export function packOf(unit: TinyUnit, sequence: number, { since, erasure }: PackShape = {}): Tree {
  const tree: Tree = new Map();
  const checkpoint = unit.checkpoint();
  const entry = (below: string, at: number, inclusion: string) => {
    const { record, signature } = unit.entries[at - 1] as TinyEntry;
    put(tree, `${below}record.json`, record);
    put(tree, `${below}record.sig`, signature);
    put(tree, `${below}leaf`, unit.leaf(at - 1));
    const hashes = unit.inclusion(at - 1).map((hash) => `${hash.toString('base64')}\n`);
    put(tree, inclusion, `c2sp.org/tlog-proof@v1\nindex ${at - 1}\n${hashes.join('')}\n${checkpoint}`);
  };
  entry('', sequence, 'log/inclusion');
  if (erasure !== undefined) entry('erasure/', erasure, 'erasure/inclusion');
  put(tree, 'log/checkpoint', checkpoint);
  if (since !== undefined) {
    put(tree, 'log/since', unit.checkpoint(since));
    put(
      tree,
      'log/consistency',
      unit
        .consistency(since)
        .map((hash) => `${hash.toString('base64')}\n`)
        .join(''),
    );
  }
  if (erasure === undefined) {
    for (const { name, header, body } of unit.packages.get(sequence)?.files ?? []) {
      put(tree, `files/${name}.age`, Buffer.concat([header, body]));
    }
  }
  put(tree, 'keys/unit.pem', unit.pem);
  put(tree, 'keys/unit.vkey', `${unit.vkey}\n`);
  put(tree, 'sheet.html', '<p>for people</p>\n');
  put(tree, 'VERIFY.md', 'openssl, sha256sum\n');
  putSums(tree);
  return tree;
}

/** Names every file that is there, as it is there. */
export function putSums(tree: Tree): void {
  tree.delete('SHA256SUMS');
  const lines = [...tree].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, bytes]) => `${digest(bytes)}  ${path}\n`);
  put(tree, 'SHA256SUMS', lines.join(''));
}

/** Writes a tree into a new folder. */
export function written(tree: Tree): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'atalaya-verify-'));
  for (const [name, bytes] of tree) writeInto(path, name, bytes);
  if (readdirSync(path).length !== new Set([...tree.keys()].map((name) => name.split('/')[0])).size)
    throw new Error('not written');
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function writeInto(folder: string, name: string, bytes: Buffer): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), bytes);
}
