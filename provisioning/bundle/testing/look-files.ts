import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { traceProgram } from '../trace-program.ts';
import { sourceFolder } from './source-folder.ts';

/** What is run beside a bundle, from the root of the program. */
export const lookProgram = 'provisioning/bundle/testing/look-at-picture.ts';

/**
 * Lays `lookProgram` and the test files that it needs into a bundle. Everything else that it runs is the bundle's own: what of that is not
 * there is given back.
 */
export function lookFiles(root: string, bundle: string): string[] {
  const { files, faults } = traceProgram([lookProgram], sourceFolder(root));
  const wanted = [...files.keys()].filter((path) => !existsSync(join(bundle, path)));
  const ours = wanted.filter((path) => path.includes('/testing/'));
  for (const path of ours) {
    mkdirSync(join(bundle, dirname(path)), { recursive: true });
    copyFileSync(join(root, path), join(bundle, path));
  }
  return [...wanted.filter((path) => !ours.includes(path)), ...faults];
}
