import { chmodSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readProgramFolder } from '../../../provisioning/bundle/bundle-tree.ts';
import { layTree } from '../../../provisioning/bundle/testing/lay-tree.ts';
import { writeWholeTarget } from '../../bundle/write-target.ts';
import { composeProgram } from '../bundle/compose-program.ts';
import { statedTree } from './bundle-tree.ts';

/**
 * Makes the bundle of the made program below a folder and says its SHA-256: a program, so that it can be run with another mask, language and time
 * zone. With `turned`: from files of other dates and modes, laid and given in the other order.
 */
const [folder = '', turned] = process.argv.slice(2);
const stage = join(folder, 'stage');
const tree = statedTree();
layTree(tree, stage, turned !== undefined);
if (turned !== undefined) disturb();
const composed = await composeProgram({ ...tree, ...readProgramFolder(stage) }, stage, {
  release: 7,
  version: '1.4.0',
  hardware: ['arm64'],
});
const files = turned === undefined ? composed.files : composed.files.toReversed();
const { signal } = new AbortController();
const made = await writeWholeTarget(files, composed.manifest, { folder: join(folder, 'out'), signal, level: 3 });
process.stdout.write(`${made.sha256} ${made.description.tree.sha256}\n`);

/** What two checkouts of one commit differ in. */
function disturb(): void {
  for (const entry of readdirSync(stage, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (entry.isFile()) {
      const isProgram = readFileSync(path).subarray(0, 2).toString() === '#!' || path.endsWith('bin/node');
      chmodSync(path, isProgram ? 0o700 : 0o600);
    }
    utimesSync(path, 1e9, 1e9);
  }
}
