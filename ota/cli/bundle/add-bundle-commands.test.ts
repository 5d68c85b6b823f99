import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command, CommanderError } from 'commander';
import { makePersonKey, signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import { emptyTrust, signTrust, withPerson } from '../../../cloud-bridge/fleet/trust-draft.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import { writeBundle } from '../../../models/bundles/write-bundle.ts';
import { loadAnyBundle } from '../../../models/contract/bundle.ts';
import type { FindingManifest } from '../../../models/contract/manifest.ts';
import { Installer } from '../../archive/installer.ts';
import { type Target, target as targetSchema } from '../../contract/target.ts';
import { madeIo } from '../testing/made-io.ts';
import { addBundleCommands } from './add-bundle-commands.ts';

const { signal } = new AbortController();
const drawnScene = `name: gate
picture: { width: 1920, height: 1080 }
countingLines: [{ name: in, points: [[0, 500], [1900, 500]] }]
`;

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-bundle-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One call of `atalaya-ota bundle`; what it answered. */
async function call(...args: readonly string[]): Promise<string[]> {
  const { io, lines } = madeIo();
  const root = new Command('atalaya-ota')
    .version('0.0.0')
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  addBundleCommands(root, io);
  await root.parseAsync(['bundle', ...args], { from: 'user' });
  return lines;
}

/** What a call has written beside the file that it names. */
function targetOf(lines: readonly string[]): { readonly path: string; readonly target: Target } {
  const path = lines[0] ?? '';
  const beside = `${path.replace(/\.tar\.zst$/, '')}.target.json`;
  return { path, target: targetSchema.parse(JSON.parse(readFileSync(beside, 'utf8'))) };
}

const unpack = ({ path, target }: { path: string; target: Target }, folder: string) =>
  new Installer(systemTreeFiles, { cpu: 'arm64' }).unpack(target, path, folder, signal);

const side = { multiple: 32, smallest: 32, largest: 1280 };
const finding: Omit<FindingManifest, 'files'> = {
  schema: 'atalaya.model-bundle/1',
  id: 'finder',
  version: '2.0.0',
  engine: 'onnx',
  precision: 'float32',
  graph: 'model.onnx',
  licence: 'Apache-2.0',
  provenance: { file: 'finder/model.onnx', sha256: 'a'.repeat(64), description: 'made for this test' },
  metrics: { weights: 1 },
  task: 'text-detection',
  input: { name: 'image', layout: 'NHWC', dtype: 'uint8', colour: 'RGB', width: side, height: side },
  outputs: { probability: { name: 'probability' } },
};

test('a model is unpacked as the model that it was', async (t) => {
  const folder = scratch(t);
  await writeBundle(join(folder, 'model'), finding, new Map([['model.onnx', Uint8Array.of(1, 2, 3)]]));
  const options = [
    '--model',
    join(folder, 'model'),
    '--release',
    '4',
    '--needs-program',
    '9',
    '--out',
    join(folder, 'out'),
  ];
  const made = targetOf(await call('model', ...options));
  t.is(made.target.target, 'finder-2.0.0-r4-any.tar.zst');
  const installed = await unpack(made, join(folder, 'laid'));
  t.like(installed, {
    kind: 'installed',
    manifest: { kind: 'model', name: 'finder', release: 4, needsProgram: 9, hardware: ['arm64', 'x64'] },
  });
  const loaded = await loadAnyBundle(join(folder, 'laid'));
  t.deepEqual([...(await loaded.read('model.onnx'))], [1, 2, 3]);
});

test('a damaged model is refused', async (t) => {
  const folder = scratch(t);
  await writeBundle(join(folder, 'model'), finding, new Map([['model.onnx', Uint8Array.of(1, 2, 3)]]));
  appendFileSync(join(folder, 'model/model.onnx'), 'more');
  const work = call('model', '--model', join(folder, 'model'), '--release', '1', '--out', join(folder, 'out'));
  await t.throwsAsync(() => work, { code: 'bundle-hash-mismatch' });
});

test('a trust document has to be signed, and by the root key that is named', async (t) => {
  const folder = scratch(t);
  const [root, other, person] = [makePersonKey(), makePersonKey(), makePersonKey()];
  const now = utcMilliseconds(Date.now());
  const draft = withPerson(emptyTrust(now), { name: 'Ana', role: 'supervisor', publicKey: person.publicPem });
  const [file, key] = [join(folder, 'trust.json'), join(folder, 'root.pem')];
  writeFileSync(file, JSON.stringify(draft));
  const options = ['--trust', file, '--root', key, '--release', '1', '--out', folder];
  writeFileSync(key, root.publicPem);
  await t.throwsAsync(() => call('trust', ...options), { code: 'document-refused' });
  const text = JSON.stringify(await signTrust(draft, { now }, signerOf(root.privatePem)));
  writeFileSync(file, text);
  const made = targetOf(await call('trust', ...options));
  t.is(made.target.target, 'people-1-r1-any.tar.zst');
  await unpack(made, join(folder, 'laid'));
  t.is(readFileSync(join(folder, 'laid/trust.json'), 'utf8'), text);
  writeFileSync(key, other.publicPem);
  await t.throwsAsync(() => call('trust', ...options), { code: 'document-refused' });
});

test('a patch leads from one bundle to the other, and from no other component', async (t) => {
  if (spawnSync('zstd', ['--version']).error !== undefined) {
    t.log('zstd is not installed: not shown');
    t.pass();
    return;
  }
  const folder = scratch(t);
  const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255));
  const model = async (release: number, change: number): Promise<ReturnType<typeof targetOf>> => {
    const bytes = Uint8Array.from(noise);
    bytes[50_000] = change;
    await writeBundle(join(folder, `model-${release}`), finding, new Map([['model.onnx', bytes]]));
    return targetOf(
      await call('model', '--model', join(folder, `model-${release}`), '--release', String(release), '--out', folder),
    );
  };
  const [one, two] = [await model(1, 1), await model(2, 2)];
  const made = targetOf(await call('patch', '--from', one.path, '--to', two.path, '--out', folder));
  t.is(made.target.target, `finder-2.0.0-r2-any.from-${one.target.description.tree.sha256.slice(0, 8)}.patch`);
  t.deepEqual(made.target.description, { ...two.target.description, patchFrom: one.target.description.tree.sha256 });
  t.true(made.target.length < 5000, `${made.target.length} bytes`);
  await unpack(one, join(folder, 'base'));
  const installer = new Installer(systemTreeFiles, { cpu: 'arm64' });
  const installed = await installer.patch(made.target, made.path, join(folder, 'base'), join(folder, 'laid'), signal);
  t.is(installed.kind, 'installed');
  for (const [from, to, why] of [
    [two.path, one.path, /leads to no higher release: from 2 to 1/],
    [one.path, one.path, /leads to no higher release/],
    [one.path.replace('.tar.zst', '.target.json'), two.path, /give the \.tar\.zst/],
  ] as const)
    await t.throwsAsync(() => call('patch', '--from', from, '--to', to, '--out', folder), {
      code: 'usage-invalid',
      message: why,
    });
  const scene = join(folder, 'mine.yaml');
  writeFileSync(scene, drawnScene);
  const { path } = targetOf(
    await call('scene', '--scene', scene, '--unit', 'north-1', '--release', '3', '--out', folder),
  );
  await t.throwsAsync(() => call('patch', '--from', one.path, '--to', path, '--out', folder), {
    code: 'usage-invalid',
  });
});

test('what is called wrongly says so, and a version is that of the bundle', async (t) => {
  const folder = scratch(t);
  const scene = join(folder, 'mine.yaml');
  writeFileSync(scene, drawnScene);
  const nobodys = ['scene', '--scene', scene, '--out', folder, '--release'];
  const good = ['scene', '--unit', 'north-1', ...nobodys.slice(1)];
  t.like(targetOf(await call(...good, '3', '--version', '2026.1')).target, {
    target: 'scene-north-1-2026.1-r3-any.tar.zst',
    description: { version: '2026.1', unit: 'north-1' },
  });
  for (const wrong of [
    [...good, '0'],
    [...good, '1e3'],
    [...good, '3', '--version', 'a b'],
    [...good, '3', '--hardware', 'mips'],
    good.slice(0, -1),
    [...nobodys, '3'],
    [...nobodys, '3', '--unit', '../north-1'],
  ])
    await t.throwsAsync(() => call(...wrong), { instanceOf: CommanderError });
  await t.throwsAsync(() => call(...good, '1.5'), { message: /a whole number from 1$/ });
  await t.throwsAsync(() => call(...good, '1', '--version', 'v 2'), { message: /such as 1\.2\.0$/ });
  const program = ['program', '--cpu', 'arm64', '--release', '1', '--hardware', 'x64', '--out', folder];
  await t.throwsAsync(() => call(...program), { code: 'usage-invalid', message: /x64 is no hardware with arm64/ });
});
