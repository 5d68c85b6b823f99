import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { AtalayaError } from '../../kernel/errors.ts';
import { asStream } from './age-stream.ts';
import { Turns } from './turns.ts';

/**
 * The other side of sealing, for auditors and trials: no unit holds an identity.
 */

/** A new X25519 identity (private: `AGE-SECRET-KEY-1...`) and its recipient (public: `age1...`). */
export async function createIdentity(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * The identities in a file as `age-keygen` writes it: one a line, comments begin with `#`. Throws `key-invalid` naming the line, and
 * where there is none; never repeats what the line says.
 */
export function parseIdentities(text: string): readonly string[] {
  const identities: string[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const identity = line.trim();
    if (identity === '' || identity.startsWith('#')) continue;
    decrypterFor([identity], `line ${i + 1} of the identity file`);
    identities.push(identity);
  }
  if (identities.length === 0) {
    throw new AtalayaError('key-invalid', 'the identity file holds no identity', {
      hint: 'Give the file that age-keygen wrote: it holds a line AGE-SECRET-KEY-1...',
    });
  }
  return identities;
}

/**
 * The plaintext of an age file. Each chunk is authentic when it comes, but only the end says that nothing is missing: whoever keeps
 * what came must drop it when this throws.
 *
 * Throws `key-invalid` for what is no identity, `key-wrong` where none opens the file, `store-damaged` where it is no whole, unchanged age file, and what reading
 * the ciphertext throws.
 */
export async function* openWith(
  identities: readonly string[],
  ciphertext: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decrypter = decrypterFor(identities, 'the identity');
  let fault: { readonly error: unknown } | undefined;
  const watched = async function* () {
    try {
      yield* ciphertext;
    } catch (error) {
      fault = { error };
      throw error;
    }
  };
  try {
    yield* await decrypter.decrypt(asStream(watched(), new Turns()));
  } catch (error) {
    if (fault !== undefined) throw fault.error;
    throw notOpened(error);
  }
}

function decrypterFor(identities: readonly string[], what: string): Decrypter {
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch {
    // The library's error may repeat the identity.
    throw new AtalayaError('key-invalid', `${what} is not an age identity`, {
      hint: 'An identity is a line AGE-SECRET-KEY-1... as age-keygen writes it; a recipient (age1...) opens nothing.',
    });
  }
  return decrypter;
}

function notOpened(error: unknown): AtalayaError {
  const reason = error instanceof Error ? error.message : String(error);
  // The library tells its reasons apart by their text alone; a test holds it to this one.
  if (reason.startsWith('no identity matched')) {
    return new AtalayaError('key-wrong', 'this identity does not open this file: it was not encrypted to it', {
      hint: "Use the identity of one of the recipients that the record's sealing names.",
      cause: error,
    });
  }
  return new AtalayaError('store-damaged', `this is not a whole and unchanged age file: ${reason}`, {
    hint: 'Fetch the file again from where it is stored and compare its SHA-256 with the record.',
    cause: error,
  });
}

/** The recipient (public) of an identity. Throws `key-invalid`. */
export async function recipientOf(identity: string): Promise<string> {
  try {
    return await identityToRecipient(identity);
  } catch {
    throw new AtalayaError('key-invalid', 'this is not an age identity');
  }
}
