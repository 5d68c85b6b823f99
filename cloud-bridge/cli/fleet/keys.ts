import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { makePersonKey } from '../../contract/person-key.ts';
import { type Role, roles } from '../../contract/roles.ts';
import { writeKeyFile } from '../../fleet/key-files.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { safeJson } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { say } from './session.ts';
import { addCall, addPerson } from './trust.ts';

interface NewRootFlags {
  readonly out: string;
  readonly json?: boolean;
}

interface NewKeyFlags extends NewRootFlags {
  readonly name?: string;
  readonly role?: Role;
  readonly file?: string;
}

/** Adds `new-root` and `new-key`. */
export const addKeys: AddCommands = (root, io) => {
  const files = (command: Command): Command =>
    command
      .requiredOption('--out <file>', 'where the private half goes (PEM, mode 0600); the public one goes beside it')
      .option('--json', 'JSON instead of text');
  files(
    root.command('new-root').description('make the root key: it signs who may do what, and then lies offline'),
  ).action(async (flags: NewRootFlags) => {
    await newKey(flags, io, [
      'signs the trust document. Keep it offline, and a second copy safe: without it nobody can be added or removed.',
      'Units (cloud.rootKey) and the centre (trust.rootKey) are given the public half, named above, and never this one.',
    ]);
  });
  files(root.command('new-key').description('make your own key: every act of yours is signed with it'))
    .option('--name <name>', 'with --role and --file: write yourself into a trust document')
    .addOption(new Option('--role <role>', 'what you may do').choices(roles))
    .option('--file <file>', 'the trust document (JSON)')
    .action(async (flags: NewKeyFlags) => {
      const { name, role, file } = flags;
      const written = name !== undefined && role !== undefined && file !== undefined;
      if (!written && (name ?? role ?? file) !== undefined) {
        throw new AtalayaError('usage-invalid', '--name, --role and --file belong together', {
          hint: `Give all three, or none, and have whoever holds the root key run: ${addCall}`,
        });
      }
      const publicKey = await newKey(flags, io, [
        'acts in your name. It stays with you.',
        written
          ? `Whoever holds the root key signs: ${fleetProgram} trust sign --file ${file} --root FILE`
          : `Whoever holds the root key adds the public half: ${addCall}`,
      ]);
      if (written) await addPerson({ file, name, role, publicKey }, io);
    });
};

async function newKey(
  { out, json }: NewKeyFlags,
  io: FleetIo,
  [about, next]: readonly [string, string],
): Promise<string> {
  const path = resolve(out);
  const publicPath = `${path.replace(/\.pem$/, '')}.public.pem`;
  const { privatePem, publicPem, id } = makePersonKey();
  await writeKeyFile(path, privatePem, 0o600, id);
  await writeKeyFile(publicPath, publicPem, 0o644, id);
  if (json === true) io.out.write(`${safeJson({ key: id, private: path, public: publicPath })}\n`);
  else {
    say(io.out, io, publicPath);
    say(io.out, io, `key ${id}`);
  }
  say(io.err, io, `${path}\n  ${about}\n  ${next}`);
  return publicPath;
}
