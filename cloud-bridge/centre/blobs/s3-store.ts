import { buffer } from 'node:stream/consumers';
import { Client } from 'minio';
import { type Timer, withDeadline } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { isAbsent, s3Fault } from './s3-faults.ts';

export interface S3Options {
  /** Host name, without a scheme. */
  readonly endPoint: string;
  readonly port?: number;
  readonly useSSL?: boolean;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region?: string;
  /** Made where it is missing. */
  readonly bucket: string;
  /** Before every key: `atalaya/`. */
  readonly prefix?: string;
}

/** One request, from its beginning to the answer. */
const deadline = milliseconds(30_000);

/** One bucket, in the words of what is done with it. Every call ends by a deadline; throws faults of ours only. */
export class S3Store {
  readonly #client: Client;
  readonly #options: S3Options;
  readonly #timer: Timer;

  constructor(client: Client, options: S3Options, timer: Timer) {
    this.#client = client;
    this.#options = options;
    this.#timer = timer;
  }

  static async open(options: S3Options, timer: Timer): Promise<S3Store> {
    const { endPoint, port, useSSL = true, accessKey, secretKey, region = 'us-east-1', bucket } = options;
    const client = new Client({
      endPoint,
      useSSL,
      accessKey,
      secretKey,
      region,
      ...(port === undefined ? {} : { port }),
      // Whoever calls tries again, and knows when.
      retryOptions: { disableRetry: true },
    });
    const store = new S3Store(client, options, timer);
    await store.#ask(`the bucket ${bucket}`, async () => {
      if (await client.bucketExists(bucket)) return;
      await client.makeBucket(bucket, region).catch(async (error: unknown) => {
        // Another bridge that began at the same moment has made it.
        if (!(await client.bucketExists(bucket))) throw error;
      });
    });
    return store;
  }

  /** Size and SHA-256 of an object as they were noted with it; undefined where it is not there. */
  head(key: string): Promise<{ readonly bytes: number; readonly sha256: string | undefined } | undefined> {
    return this.#ask(key, async () => {
      try {
        const { size, metaData } = await this.#client.statObject(this.#options.bucket, this.#key(key));
        const { sha256 } = metaData as { sha256?: string };
        return { bytes: size, sha256 };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  put(key: string, content: Buffer, sha256?: string): Promise<void> {
    return this.#ask(key, async () => {
      const notes = sha256 === undefined ? {} : { sha256 };
      await this.#client.putObject(this.#options.bucket, this.#key(key), content, content.byteLength, notes);
    });
  }

  /** The whole of a small object; undefined where it is not there. */
  get(key: string): Promise<Buffer | undefined> {
    return this.#ask(key, async () => {
      try {
        return await buffer(await this.#client.getObject(this.#options.bucket, this.#key(key)));
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  async stream(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const stream = await this.#ask(key, async () => {
      try {
        return await this.#client.getObject(this.#options.bucket, this.#key(key));
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
    return stream === undefined ? undefined : pieces(stream, key);
  }

  /** What lies under a prefix that ends with `/`: the rest of each key, and bytes. */
  list(prefix: string): Promise<ReadonlyMap<string, number>> {
    return this.#ask(prefix, async () => {
      const whole = this.#key(prefix);
      const found = new Map<string, number>();
      for await (const item of this.#client.listObjectsV2(this.#options.bucket, whole, true)) {
        const { name, size } = item as { name?: string; size: number };
        if (name !== undefined) found.set(name.slice(whole.length), size);
      }
      return found;
    });
  }

  /** What is not there is removed already. */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const { bucket } = this.#options;
    const names = keys.map((key) => this.#key(key));
    try {
      await this.#ask('objects', () => this.#client.removeObjects(bucket, names));
    } catch {
      // Not every store takes many at once.
      for (const name of names) await this.#ask(name, () => this.#client.removeObject(bucket, name));
    }
  }

  /** Begins an object that is sent in parts of 5 MiB or more, the last one may be less; visible once it is completed. */
  async begin(key: string, sha256: string): Promise<S3Upload> {
    const name = this.#key(key);
    const headers = { 'x-amz-meta-sha256': sha256, 'content-type': 'application/octet-stream' };
    const id = await this.#ask(key, () => this.#client.initiateNewMultipartUpload(this.#options.bucket, name, headers));
    const etags: { part: number; etag: string }[] = [];
    return {
      add: (content) =>
        this.#ask(key, async () => {
          const part = { bucketName: this.#options.bucket, objectName: name, uploadID: id };
          const partNumber = etags.length + 1;
          const length = { 'Content-Length': content.byteLength };
          const { etag } = await this.#client.uploadPart({ ...part, partNumber, headers: length }, content);
          etags.push({ part: partNumber, etag });
        }),
      complete: () =>
        this.#ask(key, async () => {
          await this.#client.completeMultipartUpload(this.#options.bucket, name, id, etags);
        }),
      abort: () =>
        this.#ask(key, () => this.#client.abortMultipartUpload(this.#options.bucket, name, id)).catch(() => undefined),
    };
  }

  #key(key: string): string {
    return `${this.#options.prefix ?? ''}${key}`;
  }

  async #ask<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await withDeadline(work(), deadline, what, this.#timer);
    } catch (error) {
      throw s3Fault(error, what);
    }
  }
}

export interface S3Upload {
  add(content: Buffer): Promise<void>;
  complete(): Promise<void>;
  /** As far as the store lets itself be told: what stays is invisible. */
  abort(): Promise<void>;
}

async function* pieces(stream: AsyncIterable<unknown>, key: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (error) {
    throw s3Fault(error, key);
  }
}
