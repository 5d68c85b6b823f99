import { join } from 'node:path';
import { callProgram } from './call-program.ts';

/** A fleet of which Ana may do everything, in files as its people have them: the root key, hers, and the signed trust document. */
export async function makeFleetPeople(folder: string): Promise<void> {
  const at = (name: string): string => join(folder, name);
  await callProgram('fleet', ['new-root', '--out', at('root.pem')]);
  await callProgram('fleet', ['new-key', '--out', at('ana.pem')]);
  const ana = ['--name', 'Ana', '--role', 'supervisor', '--public-key', at('ana.public.pem')];
  await callProgram('fleet', ['trust', 'add', '--file', at('trust.json'), ...ana]);
  await callProgram('fleet', ['trust', 'sign', '--file', at('trust.json'), '--root', at('root.pem'), '--days', '365']);
}

/** With what `atalaya-fleet` speaks to a bridge whose data lie in `centre`, as Ana. */
export const asAna = (folder: string): Readonly<Record<string, string>> => ({
  ATALAYA_BRIDGE: `unix:${join(folder, 'centre/api.sock')}`,
  ATALAYA_KEY: join(folder, 'ana.pem'),
});
