import { join } from 'node:path';
import { type ProgramFolder, readProgramFolder } from '../bundle-tree.ts';

const folders = ['cloud-bridge', 'device', 'models', 'ota', 'provisioning'];

/** The sources of a checkout, without its packages and whatever else lies in it. */
export function sourceFolder(root: string): ProgramFolder {
  const parts = new Map(folders.map((name) => [name, readProgramFolder(join(root, name))]));
  const below = [...parts].flatMap(([name, { entries }]) =>
    entries.map((one) => ({ ...one, path: `${name}/${one.path}` })),
  );
  return {
    entries: [...below, { kind: 'file', path: 'package.json', size: 0, executable: false }],
    read: (path) => {
      const [name = '', ...rest] = path.split('/');
      return parts.get(name)?.read(rest.join('/')) ?? '';
    },
  };
}
