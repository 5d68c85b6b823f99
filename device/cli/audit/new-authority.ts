import { resolve } from 'node:path';
import { privateFiles, writeNewFile } from '../../evidence/keystore/private-files.ts';
import { createIdentity } from '../../evidence/sealing/identity.ts';
import { systemClock } from '../../kernel/clock.ts';
import { sha256 } from '../../kernel/hash.ts';
import { toIso } from '../../kernel/units.ts';

export interface NewAuthorityFlags {
  readonly out: string;
}

/**
 * Makes an authority: the private identity goes to a new file for its owner's eyes alone, the recipient is what units are given. The
 * file is one that `age -d -i FILE` takes.
 */
export async function newAuthority({ out }: NewAuthorityFlags, print: (text: string) => void): Promise<void> {
  const { identity, recipient } = await createIdentity();
  const path = resolve(out);
  const text = `# created: ${toIso(systemClock.utc())}\n# public key: ${recipient}\n${identity}\n`;
  await writeNewFile(privateFiles, path, sha256(recipient), Buffer.from(text));
  print(recipient);
  process.stderr.write(
    `${path}\n  opens every picture sealed to this recipient. Keep it away from the units, and keep a second\n` +
      '  copy safe: without it nobody opens anything. Units are given the line age1... (evidence.authority).\n',
  );
}
