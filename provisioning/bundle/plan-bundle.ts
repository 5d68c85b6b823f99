import { posix } from 'node:path';
import { byPath, type ProgramFolder, type TreeEntry } from './bundle-tree.ts';
import { brokenReferences } from './check-references.ts';
import type { BundleCpu } from './native-binary.ts';
import { type NpmLock, neededPackages } from './package-lock.ts';
import { type LeftReason, leftOfPackage } from './package-rules.ts';
import { traceProgram } from './trace-program.ts';

/** What a unit starts, from the root of the program. Everything else of a bundle is what these need. */
export const unitPrograms: readonly string[] = [
  'device/cli/atalaya-unit.ts',
  'device/cli/atalaya-audit.ts',
  'provisioning/cli/atalaya-provision.ts',
  'ota/cli/atalaya-ota-unit.ts',
];

/** The models that a configuration names by default (`device/config`): folders of `.build/models`. */
export const unitModels: readonly string[] = [
  'ssdlite-mobilenet-v2-int8',
  'plate-finder-ppocr-v4-int8',
  'plate-reader-atalaya-float',
  'plate-reader-ppocr-v4-int8',
];

/** A staged program: `stageProgram` for that processor, its TypeScript as it is or compiled. */
export interface BundleTree extends ProgramFolder {
  readonly cpu: BundleCpu;
  /** Of the program that was staged: `package-lock.json`. */
  readonly lock: NpmLock;
  /** Files that are started; `unitPrograms` for a unit. */
  readonly programs: readonly string[];
  /** Folders of `.build/models`; `unitModels` for a unit. */
  readonly models: readonly string[];
}

/** What a kept entry is: `runtime` is Node, `licence` what the law asks for. */
export type KeptPart = 'program' | 'package' | 'runtime' | 'model' | 'licence';

interface KeptAny {
  readonly path: string;
  readonly part: KeptPart;
  /** The file or package that needs it; its own path where it is started or wanted by itself. */
  readonly neededBy: string;
}
export type KeptEntry =
  | (KeptAny & { readonly kind: 'file'; readonly mode: 0o644 | 0o755; readonly size: number })
  | (KeptAny & { readonly kind: 'link'; readonly target: string });

export interface LeftEntry {
  readonly path: string;
  /** Bytes; 0 for a link. */
  readonly size: number;
  readonly why: LeftReason;
}

export type BundlePlan =
  | {
      readonly kind: 'planned';
      /** Sorted by path, by code units. Folders are those of the paths, with mode 0755. */
      readonly kept: readonly KeptEntry[];
      readonly left: readonly LeftEntry[];
      /** Folders of the packages, and of each those that it needs itself. */
      readonly packages: ReadonlyMap<string, readonly string[]>;
      /** Libraries that the machine has to give: names as the loader looks for them, sorted. */
      readonly libraries: readonly string[];
    }
  /** Sentences: why this tree gives no bundle. */
  | { readonly kind: 'refused'; readonly faults: readonly string[] };

/**
 * Decides what of a staged program goes into a unit's bundle, and says of everything why. Pure: the same tree gives the same plan, in the same
 * order with the same modes, whatever machine asks.
 *
 * Refused: something that is started, imported or read is not there; a kept file of a package asks for a file that would be left; a model or
 * Node is missing; a path or a link leads out of the bundle, or a link to what is left. No binary of another platform is ever kept.
 */
export function planBundle(tree: BundleTree): BundlePlan {
  const traced = traceProgram(tree.programs, tree);
  const runtime = `node-linux-${tree.cpu}`;
  const wanted = new Map([...traced.packages, [runtime, runtime]]);
  const needed = neededPackages(tree.lock, wanted, tree.cpu);
  const kept: KeptEntry[] = [];
  const left: LeftEntry[] = [];
  for (const entry of tree.entries) {
    const judged = judge(entry, { tree, files: traced.files, folders: needed.folders, runtime });
    if ('why' in judged) left.push({ path: entry.path, size: entry.kind === 'file' ? entry.size : 0, why: judged.why });
    else kept.push(keep(entry, judged));
  }
  kept.sort(byPath);
  left.sort(byPath);
  const faults = [...traced.faults, ...needed.faults, ...faultsOf(tree, kept, needed.folders)];
  if (faults.length > 0) return { kind: 'refused', faults };
  return { kind: 'planned', kept, left, packages: needed.needs, libraries: librariesOf(tree.entries, kept) };
}

interface Known {
  readonly tree: BundleTree;
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, string>;
  readonly runtime: string;
}

type Judged = { readonly part: KeptPart; readonly neededBy: string } | { readonly why: LeftReason };

function judge(entry: TreeEntry, { tree, files, folders, runtime }: Known): Judged {
  const { path } = entry;
  const asked = files.get(path);
  if (asked !== undefined) return { part: 'program', neededBy: asked };
  if (path === 'LICENSE') return { part: 'licence', neededBy: path };
  const model = /^\.build\/models\/([^/]+)\//.exec(path)?.[1];
  if (model !== undefined) {
    return tree.models.includes(model) ? { part: 'model', neededBy: model } : { why: 'another-model' };
  }
  if (path === 'node_modules/.bin/node') return { part: 'runtime', neededBy: runtime };
  if (path.startsWith('node_modules/.bin/')) return { why: 'command' };
  const place = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\/(.+)$/.exec(path);
  if (place === null) return { why: 'not-started' };
  const [, folder = '', inside = ''] = place;
  const from = folders.get(folder);
  if (from === undefined) return { why: 'not-a-package-of-a-unit' };
  if (entry.kind === 'file' && !runsHere(entry, tree.cpu)) return { why: 'another-platform' };
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const why = leftOfPackage(name, inside);
  if (why !== undefined) return { why };
  return { part: name === runtime ? 'runtime' : 'package', neededBy: from };
}

function runsHere({ binary }: Extract<TreeEntry, { kind: 'file' }>, cpu: BundleCpu): boolean {
  return binary === undefined || (binary.kind === 'elf' && binary.cpu === cpu && binary.libc === 'glibc');
}

function keep(entry: TreeEntry, { part, neededBy }: { part: KeptPart; neededBy: string }): KeptEntry {
  const { path } = entry;
  if (entry.kind === 'link') return { kind: 'link', path, target: entry.target, part, neededBy };
  return { kind: 'file', path, mode: entry.executable ? 0o755 : 0o644, size: entry.size, part, neededBy };
}

/** Names that every file system and archive takes alike. */
const goodPath = /^[A-Za-z0-9@._+-]+(\/[A-Za-z0-9@._+-]+)*$/;

function faultsOf(tree: BundleTree, kept: readonly KeptEntry[], folders: ReadonlyMap<string, string>): string[] {
  const paths = new Set(kept.map(({ path }) => path));
  const faults = kept
    .filter(({ path }) => !goodPath.test(path) || path.split('/').some((one) => one === '..' || one === '.'))
    .map(({ path }) => `${JSON.stringify(path)} is no name for a bundle`);
  for (const one of kept) {
    if (one.kind !== 'link') continue;
    const target = posix.join(posix.dirname(one.path), one.target);
    if (!paths.has(target)) faults.push(`${one.path} is a link to ${one.target}, which is not in the bundle`);
  }
  for (const name of tree.models) {
    if (!paths.has(`.build/models/${name}/manifest.json`)) faults.push(`the model ${name} is not there`);
  }
  for (const folder of folders.keys()) {
    if (!paths.has(`${folder}/package.json`)) faults.push(`${folder} is needed and not installed`);
  }
  const programs = new Map(tree.entries.map((one) => [one.path, one]));
  for (const path of ['node_modules/.bin/node', `node_modules/node-linux-${tree.cpu}/bin/node`]) {
    const found = programs.get(path);
    if (found === undefined || !paths.has(path)) faults.push(`${path} is not there: nothing would run the program`);
    else if (found.kind === 'file' && found.binary === undefined) faults.push(`${path} is no program`);
  }
  const whole = new Set(tree.entries.filter(({ kind }) => kind === 'file').map(({ path }) => path));
  return [...faults, ...brokenReferences(paths, whole, tree.read)];
}

/** What kept binaries look for and the bundle does not have itself. */
function librariesOf(entries: readonly TreeEntry[], kept: readonly KeptEntry[]): string[] {
  const paths = new Set(kept.map(({ path }) => path));
  const own = new Set(kept.map(({ path }) => posix.basename(path)));
  const needs = entries.flatMap((one) =>
    one.kind === 'file' && paths.has(one.path) && one.binary?.kind === 'elf' ? one.binary.needs : [],
  );
  return [...new Set(needs)].filter((name) => !own.has(name)).sort();
}
