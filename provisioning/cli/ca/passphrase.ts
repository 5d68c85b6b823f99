import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { checkPassphrase } from '../../ca/authority-key.ts';
import type { ProvisionIo } from '../provision-io.ts';

export interface PassphraseFlags {
  readonly passphraseFile?: string;
}

export const onPassphrase = (command: Command): Command =>
  command.option('--passphrase-file <file>', 'its first line is the passphrase; asked for unless said otherwise');

/** A passphrase for a key that exists. Throws `usage-invalid`, `key-wrong` where there is nobody to be asked. */
export async function givenPassphrase(io: ProvisionIo, file: string | undefined, what: string): Promise<string> {
  if (file !== undefined) return firstLine(file);
  if (io.askSecret !== undefined) return (await io.askSecret(`Passphrase of ${what}: `)).normalize('NFC');
  throw new AtalayaError('usage-invalid', `${what} is encrypted, and nobody is there to type its passphrase`, {
    hint: 'Give --passphrase-file.',
  });
}

/** A passphrase for a new key: typed twice. Throws `usage-invalid`. */
export async function newPassphrase(io: ProvisionIo, file: string | undefined): Promise<string> {
  if (file !== undefined) return checkPassphrase(await firstLine(file));
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

async function firstLine(file: string): Promise<string> {
  try {
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
