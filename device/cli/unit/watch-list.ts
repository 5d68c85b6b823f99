import { createPublicKey } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FileKeystore } from '../../evidence/keystore/file-keystore.ts';
import { privateFiles, writeNewFile } from '../../evidence/keystore/private-files.ts';
import { systemClock } from '../../kernel/clock.ts';
import { writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { type Files, systemFiles } from '../../kernel/files.ts';
import { toIso, utcMilliseconds } from '../../kernel/units.ts';
import { listName, type Nearness, nearnesses } from '../../plate/lists/list-document.ts';
import { readListKey, readListText } from '../../plate/lists/load-watch-lists.ts';
import { type ListTime, openWatchList } from '../../plate/lists/open-watch-list.ts';
import { signWatchList } from '../../plate/lists/sign-watch-list.ts';
import type { WatchList } from '../../plate/lists/watch-list.ts';
import { smallText } from '../audit/small-text.ts';
import { parsePlateRows } from './plate-rows.ts';

export interface SignFlags {
  readonly key: string;
  readonly name: string;
  readonly version: number;
  /** ISO 8601. */
  readonly expires?: string;
  readonly oneOff?: Nearness;
  readonly out: string;
}

type Print = (line: string) => void;

const toStderr: Print = (line) => {
  process.stderr.write(`${line}\n`);
};

/**
 * Adds `watch-list new-key`, `sign` and `check`: results go to `print`, advice to `note`. `--version` of `sign` is its own, so the program's
 * stands before the command from now on.
 */
export function addWatchList(program: Command, print: Print, note: Print = toStderr): void {
  program.enablePositionalOptions();
  const lists = program.command('watch-list').description('signed lists of plates that raise an alert');
  lists
    .command('new-key')
    .description('make the key pair that signs watch lists; prints where the public half lies, and its id')
    .requiredOption('--out <file>', 'where the private half goes (PEM); the public one goes beside it')
    .action(({ out }: { readonly out: string }) => newListKey(out, print, note));
  lists
    .command('sign <plates>')
    .description('sign the plates of a file: CSV with id,plate, or a JSON list of {"id", "plate"}')
    .requiredOption('--key <file>', 'the private key of new-key')
    .requiredOption('--name <name>', 'name of the list, such as stolen', nameOf)
    .requiredOption('--version <number>', 'higher than that of the list before: units take no older one', versionOf)
    .option('--expires <date>', 'the last day (UTC) on which units use the list, or the very moment', expiryOf)
    .addOption(
      new Option(
        '--one-off <which>',
        'plates that differ in one character: every one alerts, those that are doubtful, or none; unless said otherwise every one of up to 1000 entries, doubtful ones of more',
      ).choices(nearnesses),
    )
    .requiredOption('--out <file>', 'a new file')
    .action((plates: string, flags: SignFlags) => signList(plates, flags, print));
  lists
    .command('check <list>')
    .description('check a list as a unit does, and say what it is; never which plates it holds')
    .requiredOption('--trusted <file>', 'the public key (PEM) that must have signed it')
    .action((list: string, { trusted }: { readonly trusted: string }) => checkList(list, trusted, print));
}

/** This machine's clock is a person's: what it says is held against a list. */
const now = (): ListTime => ({ utc: systemClock.utc(), reliable: true });

/** Files that are readable for others than their owner, and never written over. */
const newFiles: Files = { ...systemFiles, rename: privateFiles.rename };

async function newListKey(out: string, print: Print, note: Print): Promise<void> {
  const path = resolve(out);
  const publicPath = `${path.replace(/\.pem$/, '')}.public.pem`;
  await refuseTaken(publicPath);
  const { spki, id } = await FileKeystore.create(path);
  const pem = createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'pem', type: 'spki' });
  await writeNewFile(newFiles, publicPath, id, Buffer.from(pem));
  print(publicPath);
  print(`key ${id}`);
  note(path);
  note('  signs watch lists. Keep it away from the units, and keep a second copy safe.');
  note('  Units are given the public half (plates.listKey).');
}

async function signList(plates: string, flags: SignFlags, print: Print): Promise<void> {
  const out = resolve(flags.out);
  await refuseTaken(out);
  const keystore = await FileKeystore.open(flags.key);
  if (keystore.algorithm !== 'ed25519') {
    throw new AtalayaError('key-invalid', `the key ${flags.key} is not an Ed25519 key`, {
      hint: 'Make one with: atalaya-unit watch-list new-key',
    });
  }
  const rows = parsePlateRows(await smallText(plates, 'ids and plates'), plates);
  const { name, version, expires, oneOff } = flags;
  const draft = { name, version, expires, oneOff, issued: toIso(systemClock.utc()), entries: rows };
  const text = await signWatchList(draft, keystore);
  const key = createPublicKey({ key: keystore.spki, format: 'der', type: 'spki' });
  // No list leaves this machine that a unit would refuse.
  const list = openWatchList(text, key, now());
  await writeWholeFile(systemFiles, out, Buffer.from(text));
  print(out);
  for (const line of headLines(list)) print(line);
}

async function checkList(path: string, trusted: string, print: Print): Promise<void> {
  const key = await readListKey(systemFiles, resolve(trusted));
  const list = openWatchList(await readListText(systemFiles, resolve(path)), key, now());
  for (const line of headLines(list)) print(line);
}

function headLines({ head, entries }: WatchList): readonly string[] {
  const { name, version, issued, expires, oneOff, key } = head;
  return [
    `list ${name}, version ${version}`,
    `${entries} ${entries === 1 ? 'entry' : 'entries'}; one character off: ${oneOff}`,
    `issued ${toIso(issued)}`,
    expires === undefined ? 'expires never' : `expires ${toIso(expires)}`,
    `signed by ${key}`,
  ];
}

async function refuseTaken(path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) === undefined) return;
  throw new AtalayaError('usage-invalid', `${path} is there already, and nothing is written over`, {
    hint: 'Name a new file with --out.',
  });
}

function nameOf(value: string): string {
  if (listName.safeParse(value).success) return value;
  throw new InvalidArgumentError('A small letter followed by at most 39 small letters, digits and dashes.');
}

function versionOf(value: string): number {
  const version = /^[1-9][0-9]{0,14}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new InvalidArgumentError('A whole number from 1 on.');
}

/** A day is used up to its end. */
function expiryOf(value: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(value);
  const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(value);
  const utc = day || moment ? Date.parse(value) : Number.NaN;
  // A day that the month does not have is another day, or none, to the machine.
  if (Number.isNaN(utc) || (day && !toIso(utcMilliseconds(utc)).startsWith(value))) {
    throw new InvalidArgumentError('A date such as 2026-12-31, or 2026-12-31T18:00:00Z.');
  }
  return toIso(utcMilliseconds(day ? utc + 24 * 3_600_000 : utc));
}
