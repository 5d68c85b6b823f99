import { posix } from 'node:path';
import { z } from 'zod';

/** Sentences: what files that are kept ask for, was there, and is left. */
export function brokenReferences(
  kept: ReadonlySet<string>,
  whole: ReadonlySet<string>,
  read: (path: string) => string,
): string[] {
  const faults: string[] = [];
  const left = (from: string, candidates: readonly string[]): void => {
    const found = candidates.find((path) => whole.has(path));
    if (found !== undefined && !kept.has(found)) faults.push(`${from} asks for ${found}, which is left out`);
  };
  for (const from of [...kept].filter((path) => path.startsWith('node_modules/'))) {
    if (from.endsWith('/package.json')) {
      for (const entry of entriesOf(read(from))) left(from, modulesAt(posix.join(posix.dirname(from), entry)));
    } else if (/\.[cm]?js$/.test(from)) {
      for (const name of namedBy(read(from))) {
        const gone = placesOf(from, name, whole).find((path) => whole.has(path));
        if (gone !== undefined && !kept.has(gone) && !mayLack(from, name, whole, read)) left(from, [gone]);
      }
    }
  }
  return faults;
}

const named = /(?:\brequire\(\s*|\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g;

const namedBy = (text: string): string[] => [...new Set([...text.matchAll(named)].map((match) => match[2] ?? ''))];

/** The files that a path may mean (Node's CommonJS resolution: the file, with an ending, the folder's index). */
const modulesAt = (path: string): string[] =>
  ['', '.js', '.json', '.node', '.cjs', '.mjs', '/index.js', '/index.json'].map(
    (end) => `${path.replace(/\/$/, '')}${end}`,
  );

/** Files of a relative name, or of a file inside a package; a package alone is what the lock speaks of. */
function placesOf(from: string, name: string, whole: ReadonlySet<string>): string[] {
  if (/^\.{1,2}(\/|$)/.test(name)) return modulesAt(posix.join(posix.dirname(from), name));
  const parts = /^((?:@[a-z0-9-._~]+\/)?[a-z0-9-._~]+)(?:\/(.+))?$/.exec(name);
  if (parts === null) return [];
  const [, folder = '', inside] = parts;
  for (let at = posix.dirname(from); at !== '.' && at !== ''; at = posix.dirname(at)) {
    const place = `${posix.basename(at) === 'node_modules' ? at : `${at}/node_modules`}/${folder}`;
    if (!whole.has(`${place}/package.json`)) continue;
    return inside === undefined ? [`${place}/package.json`] : modulesAt(`${place}/${inside}`);
  }
  return [];
}

/** Whether the package of a file says that it does without the named one. */
function mayLack(from: string, name: string, whole: ReadonlySet<string>, read: (path: string) => string): boolean {
  const own = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(from)?.[1];
  if (name.startsWith('.') || own === undefined || !whole.has(`${own}/package.json`)) return false;
  const { peerDependenciesMeta } = optionalPeers.parse(JSON.parse(read(`${own}/package.json`)));
  return peerDependenciesMeta[name]?.optional === true;
}

const optionalPeers = z.object({
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().default(false) })).default({}),
});

const manifest = z.object({ main: z.string().optional(), exports: z.unknown().optional() });

/** What Node takes of a package: `main`, and `exports` under its conditions. Names with a star are passed over. */
function entriesOf(text: string): string[] {
  const read = manifest.safeParse(JSON.parse(text));
  if (!read.success) return [];
  const { main, exports } = read.data;
  const given = exports === undefined || exports === null ? [main ?? 'index.js'] : targetsOf(exports);
  return given.filter((path) => !path.includes('*'));
}

const conditions = ['node', 'import', 'require', 'module-sync', 'node-addons', 'default'];

function targetsOf(exports: unknown): string[] {
  if (typeof exports === 'string') return [exports];
  if (Array.isArray(exports)) return exports.flatMap(targetsOf);
  if (typeof exports !== 'object' || exports === null) return [];
  const found: string[] = [];
  for (const [name, value] of Object.entries(exports)) {
    if (name.startsWith('.') || conditions.includes(name)) found.push(...targetsOf(value));
    // Conditions are taken in their order: what follows one that holds whatever asks is for others.
    if (name === 'node' || name === 'default') break;
  }
  return found;
}
