import { TpmKeystore } from '../../../evidence/keystore/tpm-keystore.ts';
import { isAtalayaError } from '../../../kernel/errors.ts';
import { milliseconds } from '../../../kernel/units.ts';

/** A unit whose key is in its TPM: `make|open MESSAGE`. Says the public key and the message's signature, both in base64. */

const [what = '', message = ''] = process.argv.slice(2);
const options = { deadline: milliseconds(60_000) };
if (what === 'make') {
  const missing = await TpmKeystore.open(options).catch((error: unknown) => error);
  if (!isAtalayaError(missing, 'key-missing')) throw new Error('a new TPM has a key already');
}
const keystore = await (what === 'make' ? TpmKeystore.create(options) : TpmKeystore.open(options));
console.log(`public ${keystore.spki.toString('base64')}`);
const began = performance.now();
console.log(`signature ${(await keystore.sign(Buffer.from(message))).toString('base64')}`);
console.log(`took ${Math.round(performance.now() - began)} ms`);
await keystore.close();
const again = await TpmKeystore.create(options).catch((error: unknown) => error);
if (!isAtalayaError(again, 'key-exists')) throw new Error('a second key was made over the first');
