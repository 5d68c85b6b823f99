import { constants } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storeFault } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';

/** Files of private keys: of mode 0600 from their first byte on, never written over, refused where others may read them. */

const mostBytes = 16 * 1024;

/**
 * Writes a file that is not there yet: after a power cut there is none or the whole one. `mode` is 0600 for a secret. Throws `key-exists`
 * and leaves what stands, `store-full`, `store-failed`.
 */
export async function writeKeyFile(path: string, text: string, mode: 0o600 | 0o644, token: string): Promise<void> {
  const part = `${path}.${token.slice(0, 16)}.part`;
  try {
    const file = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // A rename would replace what is there.
    await link(part, path);
    await unlink(part);
    const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await unlink(part).catch(() => undefined);
    if (systemCode(error) === 'EEXIST') {
      throw new AtalayaError('key-exists', `${path} is there already; a key is never overwritten`, {
        hint: 'Use it as it is, or name another file.',
        cause: error,
      });
    }
    throw storeFault(error, `cannot write ${path}`);
  }
}

/**
 * The text of a private key's file. Throws `key-missing` where there is none, `key-invalid` for one that others than its owner may read
 * or write, that this user may not read, or that is no small plain file.
 */
export async function readKeyFile(path: string, hint: string): Promise<string> {
  try {
    // Not to wait for a writer, should it be a pipe.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { mode, size } = await file.stat();
      if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > mostBytes) {
        throw new AtalayaError('key-invalid', `${path} is no key file`, {
          hint: 'Name the PEM file of the private key.',
        });
      }
      const text = await file.readFile('utf8');
      if (text.includes('PUBLIC KEY') && !text.includes('PRIVATE KEY')) {
        throw new AtalayaError('key-invalid', `${path} is the public half of a key, and the private one signs`, {
          hint: 'Name the PEM file that was written beside it, without .public in its name.',
        });
      }
      if ((mode & 0o077) !== 0) {
        const octal = (mode & 0o777).toString(8).padStart(4, '0');
        throw new AtalayaError('key-invalid', `others may read or write the private key ${path} (mode ${octal})`, {
          hint: `Run: chmod 600 ${path}; and make a new key if anybody may have copied this one.`,
        });
      }
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof AtalayaError) throw error;
    if (systemCode(error) === 'ENOENT') {
      throw new AtalayaError('key-missing', `there is no private key at ${path}`, { hint, cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('key-invalid', `cannot read the private key ${path}: ${reason}`, {
      hint: 'Make yourself its owner, or name another one.',
      cause: error,
    });
  }
}
