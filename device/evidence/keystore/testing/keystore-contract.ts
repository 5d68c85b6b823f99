import { execFile } from 'node:child_process';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { AtalayaError, systemCode } from '../../../kernel/errors.ts';
import { sha256 } from '../../../kernel/hash.ts';
import type { KeyAlgorithm, Keystore } from '../keystore.ts';

/** `test` or `test.serial`. */
export type Declare = (title: string, run: (t: ExecutionContext) => Promise<void>) => void;

/** What every adapter of `Keystore` keeps. `assemble` gives an open keystore, which the contract closes. */
export function keystoreContract(
  declare: Declare,
  adapter: string,
  algorithm: KeyAlgorithm,
  assemble: (t: ExecutionContext) => Promise<Keystore | undefined>,
): void {
  const onKeystore = (says: string, check: (keystore: Keystore, t: ExecutionContext) => Promise<void>) => {
    declare(`${adapter}: ${says}`, async (t) => {
      const keystore = await assemble(t);
      if (keystore === undefined) {
        t.pass();
        return;
      }
      t.teardown(() => keystore.close());
      await check(keystore, t);
    });
  };

  onKeystore('says which key it is', async (keystore, t) => {
    const key = publicKey(keystore);
    t.is(keystore.algorithm, algorithm);
    t.is(key.asymmetricKeyType, algorithm === 'ed25519' ? 'ed25519' : 'ec');
    t.is(key.asymmetricKeyDetails?.namedCurve, algorithm === 'ed25519' ? undefined : 'prime256v1');
    t.deepEqual(key.export({ format: 'der', type: 'spki' }), keystore.spki);
    t.is(keystore.id, sha256(keystore.spki));
  });

  onKeystore('a signature is of the message and of no other', async (keystore, t) => {
    for (const message of messages) {
      const signature = await keystore.sign(message);
      t.true(verifies(keystore, message, signature), `${message.byteLength} bytes`);
      t.false(verifies(keystore, Buffer.concat([message, Buffer.of(0)]), signature));
    }
  });

  onKeystore('openssl takes its signatures, and no changed message', async (keystore, t) => {
    const folder = await mkdtemp(join(tmpdir(), 'atalaya-openssl-'));
    t.teardown(() => rm(folder, { recursive: true }));
    for (const message of messages.filter(({ byteLength }) => byteLength > 0)) {
      const signature = await keystore.sign(message);
      const changed = Buffer.from(message);
      changed[0] = (changed[0] ?? 0) ^ 1;
      const good = await opensslVerifies(folder, keystore, message, signature);
      if (good === undefined) {
        t.log('openssl is not installed: passed over');
        t.pass();
        return;
      }
      t.true(good, `${message.byteLength} bytes`);
      t.false(await opensslVerifies(folder, keystore, changed, signature));
    }
  });

  onKeystore('signatures asked for at the same time are each of their own message', async (keystore, t) => {
    const asked = Array.from({ length: 12 }, (_, i) => Buffer.from(`message ${i}`));
    const signatures = await Promise.all(asked.map((message) => keystore.sign(message)));
    for (const [i, signature] of signatures.entries()) {
      t.deepEqual(
        asked.map((message) => verifies(keystore, message, signature)),
        asked.map((_, k) => k === i),
      );
    }
  });

  onKeystore('the encoding is the one that everybody reads', async (keystore, t) => {
    for (let i = 0; i < 24; i += 1) {
      const signature = await keystore.sign(Buffer.from([i]));
      if (algorithm === 'ed25519') t.is(signature.byteLength, 64);
      else checkDer(signature, t);
    }
  });

  onKeystore('memory that the caller uses again does not change what is signed', async (keystore, t) => {
    const memory = Buffer.from('what was handed over');
    const asked = keystore.sign(memory);
    memory.fill(0);
    t.true(verifies(keystore, Buffer.from('what was handed over'), await asked));
  });

  onKeystore('after close nothing is signed, and what was asked for before is whole', async (keystore, t) => {
    const asked = [Buffer.from('one'), Buffer.from('two')];
    const signing = asked.map((message) => keystore.sign(message));
    const closing = keystore.close();
    const refused = await t.throwsAsync(keystore.sign(Buffer.from('late')), { instanceOf: AtalayaError });
    t.is(refused?.code, 'key-closed');
    await closing;
    await keystore.close();
    for (const [i, signature] of (await Promise.all(signing)).entries()) {
      t.true(verifies(keystore, asked[i] as Buffer, signature));
    }
    await t.throwsAsync(keystore.sign(Buffer.from('later')), { instanceOf: AtalayaError });
  });
}

const messages = [
  Buffer.alloc(0),
  Buffer.of(0),
  Buffer.from('{"record":"é"}'),
  Buffer.alloc(64, 0xff),
  Buffer.alloc(100_000, 7),
];

export function verifies(keystore: Keystore, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(keystore.algorithm === 'p256' ? 'sha256' : null, message, publicKey(keystore), signature);
}

function publicKey({ spki }: Keystore): KeyObject {
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

/** Undefined where there is no openssl. */
async function opensslVerifies(
  folder: string,
  keystore: Keystore,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean | undefined> {
  const [pem, text, sig] = [join(folder, 'key.pem'), join(folder, 'message'), join(folder, 'signature')];
  await writeFile(pem, publicKey(keystore).export({ format: 'pem', type: 'spki' }));
  await writeFile(text, message);
  await writeFile(sig, signature);
  const args =
    keystore.algorithm === 'ed25519'
      ? ['pkeyutl', '-verify', '-pubin', '-inkey', pem, '-rawin', '-in', text, '-sigfile', sig]
      : ['dgst', '-sha256', '-verify', pem, '-signature', sig, text];
  try {
    const { stdout } = await promisify(execFile)('openssl', args, { timeout: 20_000 });
    return /Verified OK|Signature Verified Successfully/.test(stdout);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    return false;
  }
}

/** SEQUENCE of two INTEGERs, each positive and without needless zeros (X.690 §8.3.2, §10.1), and nothing after it. */
function checkDer(signature: Buffer, t: ExecutionContext): void {
  t.is(signature[0], 0x30);
  t.is(signature[1], signature.byteLength - 2);
  let at = 2;
  for (let i = 0; i < 2; i += 1) {
    t.is(signature[at], 0x02);
    const length = signature[at + 1] ?? 0;
    const digits = signature.subarray(at + 2, at + 2 + length);
    t.true(length >= 1 && digits.byteLength === length);
    t.true((digits[0] ?? 0xff) < 0x80, 'positive');
    t.false(length > 1 && digits[0] === 0 && (digits[1] ?? 0) < 0x80, 'no needless zero');
    at += 2 + length;
  }
  t.is(at, signature.byteLength);
}
