import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { clerk, linesOf } from '../../evidence/testing/stores.ts';
import type { Finding, Part, Verdict } from '../../evidence/verify/finding.ts';
import { type DataShape, idOf, type MadeData, madeData, manyActs, sealWhole } from './made-data.ts';

/** What the tampering is done to: evidence of every kind, in many segments, with full and partial tiles, and its older state. */
export interface BusyData extends MadeData {
  /** A copy of the store as it was when `kept` was signed, closed. */
  readonly older: string;
  /** A checkpoint that somebody kept. */
  readonly kept: string;
  readonly entries: number;
}

export async function busyData(shape: DataShape = {}): Promise<BusyData> {
  const made = await madeData(shape);
  const id = (sequence: number) => idOf(made.unit, sequence);
  const older = join(made.home, 'older');
  const first = await made.open({ segmentBytes: 60_000 });
  for (let i = 0; i < 6; i += 1) await sealWhole(first, i * 10);
  await first.custody.hold(id(1), 'court', clerk);
  await first.custody.hold(id(2), 'court', clerk);
  await manyActs(first, 40);
  const kept = (await first.ledger.checkpoint()).note;
  await first.close();
  await cp(made.store, older, { recursive: true });
  const store = await made.open({ segmentBytes: 60_000 });
  await store.custody.release(id(2), 'court', clerk);
  await store.custody.erase(id(3), clerk);
  await store.custody.note({ kind: 'export', evidence: [id(1)], opened: true }, clerk);
  for (let i = 6; i < 12; i += 1) await sealWhole(store, i * 10);
  await manyActs(store, 230);
  const entries = (await linesOf(store)).length;
  await store.close();
  return { ...made, older, kept, entries };
}

/** A copy of a folder, in which a test does as it likes. */
export async function copyOf(folder: string): Promise<AsyncDisposable & { readonly path: string }> {
  const home = await mkdtemp(join(tmpdir(), 'atalaya-tamper-'));
  const path = join(home, 'copy');
  await cp(folder, path, { recursive: true });
  return { path, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) };
}

/** Every plain file below a folder, by its path from there. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((one) => one.isFile())
    .map((one) => relative(folder, join(one.parentPath, one.name)))
    .sort();
}

/** The parts of which one must be named where a byte of a file is another. */
const table: readonly (readonly [form: RegExp, parts: readonly Part[]])[] = [
  [/^journal\//, ['journal', 'record', 'signature']],
  [/^blobs\//, ['blob']],
  [/^(keys|public)\/unit\./, ['key']],
  [/^keys\//, ['key-file']],
  [/^log\/tile\/entries\//, ['entry-bundle']],
  [/^log\/tile\//, ['tile']],
  [/^log\/(checkpoint|since)$/, ['checkpoint']],
  [/inclusion$/, ['inclusion-proof']],
  [/^log\/consistency$/, ['consistency-proof']],
  [/record\.json$/, ['record']],
  [/record\.sig$/, ['signature']],
  [/leaf$/, ['leaf']],
  [/^files\//, ['file']],
  [/^(SHA256SUMS|VERIFY\.md|verify\.sh|sheet\.(html|pdf)|clip\.txt|opened\/.*)$/, ['sums']],
];

/** No parts: what this file says is trusted by nobody. */
export const partsOf = (path: string): readonly Part[] => table.find(([form]) => form.test(path))?.[1] ?? [];

export const failuresOf = ({ findings }: Verdict): readonly Finding[] =>
  findings.filter(({ severity }) => severity === 'failure');

/** `part path: sentence` of each failure. */
export const told = (verdict: Verdict): string =>
  failuresOf(verdict)
    .slice(0, 8)
    .map(({ part, path, says }) => `${part} ${path}: ${says}`)
    .join('\n');

export interface Flips {
  readonly count: number;
  /** What was not found, or not by its name. */
  readonly wrong: readonly string[];
}

export interface FlipPlan {
  /** Offsets of a file, its ends among them. */
  readonly most: number;
  readonly seed: number;
  readonly wanted?: (path: string) => boolean;
  /** Files that are changed at the same time, one byte in each: of each it must be told. 1 unless said otherwise. */
  readonly together?: number;
}

interface Flip {
  readonly path: string;
  readonly at: number;
}

/** Turns a bit in bytes of the files of a folder and has that verified: it must fail, and name each file by one of its parts. */
export async function flipBytes(
  folder: string,
  verify: () => Promise<Verdict>,
  { most, seed, wanted = () => true, together = 1 }: FlipPlan,
): Promise<Flips> {
  const paths = (await filesIn(folder)).filter((path) => partsOf(path).length > 0 && wanted(path));
  const wrong: string[] = [];
  let count = 0;
  for (let at = 0; at < paths.length; at += together) {
    const contents = new Map<string, Buffer>();
    for (const path of paths.slice(at, at + together)) contents.set(path, await readFile(join(folder, path)));
    const offsets = new Map(
      [...contents].map(([path, { byteLength }]) => [path, offsetsIn(byteLength, most, seed + at)]),
    );
    for (let round = 0; round < most; round += 1) {
      const flips = [...offsets].flatMap(([path, some]): Flip[] =>
        some.slice(round, round + 1).map((at) => ({ path, at })),
      );
      if (flips.length === 0) break;
      for (const one of flips) await writeFile(join(folder, one.path), turned(contents.get(one.path), one.at, seed));
      const verdict = await verify();
      count += flips.length;
      wrong.push(...flips.filter((one) => !isNamed(verdict, one)).map((one) => missed(verdict, one)));
    }
    for (const [path, bytes] of contents) await writeFile(join(folder, path), bytes);
  }
  return { count, wrong };
}

function turned(bytes: Buffer = Buffer.alloc(0), at: number, seed: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] as number) ^ (1 << ((at + seed) % 8));
  return changed;
}

/** A byte of a pack's file may be found by the file's sum alone; one of the sums by the file that it is no longer of. */
function isNamed(verdict: Verdict, { path }: Flip): boolean {
  const parts = partsOf(path);
  return failuresOf(verdict).some((one) => parts.includes(one.part) && (one.path === path || path === 'SHA256SUMS'));
}

const missed = (verdict: Verdict, { path, at }: Flip): string =>
  `${path} at ${at}: ${verdict.ok ? 'not found' : told(verdict)}`;

function offsetsIn(bytes: number, most: number, seed: number): readonly number[] {
  if (bytes <= most) return Array.from({ length: bytes }, (_, at) => at);
  const step = bytes / (most - 1);
  const inner = Array.from({ length: most - 2 }, (_, i) =>
    Math.floor(i * step + (((seed * 7919) % 1009) / 1009) * step),
  );
  return [...new Set([0, ...inner, bytes - 1])];
}
