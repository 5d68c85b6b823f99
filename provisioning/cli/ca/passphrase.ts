import { readFile, stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { checkPassphrase } from '../../ca/authority-key.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { tries } from '../tries.ts';

export interface PassphraseFlags {
  readonly passphraseFile?: string;
}

export const onPassphrase = (command: Command): Command =>
  command.option('--passphrase-file <file>', 'its first line is the passphrase; asked for unless said otherwise');

/** A passphrase for a key that exists. Throws `usage-invalid`, `key-wrong` where there is nobody to be asked. */
export async function givenPassphrase(io: ProvisionIo, file: string | undefined, what: string): Promise<string> {
  if (file !== undefined) return firstLine(io, file);
  if (io.askSecret !== undefined) return (await io.askSecret(`Passphrase of ${what}: `)).normalize('NFC');
  throw new AtalayaError('usage-invalid', `${what} is encrypted, and nobody is there to type its passphrase`, {
    hint: 'Give --passphrase-file.',
  });
}

/**
 * Opens what a passphrase closes. Whoever types it has three tries, a file has one. Throws as `givenPassphrase`, and what `opened` throws:
 * `key-wrong` for another passphrase.
 */
export function withPassphrase<T>(
  io: ProvisionIo,
  file: string | undefined,
  what: string,
  opened: (passphrase: string) => Promise<T>,
): Promise<T> {
  return tries(
    file === undefined ? io : undefined,
    async () => opened(await givenPassphrase(io, file, what)),
    (error) => isAtalayaError(error, 'key-wrong'),
  );
}

/** A passphrase for a new key: typed twice. Throws `usage-invalid`. */
export async function newPassphrase(io: ProvisionIo, file: string | undefined): Promise<string> {
  if (file !== undefined) return checkPassphrase(await firstLine(io, file));
  if (io.askSecret === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is there to type a passphrase', {
      hint: 'Give --passphrase-file.',
    });
  }
  const first = checkPassphrase((await io.askSecret('New passphrase: ')).normalize('NFC'));
  const second = (await io.askSecret('The same again: ')).normalize('NFC');
  if (first === second) return first;
  throw new AtalayaError('usage-invalid', 'the two passphrases are not the same', {
    hint: 'Nothing was made; begin again.',
  });
}

/** A file on a stick has the mode of the whole stick (FAT), which nobody can change: who may read it is told, and it is taken. */
async function firstLine(io: ProvisionIo, file: string): Promise<string> {
  try {
    const found = await stat(file);
    if (found.isFile() && (found.mode & 0o077) !== 0) {
      const octal = (found.mode & 0o777).toString(8).padStart(4, '0');
      say(io.err, `Others may read or write the passphrase file ${file} (mode ${octal}). Run: chmod 600 ${file}`);
    }
    return ((await readFile(file, 'utf8')).split('\n')[0] ?? '').replace(/\r$/, '').normalize('NFC');
  } catch (error) {
    throw new AtalayaError('usage-invalid', `the passphrase file ${file} cannot be read`, {
      hint: 'Check --passphrase-file.',
      cause: error,
    });
  }
}

/** A number of days from the command line. */
export const daysOf =
  (most: number) =>
  (text: string): number => {
    const days = Number(text);
    if (/^[0-9]+(\.[0-9]+)?$/.test(text) && days >= 0.01 && days <= most) return days;
    throw new InvalidArgumentError(`a number of days, ${most} at most`);
  };
