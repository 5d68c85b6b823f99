import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { encryptApart } from './age-stream.ts';
import { createIdentity, openWith, parseIdentities } from './identity.ts';
import { encrypterFor } from './recipients.ts';
import { gather, inPieces } from './testing/sealing.ts';
import { Turns } from './turns.ts';

const { identity, recipient } = await createIdentity();
const clear = Buffer.alloc(200_000, 'evidence');

async function sealed(content: Uint8Array = clear): Promise<Buffer> {
  let header = Buffer.alloc(0);
  const body = await gather(
    encryptApart(encrypterFor([recipient]), content, new Turns(), (found) => {
      header = Buffer.from(found);
    }),
  );
  return Buffer.concat([header, body]);
}

const open = (file: Uint8Array, key = identity, pieces = 50_000) => gather(openWith([key], inPieces(file, pieces)));

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return isAtalayaError(error) ? error.code : `other: ${error}`;
  }
  return 'none';
}

test('the right identity opens, also as one of several, and in pieces of any size', async (t) => {
  const file = await sealed();
  const other = (await createIdentity()).identity;
  t.deepEqual(await gather(openWith([other, identity], inPieces(file, 1_000_000))), clear);
  t.deepEqual(await open(file, identity, 7919), clear);
  const short = await sealed(Buffer.from('x'));
  t.is((await open(short, identity, 1)).toString(), 'x');
});

test('a wrong identity is told from a damaged file', async (t) => {
  const file = await sealed();
  t.is(await code(open(file, (await createIdentity()).identity)), 'key-wrong');
  for (const at of [0, 30, 180, 199, 210, 250, 100_000, file.byteLength - 1]) {
    const bad = Buffer.from(file);
    bad[at] = (bad[at] ?? 0) ^ 1;
    t.true(['store-damaged', 'key-wrong'].includes(await code(open(bad))), `byte ${at}`);
    if (at > 200) t.is(await code(open(bad)), 'store-damaged', `byte ${at}`);
  }
  for (const length of [0, 10, 100, 200, 216, 230, 65_552 + 216, file.byteLength - 1]) {
    t.is(await code(open(file.subarray(0, length))), 'store-damaged', `${length} bytes`);
  }
  t.is(await code(open(Buffer.concat([file, Buffer.from('x')]))), 'store-damaged');
});

test('a fault of the source comes through as it is', async (t) => {
  const file = await sealed();
  const fault = new Error('unplugged');
  const source = async function* () {
    yield file.subarray(0, 1000);
    throw fault;
  };
  t.is(await t.throwsAsync(gather(openWith([identity], source()))), fault);
});

test('an identity file is read as age-keygen writes it; what is none is refused without being repeated', (t) => {
  const file = `# created: 2026-01-01T00:00:00Z\n# public key: ${recipient}\n${identity}\n`;
  t.deepEqual(parseIdentities(file), [identity]);
  t.deepEqual(parseIdentities(file.replaceAll('\n', '\r\n')), [identity]);
  for (const bad of ['', '# nothing\n\n', recipient, `${identity}\nAGE-SECRET-KEY-1SECRET`, 'AGE-SECRET-KEY-1SECRET']) {
    const error = t.throws(() => parseIdentities(bad));
    t.true(isAtalayaError(error, 'key-invalid'));
    t.false(JSON.stringify([error?.message, (error as { hint?: string }).hint]).includes('1SECRET'));
  }
});
