import type { Readable } from 'node:stream';
import type { PicturePool } from './picture-pool.ts';

/**
 * Cuts a byte stream into pictures of `bytes` each, every one written straight into a buffer of the pool. A last incomplete picture is
 * dropped.
 */
export async function* cutPictures(stream: Readable, bytes: number, pool: PicturePool): AsyncGenerator<Uint8Array> {
  let target = pool.acquire();
  let filled = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let at = 0;
      while (at < chunk.byteLength) {
        const take = Math.min(chunk.byteLength - at, bytes - filled);
        target.set(chunk.subarray(at, at + take), filled);
        at += take;
        filled += take;
        if (filled < bytes) continue;
        const whole = target;
        target = pool.acquire();
        filled = 0;
        yield whole;
      }
    }
  } finally {
    pool.release(target);
  }
}
