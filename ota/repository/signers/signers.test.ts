import { randomBytes } from 'node:crypto';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Key, Metadata, Targets } from '@tufjs/models';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { scratchFolder } from '../../../device/kernel/testing/scratch-folder.ts';
import { addSignature, specVersion } from '../metadata.ts';
import { memorySigner } from '../testing/memory-signers.ts';
import { softToken } from '../testing/soft-token.ts';
import { makeKeyFile, openKeyFile } from './key-files.ts';
import {
  keyIdOf,
  keyObjectOf,
  type MetadataSigner,
  type PublicMetadataKey,
  readPublicKey,
  writePublicKey,
} from './metadata-signer.ts';
import { makeTokenKey, openTokenKey } from './pkcs11-tool.ts';
import { readTokenKey } from './pkcs11-uri.ts';

function scratch(t: ExecutionContext): (name: string) => string {
  const at = scratchFolder(t);
  return (name) => join(at, name);
}

const nobody = async (): Promise<string> => {
  throw new Error('asked for a secret');
};

/** What every adapter has to do. */
async function isSigner(t: ExecutionContext, signer: MetadataSigner, made: PublicMetadataKey): Promise<void> {
  t.deepEqual(signer.publicKey, made);
  t.is(signer.keyId, keyIdOf(made));
  t.notThrows(() => keyObjectOf(made, 'it'));
  t.deepEqual(readPublicKey(writePublicKey(made), 'it'), made);
  const key = Key.fromJSON(signer.keyId, made as Parameters<typeof Key.fromJSON>[1]);
  for (let i = 0; i < 3; i += 1) {
    const targets = new Metadata(
      new Targets({
        version: i + 1,
        specVersion,
        expires: '2030-01-01T00:00:00Z',
        targets: {},
        unrecognizedFields: { text: 'Ünïcode "quoted"\\ \u0007' },
      }),
    );
    await addSignature(targets, signer);
    const text = JSON.stringify(targets.toJSON());
    t.notThrows(
      () => key.verifySignature(Metadata.fromJSON('targets' as never, JSON.parse(text))),
      'as a unit verifies it',
    );
    const other = Metadata.fromJSON('targets' as never, JSON.parse(text.replace('2030', '2031')));
    t.throws(() => key.verifySignature(other));
  }
  const whole = await signer.sign(new Uint8Array(300_000));
  t.true(whole.byteLength >= 64);
}

for (const kind of ['ed25519', 'p256'] as const) {
  for (const passphrase of [undefined, 'four words not together']) {
    test(`a ${kind} key in a file, ${passphrase === undefined ? 'in clear' : 'encrypted'}, signs what units verify`, async (t) => {
      const at = scratch(t);
      const made = await makeKeyFile(at('key.pem'), kind, passphrase, randomBytes);
      t.is((await stat(at('key.pem'))).mode & 0o777, 0o600);
      await isSigner(t, await openKeyFile(at('key.pem'), async () => passphrase ?? (await nobody())), made);
      t.is((await fault(makeKeyFile(at('key.pem'), kind, passphrase, randomBytes))).code, 'key-exists');
    });
  }
}

test('a key in a token signs what units verify, and its PIN is in no list of processes', async (t) => {
  const token = await softToken(t);
  if (token === undefined) return;
  // What a list of processes would show of the program.
  const at = scratch(t);
  const { PATH: path = '' } = process.env;
  const shim = `#!/bin/sh\nprintf '%s\\n' "$*" >> '${at('seen')}'\nPATH='${path}' exec pkcs11-tool "$@"\n`;
  await writeFile(at('pkcs11-tool'), shim, { mode: 0o755 });
  Object.assign(process.env, token.environment, { PATH: `${at('.')}:${path}` });
  const where = readTokenKey(token.uri('01'));
  const made = await makeTokenKey(where, async () => token.pin);
  let asked = 0;
  const signer = await openTokenKey(where, async () => {
    asked += 1;
    return token.pin;
  });
  await isSigner(t, signer, made);
  t.is(asked, 1);
  t.is((await fault(makeTokenKey(where, async () => token.pin))).code, 'key-exists');
  const seen = await readFile(at('seen'), 'utf8');
  t.regex(seen, /--sign .*--pin env:/);
  t.false(seen.includes(token.pin));
  const other = await makeTokenKey(readTokenKey(token.uri('02')), async () => token.pin);
  t.not(keyIdOf(other), keyIdOf(made));

  const wrong = await openTokenKey(where, async () => '1234');
  const refused = await fault(wrong.sign(Buffer.of(1)));
  t.is(refused.code, 'key-wrong');
  t.false(JSON.stringify([refused.message, refused.hint, String(refused.cause)]).includes('1234'));
  t.is((await fault(openTokenKey(readTokenKey(token.uri('77')), nobody))).code, 'key-missing');
  t.is((await fault(openTokenKey({ ...where, token: 'other' }, nobody))).code, 'key-unavailable');
  t.is((await fault(openTokenKey({ ...where, module: '/nowhere.so' }, nobody))).code, 'key-unavailable');
});

test('a key that others may read, that is none, or whose passphrase is another, is refused', async (t) => {
  const at = scratch(t);
  await makeKeyFile(at('clear.pem'), 'ed25519', undefined, randomBytes);
  await chmod(at('clear.pem'), 0o640);
  const open = await fault(openKeyFile(at('clear.pem'), nobody));
  t.is(open.code, 'key-invalid');
  t.regex(open.hint ?? '', /chmod 600/);
  await makeKeyFile(at('closed.pem'), 'ed25519', 'four words not together', randomBytes);
  await chmod(at('closed.pem'), 0o644);
  t.notThrows(() => openKeyFile(at('closed.pem'), async () => 'four words not together'), 'as a stick has it');
  t.is((await fault(openKeyFile(at('closed.pem'), async () => 'four other words'))).code, 'key-wrong');
  t.is((await fault(openKeyFile(at('none.pem'), nobody))).code, 'key-missing');
  await writeFile(at('text.pem'), 'no key', { mode: 0o600 });
  t.is((await fault(openKeyFile(at('text.pem'), nobody))).code, 'key-invalid');
  t.is((await fault(makeKeyFile(at('short.pem'), 'p256', 'short', randomBytes))).code, 'usage-invalid');
  const closed = await readFile(at('closed.pem'), 'utf8');
  t.true(closed.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----'));
});

test('the public half of a key is taken in one form only', (t) => {
  const { publicKey } = memorySigner();
  const pem = memorySigner('p256').publicKey;
  const text = (key: unknown, keyId: unknown) => JSON.stringify({ schema: 'atalaya/metadata-key/1', keyId, key });
  t.deepEqual(readPublicKey(text(publicKey, keyIdOf(publicKey)), 'it'), publicKey);
  const spaced = { ...pem, keyval: { public: `${pem.keyval.public}\n` } } as PublicMetadataKey;
  for (const bad of [
    'text',
    '{}',
    text(publicKey, keyIdOf(pem)),
    text({ ...publicKey, keyval: { public: publicKey.keyval.public.toUpperCase() } }, keyIdOf(publicKey)),
    text(spaced, keyIdOf(spaced)),
    text({ ...pem, keyval: { public: 'x' } }, keyIdOf(pem)),
    text({ ...pem, keytype: 'rsa' }, keyIdOf(pem)),
  ]) {
    t.is(t.throws(() => readPublicKey(bad, 'it'))?.name, 'AtalayaError');
  }
});

test("a key's URI that is unclear, or that holds a PIN, is refused", (t) => {
  t.deepEqual(readTokenKey('pkcs11:token=Big%20safe;id=%01%aB;object=root?module-path=/m.so&pin-source=file:/pin'), {
    token: 'Big safe',
    id: '01ab',
    object: 'root',
    module: '/m.so',
    pinFile: '/pin',
  });
  for (const bad of [
    'pkcs11:',
    'pkcs11:token=a;id=%01',
    'pkcs11:token=a?module-path=/m.so',
    'pkcs11:token=a;object=b?module-path=/m.so',
    'pkcs11:token=a;id=%01?module-path=/m.so&pin-value=1234',
    'pkcs11:token=a;id=%01;id=%02?module-path=/m.so',
    'pkcs11:token=a;id=%0?module-path=/m.so',
    'pkcs11:token=a;id=%01;serial=3?module-path=/m.so',
  ]) {
    t.throws(() => readTokenKey(bad), { name: 'AtalayaError' }, bad);
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' }),
      (id, token) => {
        const hex = Buffer.from(id).toString('hex');
        const uri = `pkcs11:token=${encodeURIComponent(token)};id=${hex.replace(/../g, '%$&')}?module-path=/m.so`;
        const read = readTokenKey(uri);
        return read.id === hex && read.token === token;
      },
    ),
  );
});
