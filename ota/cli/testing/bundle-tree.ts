import { createHash } from 'node:crypto';
import type { BundleTree } from '../../../provisioning/bundle/plan-bundle.ts';
import { type MadeChanges, madeLock, madeTree } from '../../../provisioning/bundle/testing/made-tree.ts';

const packages = Object.keys(madeLock).filter((folder) => folder !== '' && !folder.endsWith('-darwin'));
const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);

const model = {
  id: 'finds',
  version: '1.2.0',
  licence: 'Apache-2.0',
  provenance: {
    description: 'finds vehicles',
    package: '@makers/finds',
    version: '3.0.0',
    integrity: integrityOf('finds'),
  },
};

/** An npm integrity that belongs to nothing. */
export function integrityOf(text: string): string {
  return `sha512-${createHash('sha512').update(text).digest('base64')}`;
}

/** The made program of `provisioning/bundle`, with all that a bundle has to state of its parts. */
export function statedTree({ files = {}, lock = {}, ...others }: MadeChanges = {}): BundleTree {
  const stated = packages.map((folder): [string, string] => {
    const name = nameOf(folder);
    const entry = name === 'sees' ? { main: 'lib/index.js' } : {};
    return [
      `${folder}/package.json`,
      JSON.stringify({ name, version: '1.0.0', license: 'MIT', author: 'Somebody', ...entry }),
    ];
  });
  const locked = packages.map((folder): [string, unknown] => [
    folder,
    { ...(madeLock as Readonly<Record<string, object>>)[folder], version: '1.0.0', integrity: integrityOf(folder) },
  ]);
  return madeTree({
    ...others,
    files: {
      ...Object.fromEntries(stated),
      'package.json': JSON.stringify({
        name: 'atalaya',
        version: '0.1.0',
        license: 'Apache-2.0',
        type: 'module',
        scripts: { test: 'ava' },
      }),
      '.build/models/finds/manifest.json': JSON.stringify(model),
      '.build/models/finds/LICENSE': 'the licence of the model',
      ...files,
    },
    lock: { ...Object.fromEntries(locked), ...lock },
  });
}
