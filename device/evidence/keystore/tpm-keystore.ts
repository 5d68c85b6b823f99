import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { Turnstile } from '../turnstile.ts';
import { type Keystore, keyId, trialMessage } from './keystore.ts';
import { derOfTpmSignature, spkiOfTpmPublic } from './tpm-structures.ts';
import { installedTpmTools, type TpmProgram, type TpmTools } from './tpm-tools.ts';

export interface TpmOptions {
  /** Where the TPM is, as tpm2-tss names it; the kernel's resource manager, `device:/dev/tpmrm0`, where it is not said. */
  readonly tcti?: string;
  /** Persistent handle of the key, of the owner's range 0x81000000 to 0x817fffff; 0x81010001 where it is not said. */
  readonly handle?: number;
  /** Longest time for one signature, its wait for those before it included, and for each other request; 10 s where it is not said. */
  readonly deadline?: Milliseconds;
  readonly clock?: Clock;
  /** Instead of the installed programs. `tcti` is not used then. */
  readonly tools?: TpmTools;
}

/** A key slot of one TPM. */
interface Slot {
  readonly tools: TpmTools;
  /** Hexadecimal, as the programs take it. */
  readonly handle: string;
  readonly deadline: Milliseconds;
  readonly clock: Clock;
}

/**
 * A P-256 key that was made in a TPM 2.0 and cannot leave it, at a persistent handle. Without a password, so that a unit starts by
 * itself: whoever may talk to the TPM while it is in this unit can sign as the unit, nobody can take the key along.
 *
 * One signature at a time; each is verified before it is given out.
 */
export class TpmKeystore implements Keystore {
  readonly algorithm = 'p256';
  readonly spki: Buffer;
  readonly id: string;
  readonly #slot: Slot;
  readonly #publicKey: KeyObject;
  readonly #turnstile = new Turnstile(1);
  #closed = false;

  constructor(slot: Slot, spki: Buffer, publicKey: KeyObject) {
    this.#slot = slot;
    this.#publicKey = publicKey;
    this.spki = spki;
    this.id = keyId(spki);
  }

  /**
   * Opens the key at the handle and tries it. Throws `key-missing` where the handle is empty, `key-invalid` where what it holds is no
   * such key, `key-unavailable` without a TPM or with one that refuses, `program-missing` without tpm2-tools, `deadline-exceeded`.
   */
  static async open(options: TpmOptions = {}): Promise<TpmKeystore> {
    const slot = slotOf(options);
    const spki = await readPublic(slot);
    if (spki === undefined) {
      throw new AtalayaError('key-missing', `the TPM at ${slot.tools.tcti} has no key at ${slot.handle}`, {
        hint: 'Make the key, or name the handle where it is.',
      });
    }
    const keystore = new TpmKeystore(slot, spki, publicKeyOf(spki, slot));
    await keystore.sign(trialMessage);
    return keystore;
  }

  /**
   * Makes a new key at the handle and opens it. The TPM takes it over at once or not at all. Throws `key-exists` and touches nothing
   * where the handle holds anything; else as `open`, and `key-invalid` where the owner hierarchy has a password.
   */
  static async create(options: TpmOptions = {}): Promise<TpmKeystore> {
    const slot = slotOf(options);
    if (await occupied(slot)) {
      throw new AtalayaError('key-exists', `the TPM at ${slot.tools.tcti} has a key at ${slot.handle} already`, {
        hint: 'Open it, or name another handle; a key is never overwritten.',
      });
    }
    await inPrivateFolder((folder) => makeKey(slot, folder));
    return TpmKeystore.open(options);
  }

  async sign(message: Uint8Array): Promise<Buffer> {
    if (this.#closed) throw new AtalayaError('key-closed', 'the keystore is closed');
    const asked = this.#slot.clock.monotonic();
    const signed = Buffer.from(message);
    const leave = await this.#turnstile.enter();
    try {
      const left = milliseconds(this.#slot.deadline - (this.#slot.clock.monotonic() - asked));
      if (left <= 0) {
        throw new AtalayaError('deadline-exceeded', `no turn at the TPM for ${this.#slot.deadline} ms`, {
          hint: 'Ask for fewer signatures at once, or allow more time.',
        });
      }
      const signature = derOfTpmSignature(await signDigest(this.#slot, signed, left));
      if (!verify('sha256', signed, this.#publicKey, signature)) {
        throw new AtalayaError('key-unavailable', 'the TPM gave a signature that is not of its key and the message', {
          hint: 'Check the TPM with tpm2_selftest --full-test, and replace it if that goes on.',
        });
      }
      return signature;
    } finally {
      leave();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const leave = await this.#turnstile.enter();
    leave();
  }
}

const ownerHandles = { first: 0x81000000, last: 0x817fffff } as const;

function slotOf(options: TpmOptions): Slot {
  const {
    tcti = 'device:/dev/tpmrm0',
    handle = 0x81010001,
    deadline = milliseconds(10_000),
    clock = systemClock,
  } = options;
  if (!Number.isInteger(handle) || handle < ownerHandles.first || handle > ownerHandles.last) {
    throw new AtalayaError('key-invalid', `${handle} is not a persistent handle of the owner`, {
      hint: 'Name one from 0x81000000 to 0x817fffff.',
    });
  }
  return { tools: options.tools ?? installedTpmTools(tcti), handle: `0x${handle.toString(16)}`, deadline, clock };
}

/** True where the handle holds anything, a key that would not do included. */
async function occupied(slot: Slot): Promise<boolean> {
  try {
    return (await readPublic(slot)) !== undefined;
  } catch (error) {
    if (isAtalayaError(error, 'key-invalid')) return true;
    throw error;
  }
}

/** SubjectPublicKeyInfo of the key at the handle, undefined where that is empty. */
async function readPublic({ tools, handle, deadline }: Slot): Promise<Buffer | undefined> {
  return inPrivateFolder(async (folder) => {
    const out = join(folder, 'public');
    try {
      await tools.run('tpm2_readpublic', ['-Q', '-c', handle, '-f', 'tss', '-o', out], deadline);
    } catch (error) {
      if (isAtalayaError(error, 'key-missing')) return undefined;
      throw error;
    }
    return spkiOfTpmPublic(await readFile(out), handle);
  });
}

function publicKeyOf(spki: Buffer, slot: Slot): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (error) {
    throw new AtalayaError('key-invalid', `the public point of the key at ${slot.handle} is not on P-256`, {
      cause: error,
    });
  }
}

/** TPMT_SIGNATURE over the SHA-256 of the message, made outside the TPM: it would take a long message in many slow pieces. */
async function signDigest({ tools, handle }: Slot, message: Buffer, deadline: Milliseconds): Promise<Buffer> {
  return inPrivateFolder(async (folder) => {
    const digest = join(folder, 'digest');
    const out = join(folder, 'signature');
    await writeFile(digest, createHash('sha256').update(message).digest());
    await tools.run(
      'tpm2_sign',
      ['-Q', '-c', handle, '-g', 'sha256', '-s', 'ecdsa', '-d', '-o', out, digest],
      deadline,
    );
    return readFile(out);
  });
}

/**
 * `noda`: the key has no password, so that wrong ones given to other keys of the TPM must not lock it out. `sensitivedataorigin`: the
 * TPM drew the secret itself. Not `restricted`: that would sign only what the TPM has hashed itself.
 */
const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign';

async function makeKey(slot: Slot, folder: string): Promise<void> {
  const { handle } = slot;
  const [primary, made, secret, loaded] = ['primary', 'public', 'secret', 'loaded'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  await runAndFlush(slot, 'tpm2_createprimary', ['-Q', '-C', 'o', '-g', 'sha256', '-G', 'ecc', '-c', primary]);
  await runAndFlush(slot, 'tpm2_create', [
    ...['-Q', '-C', primary, '-g', 'sha256', '-G', 'ecc256:ecdsa-sha256'],
    ...['-a', attributes, '-u', made, '-r', secret],
  ]);
  await runAndFlush(slot, 'tpm2_load', ['-Q', '-C', primary, '-u', made, '-r', secret, '-c', loaded]);
  await runAndFlush(slot, 'tpm2_evictcontrol', ['-Q', '-C', 'o', '-c', loaded, handle]);
}

/** Without a resource manager the programs leave what they loaded in the TPM, which has room for three objects. */
async function runAndFlush({ tools, deadline }: Slot, program: TpmProgram, args: readonly string[]): Promise<void> {
  const before = await transientHandles(tools, deadline);
  const flush = async () => {
    const left = (await transientHandles(tools, deadline)).filter((handle) => !before.includes(handle));
    for (const handle of left) await tools.run('tpm2_flushcontext', [handle], deadline);
  };
  try {
    await tools.run(program, args, deadline);
  } catch (error) {
    // What made the program fail is what has to be told.
    await flush().catch(() => undefined);
    throw error;
  }
  await flush();
}

async function transientHandles(tools: TpmTools, deadline: Milliseconds): Promise<readonly string[]> {
  return (await tools.run('tpm2_getcap', ['handles-transient'], deadline)).match(/0x80[0-9a-fA-F]{6}/g) ?? [];
}

/** Gives `work` a folder that only this user may enter, and removes it whatever comes. */
async function inPrivateFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `atalaya-tpm-${process.pid}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
