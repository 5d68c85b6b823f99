import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Client } from 'minio';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { blockBytes } from '../../contract/topics.ts';
import { S3Blobs } from './s3-blobs.ts';
import { S3Store } from './s3-store.ts';
import { blobsContract, blocksOf, clip, contentOf, expectedOf } from './testing/blobs-contract.ts';

const timer = systemTimer;
const keys = { accessKey: 'S3RVER', secretKey: 'S3RVER' };

interface TestStore {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}
type TestStoreClass = new (options: {
  readonly port: number;
  readonly address: string;
  readonly silent: boolean;
  readonly directory: string;
}) => TestStore;
const S3rver = createRequire(import.meta.url)('s3rver') as TestStoreClass;

async function startStore(t: ExecutionContext, port = 0, directory?: string) {
  const folder = directory ?? (await mkdtemp(join(tmpdir(), 'atalaya-s3-')));
  const store = new S3rver({ port, address: '127.0.0.1', silent: true, directory: folder });
  const { port: taken } = await store.run();
  const stop = () => store.close().catch(() => undefined);
  t.teardown(stop);
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return { options: { endPoint: '127.0.0.1', port: taken, useSSL: false, bucket: 'evidence', ...keys }, stop, folder };
}

blobsContract(test.serial, async (t) => {
  const { options } = await startStore(t);
  const again = () => S3Blobs.open({ ...options, prefix: 'fleet/' }, { timer });
  return { blobs: await again(), again };
});

test.serial('a file of more than one part is whole, and a wrong one of that length is not seen', async (t) => {
  const { options } = await startStore(t);
  const blobs = await S3Blobs.open(options, { timer });
  const content = randomBytes(9 * 1024 * 1024 + 17);
  const write = async (bytes: Buffer) => {
    for (const { block, piece } of blocksOf(bytes)) await blobs.write(clip, block, piece);
  };
  await write(content);
  const other = { ...expectedOf(content), sha256: expectedOf(randomBytes(3)).sha256 };
  t.is((await fault(blobs.finish(clip, other))).code, 'blob-mismatch');
  t.false(await blobs.finished(clip));
  await write(content);
  await blobs.finish(clip, expectedOf(content));
  t.true((await contentOf(blobs, clip))?.equals(content));
  await blobs.finish(clip, expectedOf(content));
});

test.serial('two bridges that finish the same at once both have finished it', async (t) => {
  for (const at of ['head', 'list', 'get'] as const) {
    const { options } = await startStore(t);
    const other = await S3Blobs.open(options, { timer });
    const content = randomBytes(3 * blockBytes);
    for (const { block, piece } of blocksOf(content)) await other.write(clip, block, piece);
    let overtaken = false;
    // The other bridge is through with it right before this one asks the store for that.
    const store = new Proxy(await S3Store.open(options, timer), {
      get: (of, name: keyof S3Store) => {
        const method = of[name].bind(of) as (...given: readonly unknown[]) => Promise<unknown>;
        return async (...given: readonly unknown[]) => {
          if (name === at && !overtaken) {
            overtaken = true;
            await other.finish(clip, expectedOf(content));
          }
          return method(...given);
        };
      },
    });
    await new S3Blobs(store).finish(clip, expectedOf(content));
    t.true(overtaken, at);
    t.true((await contentOf(other, clip))?.equals(content), at);
  }
});

test.serial('a store that is gone is unavailable, and there again when it is', async (t) => {
  const { options, stop, folder } = await startStore(t);
  const blobs = await S3Blobs.open(options, { timer });
  const content = randomBytes(100);
  await blobs.write(clip, 0, content);
  await stop();
  for (const work of [blobs.write(clip, 0, content), blobs.blocks(clip), blobs.finished(clip), blobs.read(clip)])
    t.is((await fault(work)).code, 'archive-unavailable');
  t.is((await fault(S3Blobs.open(options, { timer }))).code, 'archive-unavailable');
  await startStore(t, options.port, folder);
  await blobs.finish(clip, expectedOf(content));
  t.deepEqual(await contentOf(blobs, clip), content);
});

/** A store that answers every request with one error. */
async function refusing(t: ExecutionContext, status: number, code: string): Promise<number> {
  const server: Server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/xml' });
    const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

test.serial('what the store answers is told apart: full, refused, busy', async (t) => {
  const options = { endPoint: '127.0.0.1', useSSL: false, bucket: 'evidence', ...keys };
  const cases = [
    [507, 'XMinioStorageFull', 'store-full'],
    [403, 'AccessDenied', 'store-failed'],
    [403, 'SignatureDoesNotMatch', 'store-failed'],
    [503, 'SlowDown', 'archive-unavailable'],
    [500, 'InternalError', 'archive-unavailable'],
  ] as const;
  for (const [status, code, due] of cases) {
    const port = await refusing(t, status, code);
    const client = new Client({ ...options, port, region: 'us-east-1', retryOptions: { disableRetry: true } });
    const store = new S3Store(client, options, timer);
    t.is((await fault(store.put('x', Buffer.from('x')))).code, due, code);
  }
});
