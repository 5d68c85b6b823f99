import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { fillSlot, madeRecord } from '../../../ota/slots/testing/made-slot.ts';
import { madeRepositories } from '../../../ota/trust/testing/made-repositories.ts';
import { makeJpegs, writeMjpeg } from '../../capture/testing/made-recordings.ts';
import { scratchFolder } from '../../kernel/testing/scratch-folder.ts';
import { systemTreeFiles } from '../../kernel/tree-files.ts';

const call = promisify(execFile);
const program = fileURLToPath(new URL('../../cli/atalaya-unit.ts', import.meta.url));
const { PATH: searched } = process.env;

/** A unit that was started from slot b, which is confirmed. */
async function unitOfSlotB(t: ExecutionContext) {
  const folder = scratchFolder(t);
  const slots = join(folder, 'program');
  await fillSlot(systemTreeFiles, join(slots, 'b/program'), 'v1');
  await writeFile(join(slots, 'b/slot.json'), `${JSON.stringify(madeRecord('v1'))}\n`);
  await writeFile(join(slots, 'confirmed'), 'b a\n');
  await mkdir(join(folder, 'image'));
  const { roots } = madeRepositories();
  await writeFile(join(folder, 'image-root.json'), roots.image);
  await writeFile(join(folder, 'director-root.json'), roots.director);
  const area = '{ x: 0, y: 0, width: 320, height: 180 }';
  await writeFile(join(folder, 'scene.yaml'), `name: made\npicture: { width: 320, height: 180 }\nregions: [${area}]\n`);
  const times = Array.from({ length: 8 }, (_, index) => index * 40);
  const source = await writeMjpeg(await makeJpegs(8, 320, 180), times);
  const config = join(folder, 'unit.yaml');
  await writeFile(
    config,
    `unit: { id: unit-7 }
source: { path: ${source} }
scene: scene.yaml
evidence: { data: data }
updates: { imageRoot: image-root.json, directorRoot: director-root.json, clock: believed }
`,
  );
  const env = {
    PATH: searched,
    ATALAYA_SLOTS: slots,
    ATALAYA_IMAGE: join(folder, 'image'),
    ATALAYA_LAUNCHER: '/bin/true',
    ATALAYA_SLOT: 'b',
    ATALAYA_TRIAL: '',
  };
  return { slots, run: () => call(process.execPath, [program, 'run', '--config', config], { env, cwd: folder }) };
}

test('a unit watches and ends well though the slot that nobody needs cannot be looked at', async (t) => {
  const { slots, run } = await unitOfSlotB(t);
  // Of the faults that a damaged folder has, the one that can be made: a link that leads to itself.
  await symlink('a', join(slots, 'a'));
  const fault = await systemTreeFiles.look(join(slots, 'a/slot.json')).then(
    () => undefined,
    (error: unknown) => (error as { code?: unknown }).code,
  );
  t.is(fault, 'ELOOP');
  const { stdout, stderr } = await run();
  t.regex(stdout, /8 frames/, stderr);
});
