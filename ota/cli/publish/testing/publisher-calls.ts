import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Command, CommanderError } from 'commander';
import { exitAfter } from '../../../../device/cli/exit-codes.ts';
import { explain, firstFault } from '../../../../device/kernel/errors.ts';
import { madeTarget } from '../../../repository/testing/made-publisher.ts';
import type { OtaIo } from '../../ota-io.ts';
import { madeIo } from '../../testing/made-io.ts';
import { addPublishCommands } from '../add-publish-commands.ts';

const program = join(import.meta.dirname, '../../atalaya-ota.ts');

/** What a call has said, and how it ended. */
export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Calls of the commands on a folder of their own; `@` at the beginning of a word stands for it. */
export interface Bench {
  readonly at: (...names: string[]) => string;
  readonly call: (words: string, changes?: Partial<OtaIo>) => Promise<Called>;
  /** The same by the program itself. */
  readonly run: (words: string, environment?: Readonly<Record<string, string>>) => Promise<Called>;
  /** A bundle as `bundle` leaves it; the path of its .target.json. */
  readonly bundle: (...made: Parameters<typeof madeTarget>) => Promise<string>;
}

export async function bench(t: ExecutionContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-publisher-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const at = (...names: string[]) => join(folder, ...names);
  const wordsOf = (words: string) => words.split(' ').map((word) => word.replace(/^@/, `${folder}/`));
  return {
    at,
    call: async (words, changes) => {
      const made = madeIo({ randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)), ...changes });
      const root = new Command('atalaya-ota').exitOverride().configureOutput({
        writeOut: (text) => made.io.write(text),
        writeErr: (text) => made.io.note(text),
      });
      addPublishCommands(root, made.io);
      const said = (code: number): Called => ({ code, out: made.lines.join('\n'), err: made.notes.join('\n') });
      try {
        await root.parseAsync(wordsOf(words), { from: 'user' });
        return said(made.code());
      } catch (error) {
        const fault = firstFault(error);
        if (!(fault instanceof CommanderError)) made.io.note(explain(fault));
        return said(exitAfter(fault));
      }
    },
    run: (words, environment) =>
      new Promise((resolve) => {
        execFile(
          process.execPath,
          [program, ...wordsOf(words)],
          { env: { ...process.env, ...environment } },
          (error, out, err) =>
            resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
        );
      }),
    bundle: async (name, release, changes) => {
      const { target, bytes } = madeTarget(name, release, changes);
      await mkdir(at('bundles'), { recursive: true });
      await writeFile(at('bundles', name), bytes);
      const path = at('bundles', `${name.replace(/\.tar\.zst$/, '')}.target.json`);
      await writeFile(path, JSON.stringify(target));
      return path;
    },
  };
}

/** Makes keys in clear for each name, as NAME.pem and NAME.pub.json. */
export async function makeKeys({ call }: Bench, ...names: string[]): Promise<void> {
  for (const name of names) await call(`keys new --no-passphrase --out @${name}.pem`);
}

/** A repository of three holders; nothing is signed. */
export const newRepository =
  '--holder @anna.pub.json --holder @ben.pub.json --holder @cleo.pub.json --office @office.pub.json --director @online.pub.json';

export const stagedNames = ['director.root', 'image.root', 'image.targets'] as const;

/** A repository in `repository`, founded by Anna and Ben. */
export async function foundedBench(t: ExecutionContext): Promise<Bench> {
  const made = await bench(t);
  await makeKeys(made, 'anna', 'ben', 'cleo', 'office', 'online');
  await made.call(`repository new @repository ${newRepository}`);
  for (const name of stagedNames) {
    for (const holder of ['anna', 'ben'])
      await made.call(`sign @repository/staged/${name}.json --yes --key @${holder}.pem`);
  }
  const { code, err } = await made.call('publish -r @repository --key @office.pem');
  if (code !== 0) throw new Error(err);
  return made;
}
