import { generateKeyPairSync } from 'node:crypto';
import type { Finding, Part, Verdict } from '../finding.ts';
import { parseKey } from '../keys.ts';
import { verifyPack } from '../verify-pack.ts';
import { type StoreOptions, verifyStore } from '../verify-store.ts';
import { type Tree, writeInto, written } from './tiny-folders.ts';
import { TinyUnit } from './tiny-unit.ts';

export const ed25519 = () => generateKeyPairSync('ed25519');
export const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A unit with a held package, an erased one, one without files and an entry of an unknown schema. */
export function busyUnit(name = 'u-1', keys = ed25519()): TinyUnit {
  const unit = new TinyUnit(name, keys);
  const held = unit.evidence(2);
  const erased = unit.evidence(1);
  unit.evidence(0);
  unit.action({ kind: 'hold', evidence: held.id, hold: 'court' });
  unit.append({ schema: 'x/y/9', more: true });
  unit.erase(erased);
  return unit;
}

export async function verdictOnStore(
  unit: TinyUnit,
  tree: Tree,
  options: Partial<StoreOptions> = {},
): Promise<Verdict> {
  using folder = written(tree);
  return await verifyStore(folder.path, { key: parseKey(unit.vkey), ...options });
}

export async function verdictOnPack(unit: TinyUnit, tree: Tree, options: Partial<StoreOptions> = {}): Promise<Verdict> {
  using folder = written(tree);
  return await verifyPack(folder.path, { key: parseKey(unit.pem), ...options });
}

export const failures = ({ findings }: Verdict): readonly Finding[] =>
  findings.filter(({ severity }) => severity === 'failure');

/** `part path: sentence` of each failure, for a message that tells. */
export const told = (verdict: Verdict): string =>
  failures(verdict)
    .map(({ part, path, says }) => `${part} ${path}: ${says}`)
    .join('\n');

export interface Flip {
  readonly path: string;
  readonly byte: number;
  readonly verdict: Verdict;
}

/** Verdicts on a tree in which one bit of one byte is another: every byte of a file up to `all`, else that many, spread out. */
export async function* flips(
  tree: Tree,
  verify: (folder: string) => Promise<Verdict>,
  wanted: (path: string) => boolean,
  all: number,
): AsyncGenerator<Flip> {
  using folder = written(tree);
  for (const [path, bytes] of tree) {
    if (!wanted(path)) continue;
    const step = Math.max(1, bytes.byteLength / all);
    for (let at = 0; at < bytes.byteLength; at += step) {
      const byte = Math.floor(at);
      const changed = Buffer.from(bytes);
      changed[byte] = (changed[byte] as number) ^ (1 << ((byte * 7 + 3) % 8));
      writeInto(folder.path, path, changed);
      yield { path, byte, verdict: await verify(folder.path) };
    }
    writeInto(folder.path, path, bytes);
  }
}

/** Parts one of which must be named where a byte of this file is another. */
export function partsOf(path: string): readonly Part[] {
  const parts: readonly (readonly [RegExp, readonly Part[]])[] = [
    [/^journal\//, ['journal', 'record', 'signature']],
    [/^blobs\//, ['blob']],
    [/^keys\/unit\./, ['key']],
    [/^public\//, ['key']],
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
    [/./, ['sums']],
  ];
  return parts.find(([form]) => form.test(path))?.[1] ?? [];
}

type Checked = Parameters<typeof flips>;

/** Each flip must fail, and name the file with one of its parts; a byte that is named must be the one, where the file tells. */
export async function everyFlip(
  ...[tree, verify, wanted, all]: Checked
): Promise<{ readonly count: number; readonly wrong: string[] }> {
  const wrong: string[] = [];
  let count = 0;
  for await (const { path, byte, verdict } of flips(tree, verify, wanted, all)) {
    count += 1;
    const named = failures(verdict).filter(
      (one) => partsOf(path).includes(one.part) && (one.path === path || path === 'SHA256SUMS'),
    );
    if (named.length === 0) wrong.push(`${path} at ${byte}: ${told(verdict) || 'not found'}`);
    const exact = /^log\/tile\/|^public\/|^keys\/unit\./.test(path);
    if (exact && !named.some((one) => one.byte === byte)) wrong.push(`${path} at ${byte}: named ${named[0]?.byte}`);
    const before = named.every((one) => one.byte === undefined || one.byte <= byte);
    if (path.startsWith('journal/') && !before) wrong.push(`${path} at ${byte}: named ${named[0]?.byte}`);
  }
  return { count, wrong };
}
