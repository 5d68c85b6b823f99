import { posix } from 'node:path';
import type { ProgramFolder } from './bundle-tree.ts';

/** What a program needs, followed from the files that are started. */
export interface TracedProgram {
  /** Every file of ours that may be loaded or read, and the file that asks for it first; its own path for one that is started. */
  readonly files: ReadonlyMap<string, string>;
  /** Packages by name, and the file that asks for each first. */
  readonly packages: ReadonlyMap<string, string>;
  /** Sentences: what is asked for and not there. */
  readonly faults: readonly string[];
}

interface Asked {
  readonly what: string;
  /** `prefix`: of a name that is made at run time, what is written of it. */
  readonly how: 'module' | 'file' | 'prefix';
}

/** Statements whose names vanish with the types are not among them: `import type`, `export type`, `typeof import()`. */
const statement = /^\s*(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?(['"])([^'"]+)\1/gm;
const call =
  /(?<!typeof )\bimport\(\s*(['"])([^'"]+)\1|\bcreateRequire\([^)]*\)\((['"])([^'"]+)\3|\bimport\.meta\.resolve\((['"])([^'"]+)\5/g;
const beside = /\b(?:join|resolve)\(\s*import\.meta\.dirname,\s*(['"])([^'"]+)\1\s*\)/g;
/** The module's folder as a value, not in words. */
const here = /(?:[(=,?:[]|\breturn)\s*import\.meta\.dirname\b/g;
const url = /\bnew URL\(\s*(['"`])([^'"`]+)\1,\s*import\.meta\.url/g;

/** Every module and file that a source text names. */
function askedBy(text: string): Asked[] {
  const modules = [...text.matchAll(statement), ...text.matchAll(call)].map(
    (match): Asked => ({ what: match[6] ?? match[4] ?? match[2] ?? '', how: 'module' }),
  );
  const files = [...text.matchAll(url)].map((match): Asked => {
    const [what = '', more] = (match[2] ?? '').split('${');
    return { what, how: more === undefined ? 'file' : 'prefix' };
  });
  const near = [...text.matchAll(beside)].map((match): Asked => ({ what: match[2] ?? '', how: 'file' }));
  return [...modules, ...files, ...near];
}

/** What is for tests alone is never meant by a name that is made at run time. */
const forTests = /\.(test|hardware)\.[jt]s$|(^|\/)testing\//;

/**
 * Follows what `programs` load: static and dynamic imports, files beside a module (`new URL(..., import.meta.url)`,
 * and `join` of the module's folder: a worker thread's program, a picture, a folder of data). A name that is made at run time stands for every file that begins so.
 */
export function traceProgram(programs: readonly string[], { entries, read }: ProgramFolder): TracedProgram {
  const known = new Set(entries.filter(({ kind }) => kind === 'file').map(({ path }) => path));
  const files = new Map<string, string>();
  const packages = new Map<string, string>();
  const faults: string[] = [];
  const queue: string[] = [];
  const take = (path: string, from: string): void => {
    if (files.has(path)) return;
    files.set(path, from);
    if (/\.[cm]?[jt]s$/.test(path)) queue.push(path);
  };
  const follow = ({ what, how }: Asked, from: string): void => {
    if (how === 'module' && !what.startsWith('.')) {
      if (!what.startsWith('node:') && !packages.has(packageOf(what))) packages.set(packageOf(what), from);
      return;
    }
    const path = posix.join(posix.dirname(from), what);
    if (known.has(path)) {
      take(path, from);
      return;
    }
    const folder = path.endsWith('/') ? path : `${path}/`;
    // A folder that the file itself lies in is a place to start from, not what is wanted.
    if (how !== 'module' && (path.startsWith('..') || folder === './' || from.startsWith(folder))) return;
    const prefix = how === 'prefix' ? path : folder;
    const below = how === 'module' ? [] : [...known].filter((one) => one.startsWith(prefix) && !forTests.test(one));
    for (const one of below) take(one, from);
    if (below.length === 0) faults.push(`${from} asks for ${what}, which is not there`);
  };
  for (const path of programs) {
    if (known.has(path)) take(path, path);
    else faults.push(`${path} is to be started and is not there`);
  }
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const text = read(path);
    for (const asked of askedBy(text)) follow(asked, path);
    const written = [...text.matchAll(here)].length;
    if (!path.startsWith('node_modules/') && written > [...text.matchAll(beside)].length)
      faults.push(`${path} uses import.meta.dirname in a way that cannot be followed`);
  }
  return { files, packages, faults };
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
