import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { howToMake, parseKeyPem, type SigningKey, signingKey, signWith } from './key-pem.ts';
import type { KeyAlgorithm, Keystore } from './keystore.ts';
import { privateFiles, readPrivateFile, settleFile, writeNewFile } from './private-files.ts';

export interface KeyFileOptions {
  /** Of a key that is made; `ed25519` where it is not said. A file that is there says its own. */
  readonly algorithm?: KeyAlgorithm;
  /** Where a key that is made is written; this machine's disk where it is not said. */
  readonly files?: Files;
}

/**
 * A signing key in a PEM file of mode 0600, held in memory while it is open. Whoever can read the file, or the memory of this
 * process, can sign as the unit.
 */
export class FileKeystore implements Keystore {
  readonly algorithm: KeyAlgorithm;
  readonly spki: Buffer;
  readonly id: string;
  #key: KeyObject | undefined;

  constructor({ algorithm, spki, id, key }: SigningKey) {
    this.algorithm = algorithm;
    this.spki = spki;
    this.id = id;
    this.#key = key;
  }

  /**
   * Opens a key file: PKCS#8 PEM, not encrypted, Ed25519 or P-256, for its owner's eyes only. Throws `key-missing`, `key-invalid`,
   * `key-unavailable`.
   *
   * An Ed25519 file in which a bit has turned is the file of another key, and nothing in it tells: who opens the key of a store
   * compares `id` with the public key that the store keeps.
   */
  static async open(path: string): Promise<FileKeystore> {
    const pem = await readPrivateFile(path);
    if (pem === undefined) {
      throw new AtalayaError('key-missing', `there is no signing key at ${path}`, { hint: howToMake(path) });
    }
    const key = parseKeyPem(pem, path);
    await settleFile(privateFiles, path, key.id);
    return new FileKeystore(key);
  }

  /**
   * Makes a new key and its file, durable when this has resolved. A power cut leaves no file or the whole one. Throws `key-exists`
   * and touches nothing where there is a file already; `store-full`, `store-failed`.
   */
  static async create(path: string, options: KeyFileOptions = {}): Promise<FileKeystore> {
    const { algorithm = 'ed25519', files = privateFiles } = options;
    const { privateKey } =
      algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = signingKey(privateKey, algorithm, path);
    await writeNewFile(files, path, key.id, Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' })));
    return new FileKeystore(key);
  }

  /** Opens the file, or makes it where there is none. Of two that make it at once both get the one key. Throws as the other two do. */
  static async openOrCreate(path: string, options: Pick<KeyFileOptions, 'algorithm'> = {}): Promise<FileKeystore> {
    try {
      return await FileKeystore.open(path);
    } catch (error) {
      if (!isAtalayaError(error, 'key-missing')) throw error;
    }
    try {
      return await FileKeystore.create(path, options);
    } catch (error) {
      if (!isAtalayaError(error, 'key-exists')) throw error;
      return FileKeystore.open(path);
    }
  }

  async sign(message: Uint8Array): Promise<Buffer> {
    if (this.#key === undefined) throw new AtalayaError('key-closed', 'the keystore is closed');
    return signWith(this.#key, this.algorithm, message);
  }

  async close(): Promise<void> {
    this.#key = undefined;
  }
}
