import { createHash } from 'node:crypto';
import { AtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';
import { type Content, encryptApart } from './age-stream.ts';
import type { BlobStore } from './blob-store.ts';
import { encrypterFor, type Recipients } from './recipients.ts';
import { Turns } from './turns.ts';

/** A file as it goes in. */
export interface ClearFile {
  readonly name: string;
  readonly content: Content;
  /** Whether it opens for the operators as well as for the authority. */
  readonly forOperators: boolean;
}

/** A file as it lies sealed; the fields are those of the record's files. */
export interface SealedFile {
  readonly name: string;
  /** Of the whole age file, header and body. */
  readonly bytes: number;
  readonly sha256: string;
  /** Bytes of the header. */
  readonly header: number;
  /** SHA-256 of the body, and name of its blob. */
  readonly body: string;
}

export interface SealedPackage {
  /** The key file: the headers of all files, one after the other. */
  readonly keys: { readonly bytes: number; readonly sha256: string };
  readonly files: readonly SealedFile[];
}

/** A leftover of a seal that never finished. */
export interface Orphan {
  readonly kind: 'keys' | 'body';
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Encrypts packages of evidence to age recipients, so that whoever takes the disk reads nothing, and destroys them, so that nobody
 * ever does.
 *
 * Of each age file the body is a blob; the headers, which hold the file keys, wrapped for the recipients, are the package's key
 * file. Guarantees: plaintext is never on the disk; when a seal has resolved all of it is on the medium; when a destruction has
 * begun on the medium, its first step was the key file, without which no body opens for anybody.
 */
export class PackageSealer {
  readonly #bodies: BlobStore;
  readonly #keys: BlobStore;
  readonly #recipients: Recipients;
  readonly #turns = new Turns();
  #listing: Promise<unknown> = Promise.resolve();
  #begun = false;

  constructor(bodies: BlobStore, keys: BlobStore, recipients: Recipients) {
    this.#bodies = bodies;
    this.#keys = keys;
    this.#recipients = recipients;
  }

  /**
   * Encrypts the files, all at the same time, and resolves when all bodies and after them the key file are durable.
   *
   * On any failure, the signal's too, what was written is removed again where the disk still obeys; what stays is an orphan. Throws
   * `store-full`, `store-failed`, what a content throws, and the signal's reason.
   */
  async seal(files: readonly ClearFile[], signal?: AbortSignal): Promise<SealedPackage> {
    if (files.length === 0) throw new AtalayaError('internal', 'a package without files');
    this.#begun = true;
    await this.#listing;
    signal?.throwIfAborted();
    const failed = new AbortController();
    const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    const written: string[] = [];
    const work = files.map(async (file) => {
      try {
        const one = await this.#sealFile(file, either);
        written.push(one.sealed.body);
        return one;
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    });
    await Promise.allSettled(work);
    let keyFile = Buffer.alloc(0);
    try {
      // The first to fail aborts the others with its own fault as their reason.
      if (failed.signal.aborted) throw failed.signal.reason;
      const sealed = await Promise.all(work);
      signal?.throwIfAborted();
      keyFile = Buffer.concat(sealed.map(({ header }) => header));
      const keys = await this.#keys.put(keyFile);
      return { keys, files: sealed.map((one) => one.sealed) };
    } catch (error) {
      // No other package names what is encrypted with file keys of its own.
      await this.destroy(sha256(keyFile), written).catch(() => undefined);
      throw error;
    }
  }

  /**
   * The age file of one file of a package. Throws `store-damaged` where the key file or the body is missing or changed; of the body
   * that is known at the end.
   */
  async *ciphertext(
    keys: { readonly sha256: string },
    files: readonly SealedFile[],
    index: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const file = files[index];
    if (file === undefined) throw new AtalayaError('internal', `the package has no file ${index}`);
    const keyFile = await this.#keys.get(keys.sha256);
    const at = files.slice(0, index).reduce((sum, { header }) => sum + header, 0);
    const header = keyFile.subarray(at, at + file.header);
    const hash = createHash('sha256').update(header);
    let bytes = header.byteLength;
    yield header;
    for await (const piece of this.#bodies.stream(file.body)) {
      hash.update(piece);
      bytes += piece.byteLength;
      yield piece;
    }
    if (bytes !== file.bytes || hash.digest('hex') !== file.sha256) {
      throw new AtalayaError('store-damaged', `key file and body of ${file.name} do not make the file that was sealed`);
    }
  }

  /**
   * Where the key file (`keys`) or a body of a package lies, for a reader that checks the hash itself: the pieces of which age files are
   * put together elsewhere.
   */
  pathOf(kind: 'keys' | 'body', name: string): string {
    return (kind === 'keys' ? this.#keys : this.#bodies).path(name);
  }

  /**
   * Destroys a package: the key file is overwritten and removed, durably, then the bodies are removed, durably. May be repeated, and
   * after a fault or a power cut has to be, until it resolves. Throws `store-failed`.
   */
  async destroy(keysSha256: string, bodies: readonly string[]): Promise<void> {
    await this.#keys.shred(keysSha256);
    await this.#bodies.remove(bodies);
  }

  /** Whether neither the key file nor any of the bodies is there. Throws `store-failed`. */
  async isDestroyed(keysSha256: string, bodies: readonly string[]): Promise<boolean> {
    if (await this.#keys.has(keysSha256)) return false;
    for (const body of bodies) if (await this.#bodies.has(body)) return false;
    return true;
  }

  /**
   * Key files and bodies of earlier runs that nothing names. To be called before the first seal; seals that begin meanwhile are
   * never among them. Throws `internal` where it comes after one, as what that is writing is named by nothing yet; `store-failed`.
   */
  async orphans(known: (sha256: string) => boolean | Promise<boolean>): Promise<readonly Orphan[]> {
    if (this.#begun) throw new AtalayaError('internal', 'orphans are looked for before the first seal');
    const listing = Promise.all([this.#keys.list(), this.#bodies.list()]);
    this.#listing = listing.catch(() => undefined);
    const [keys, bodies] = await listing;
    return [
      ...(await unknown('keys', this.#keys, keys, known)),
      ...(await unknown('body', this.#bodies, bodies, known)),
    ];
  }

  /** Destroys orphans, key files first. Throws `store-failed`. */
  async sweep(orphans: readonly Orphan[]): Promise<void> {
    for (const { kind, sha256: name } of orphans) if (kind === 'keys') await this.#keys.shred(name);
    await this.#bodies.remove(orphans.filter(({ kind }) => kind === 'body').map((orphan) => orphan.sha256));
  }

  async #sealFile(file: ClearFile, signal: AbortSignal): Promise<{ header: Buffer; sealed: SealedFile }> {
    const { authority, operators } = this.#recipients;
    const encrypter = encrypterFor(file.forOperators ? [...authority, ...operators] : authority);
    const hash = createHash('sha256');
    let header = Buffer.alloc(0);
    const onHeader = (found: Buffer): void => {
      header = Buffer.from(found);
      hash.update(found);
    };
    const chunks = encryptApart(encrypter, file.content, this.#turns, onHeader, signal);
    const body = await this.#bodies.putStream(observed(chunks, (chunk) => hash.update(chunk)));
    return {
      header,
      sealed: {
        name: file.name,
        bytes: header.byteLength + body.bytes,
        sha256: hash.digest('hex'),
        header: header.byteLength,
        body: body.sha256,
      },
    };
  }
}

async function* observed(chunks: AsyncIterable<Uint8Array>, see: (chunk: Uint8Array) => void) {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

async function unknown(
  kind: Orphan['kind'],
  store: BlobStore,
  names: readonly string[],
  known: (sha256: string) => boolean | Promise<boolean>,
): Promise<Orphan[]> {
  const found: Orphan[] = [];
  for (const name of names) {
    if (await known(name)) continue;
    const bytes = await store.size(name);
    if (bytes !== undefined) found.push({ kind, sha256: name, bytes });
  }
  return found;
}
