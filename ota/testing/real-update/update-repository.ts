import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { callProgram } from '../../../device/testing/call-program.ts';

/** Of a bridge's configuration beside the repository: the director's keys are one. */
export const updatesOfBridge =
  'updates: { repository: repository, keys: { targets: online.pem, snapshot: online.pem, timestamp: online.pem } }';

/** Names of the roots that units are enrolled with, in the folder of the repository. */
export const updateRoots = { image: 'image-root.json', director: 'director-root.json' } as const;

/** Founds both repositories in `repository` below a folder: three holders of whom two sign, an office, a director; their keys lie beside it. */
export async function makeUpdateRepository(folder: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  const holders = ['anna', 'ben', 'cleo'];
  for (const name of [...holders, 'office', 'online']) {
    const files = ['--out', at(`${name}.pem`), '--public', at(`${name}.pub.json`)];
    await callProgram('ota', ['keys', 'new', ...files, '--no-passphrase']);
  }
  await callProgram('ota', [
    ...['repository', 'new', at('repository')],
    ...holders.flatMap((name) => ['--holder', at(`${name}.pub.json`)]),
    ...['--office', at('office.pub.json'), '--director', at('online.pub.json')],
  ]);
  await signAll(at);
  await callProgram('ota', ['publish', '-r', at('repository'), '--key', at('office.pem')]);
  for (const name of ['image', 'director'] as const)
    await copyFile(at(`repository/${name}/1.root.json`), at(updateRoots[name]));
}

/** Two of three sign what lies in these folders; then it is published. */
export async function publishTargets(folder: string, bundles: readonly string[]): Promise<void> {
  const at = (name: string) => join(folder, name);
  const added: string[] = [];
  for (const bundle of bundles) {
    const names = (await readdir(bundle)).filter((name) => name.endsWith('.target.json'));
    added.push(...names.map((name) => join(bundle, name)));
  }
  await callProgram('ota', ['add', '-r', at('repository'), ...added]);
  await signAll(at);
  await callProgram('ota', ['publish', '-r', at('repository'), '--key', at('office.pem')]);
}

/** Two of three sign whatever waits. */
async function signAll(at: (name: string) => string): Promise<void> {
  const staged = (await readdir(at('repository/staged'))).filter((name) => name.endsWith('.json'));
  for (const name of staged)
    for (const holder of ['anna', 'ben'])
      await callProgram('ota', ['sign', at(`repository/staged/${name}`), '--yes', '--key', at(`${holder}.pem`)]);
}
