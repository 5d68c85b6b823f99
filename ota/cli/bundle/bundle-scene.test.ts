import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command, CommanderError } from 'commander';
import { sha256 } from '../../../device/kernel/hash.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { patchSize } from '../../../device/scene/drift/match-patch.ts';
import { emptyScene } from '../../../provisioning/enrol/granted-scene.ts';
import { Installer } from '../../archive/installer.ts';
import { target as targetSchema } from '../../contract/target.ts';
import { madeIo } from '../testing/made-io.ts';
import { addBundleCommands } from './add-bundle-commands.ts';

const line = 'countingLines: [{ name: in, points: [[0, 500], [1900, 500]] }]\n';
const drawn = `name: gate\npicture: { width: 1920, height: 1080 }\n${line}`;

const patch = { x: 0, y: 0, grey: Buffer.alloc(patchSize * patchSize).toString('base64') };
const seenBy = (scene: string, width: number, height: number): string =>
  JSON.stringify({
    ...{ schema: 'atalaya/scene-references/1', scene, picture: { width, height } },
    ...{ made: '2026-01-01T00:00:00.000Z', patches: [patch, patch, patch] },
  });

function scratch(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-scene-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `bundle scene` of these texts, release 3, into `out`; what it answered and what it said beside it. */
async function bundle(folder: string, scene: string, references?: string, ...more: readonly string[]) {
  const { io, lines, notes } = madeIo();
  const root = new Command('atalaya-ota').exitOverride().configureOutput({ writeErr: () => {} });
  addBundleCommands(root, io);
  const at = (name: string) => join(folder, name);
  writeFileSync(at('mine.yaml'), scene);
  if (references !== undefined) writeFileSync(at('seen.json'), references);
  const files = ['--scene', at('mine.yaml'), ...(references === undefined ? [] : ['--references', at('seen.json')])];
  await root.parseAsync(
    ['bundle', 'scene', ...files, '--unit', 'north-1', '--release', '3', '--out', at('out'), ...more],
    { from: 'user' },
  );
  return { lines, notes };
}

async function unpacked(t: ExecutionContext, folder: string, path: string): Promise<string> {
  const target = targetSchema.parse(JSON.parse(readFileSync(path.replace(/\.tar\.zst$/, '.target.json'), 'utf8')));
  const laid = join(folder, 'laid');
  const installer = new Installer(systemTreeFiles, { cpu: 'arm64' });
  const outcome = await installer.unpack(target, path, laid, new AbortController().signal);
  t.like(outcome, { kind: 'installed', manifest: { kind: 'scene', unit: 'north-1', release: 3 } });
  return laid;
}

test('a scene is its own file afterwards, and it is told by which name evidence has it', async (t) => {
  const folder = scratch(t);
  const { lines, notes } = await bundle(folder, drawn, undefined, '--hardware', 'arm64', '--name', 'north-gate');
  t.is(lines[0], join(folder, 'out/north-gate-3-r3-arm64.tar.zst'));
  t.is(lines.at(-1), `scene gate, SHA-256 ${sha256(drawn)}, as evidence names it`);
  t.regex(notes.join('\n'), /it names no plate formats: units read no plates by it/);
  t.regex(notes.join('\n'), /without --references: units go on with those of their own configuration/);
  const laid = await unpacked(t, folder, lines[0] ?? '');
  t.is(readFileSync(join(laid, 'scene.yaml'), 'utf8'), drawn);
  t.deepEqual(readdirSync(laid).sort(), ['bundle.json', 'scene.yaml']);
});

test('references go with the scene that they are of', async (t) => {
  const folder = scratch(t);
  const [seen, read] = [seenBy('gate', 1920, 1080), `${drawn}plates: { formats: [es] }\n`];
  const { lines, notes } = await bundle(folder, read, seen, '--picture', '1920x1080');
  t.notRegex(notes.join('\n'), /without --references|plate formats/);
  t.is(readFileSync(join(await unpacked(t, folder, lines[0] ?? ''), 'references.json'), 'utf8'), seen);
  await t.throwsAsync(() => bundle(folder, drawn, seenBy('another', 1920, 1080)), {
    code: 'scene-mismatch',
    message: /belongs to the scene another, not to gate/,
  });
});

for (const [what, scene, code, says, references, ...more] of [
  ['a field that no scene has', `${drawn}lane: []\n`, 'scene-invalid', /line 1: .*lane/],
  ['no YAML', 'name: [', 'scene-invalid', /line 1/],
  ['no file of a person', `${drawn}#${'x'.repeat(1_000_000)}`, 'scene-invalid', /1000\d\d\d bytes, which is no scene/],
  ['nothing drawn', emptyScene, 'scene-invalid', /nothing is drawn in .*: nobody would be judged or counted/],
  ['a plate format that nobody knows', `${drawn}plates: { formats: [zz] }\n`, 'scene-invalid', /no plate format 'zz'/],
  [
    'a scene of another camera',
    drawn,
    'scene-mismatch',
    /drawn for pictures of 1920 x 1080, the source delivers 640 x 480/,
    ...[undefined, '--picture', '640x480'],
  ],
  [
    'references of a camera of another shape',
    drawn,
    'scene-mismatch',
    /drawn for pictures of 1920 x 1080, the source delivers 640 x 480/,
    seenBy('gate', 640, 480),
  ],
  [
    'references of another size than the camera has',
    drawn,
    'scene-mismatch',
    /seen\.json is of pictures of 1920 x 1080, and the camera delivers 1280 x 720/,
    ...[seenBy('gate', 1920, 1080), '--picture', '1280x720'],
  ],
] as const)
  test(`refused, and nothing is written: ${what}`, async (t) => {
    const folder = scratch(t);
    await t.throwsAsync(() => bundle(folder, scene, references, ...more.filter((one) => one !== undefined)), {
      code,
      message: says,
    });
    t.false(readdirSync(folder).includes('out'));
  });

test('a scene of the same shape and another size is scaled by the unit, and goes', async (t) => {
  const { lines } = await bundle(scratch(t), drawn, undefined, '--picture', '1280x720');
  t.is(lines.length, 4);
  for (const wrong of ['1280', '1280x', '0x720', '1280x720x3'])
    await t.throwsAsync(() => bundle(scratch(t), drawn, undefined, '--picture', wrong), { instanceOf: CommanderError });
});
