import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { explain } from '../../../device/kernel/errors.ts';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { makePersonKey } from '../../contract/person-key.ts';
import { makePki } from '../../testing/make-pki.ts';
import { loadBridgeConfig } from './bridge-config.ts';
import { runBridge } from './compose-bridge.ts';

const folderOf = () => mkdtemp(join(tmpdir(), 'atalaya-bridge-'));

test('certificates and keys that cannot serve are refused at the start, with the reason', async (t) => {
  const folder = await folderOf();
  const pki = await makePki(join(folder, 'pki'));
  const place = async (name: string, content: Buffer | string) => writeFile(join(folder, name), content);
  const good = await pki.issue('bridge-1');
  const expired = await pki.issue('bridge-1', { expired: true });
  const root = makePersonKey();
  await place('ca.pem', good.ca);
  await place('good.pem', good.cert);
  await place('good.key', good.key);
  await place('old.pem', expired.cert);
  await place('old.key', expired.key);
  await place('root.pem', root.privatePem);
  await place('root.public.pem', root.publicPem);
  await place('other.pem', good.cert);
  const broker = (cert: string, key: string) =>
    `ops: null\nbroker: { url: "mqtts://127.0.0.1:1", ca: ca.pem, cert: ${cert}, key: ${key} }\n`;
  const usual = broker('good.pem', 'good.key');
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      `name: bridge-2\n${usual}`,
      /key-invalid: the certificate of bridge-2, .*good\.pem: it is for "bridge-1", not for/,
    ],
    [broker('good.pem', 'old.key'), /the private key is not the one that it was issued for/],
    [broker('old.pem', 'old.key'), /it expired on 20/],
    [broker('good.key', 'good.key'), /it cannot be read: the file holds a private key/],
    [broker('missing.pem', 'good.key'), /key-missing: .*missing\.pem does not exist\n {2}It is named by broker\.cert/],
    ['ops: null\nbroker: { cert: good.pem }\n', /config-invalid: broker\.cert is named without broker\.key/],
    [
      `${usual}trust: { rootKey: root.pem }\n`,
      /key-invalid: .*root\.pem is a private key; a bridge is given the public/,
    ],
    [`${usual}trust: { rootKey: good.pem }\n`, /key-invalid: .*good\.pem is no Ed25519 public key in PEM/],
    [
      `${usual}api: { tls: { cert: good.pem, key: old.key } }\n`,
      /the API cannot serve TLS: .*old\.key is not the key of/,
    ],
    [`${usual}api: { tls: { cert: root.public.pem, key: old.key } }\n`, /are no certificate and private key in PEM/],
  ];
  for (const [i, [text, expected]] of cases.entries()) {
    await place(`${i}.yaml`, text);
    const config = { ...(await loadBridgeConfig(join(folder, `${i}.yaml`))), data: join(folder, `data-${i}`) };
    const fault = await t.throwsAsync(
      runBridge(config, { clock: systemClock, signal: AbortSignal.timeout(5000), log: silentLog }),
      undefined,
      text,
    );
    t.regex(explain(fault), expected);
    t.false(explain(fault).includes(root.privatePem.split('\n')[1] ?? '-'));
  }
  await rm(folder, { recursive: true, force: true });
});

test('a place that is taken, and engines that are not there, are told with what to do', async (t) => {
  const folder = await folderOf();
  const pki = await makePki(join(folder, 'pki'));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { cert, key } = pki.server;
  await writeFile(join(folder, 'access'), 'x');
  const blobs = (more: string) =>
    `ops: null\nblobs: { endPoint: 127.0.0.1, ${more}, bucket: evidence, accessKeyFile: access, secretKeyFile: access }\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      `ops: { port: ${port} }\n`,
      /^config-invalid: cannot listen on 127\.0\.0\.1:\d+ for health and metrics: another program listens there\n {2}End that program, or name another port in ops\.port\.$/,
    ],
    [
      `ops: null\napi: { tls: { host: 127.0.0.1, port: ${port}, cert: ${cert}, key: ${key} } }\n`,
      /for the API: another program listens there\n.* api\.tls\.port/,
    ],
    ['ops: { host: 203.0.113.9, port: 0 }\n', /this machine has no such address\n.*ops\.host/],
    ['ops: null\napi: { socket: missing/api.sock }\n', /missing\/api\.sock for the API: its folder does not exist, or/],
    [
      'ops: null\narchive: { url: "postgres://x:hunter2@127.0.0.1:1/fleet" }\n',
      /^archive-unavailable: the PostgreSQL server does not answer.*\n.*section archive/,
    ],
    ['ops: null\narchive: { url: "hunter2" }\n', /^config-invalid: the address of the archive is none\n/],
    [
      blobs('port: 1, tls: false'),
      /^archive-unavailable: the bucket evidence: the object store does not answer.*\n.*section blobs/,
    ],
    ['ops: null\nqueues: { url: "hunter2" }\n', /^config-invalid: the address of the queues is none\n/],
  ];
  for (const [i, [text, expected]] of cases.entries()) {
    await writeFile(join(folder, `${i}.yaml`), `broker: { url: "mqtt://127.0.0.1:1" }\n${text}`);
    const config = { ...(await loadBridgeConfig(join(folder, `${i}.yaml`))), data: join(folder, `data-${i}`) };
    const fault = await t.throwsAsync(
      runBridge(config, { clock: systemClock, signal: AbortSignal.timeout(5000), log: silentLog }),
      undefined,
      text,
    );
    t.regex(explain(fault), expected);
    t.false(explain(fault).includes('hunter2'), 'an address may hold a password');
  }
  taken.close();
  await rm(folder, { recursive: true, force: true });
});
