import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../device/kernel/clock.ts';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { toIso, type UtcMilliseconds, utcMilliseconds } from '../../device/kernel/units.ts';
import type { FolderFiles } from '../identity/folder-files.ts';
import { type AuthorityKey, isEncrypted, readAuthorityKey } from './authority-key.ts';
import { type AuthorityRecord, Register } from './register.ts';

/** What an authority is worked with. */
export interface AuthorityTools {
  readonly files: FolderFiles;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Takes the folder for this process alone; throws `store-locked`. */
  readonly lock: (folder: string) => Promise<{ release(): Promise<void> }>;
}

/** Names in the folder of an authority. */
export const authorityPlaces = {
  /** Root certificate. */
  root: 'root.pem',
  /** Where the root's key lies, unless it was put elsewhere. */
  rootFolder: 'root',
  rootKey: 'root.key',
  /** Root and the authorities below it: what brokers and units believe. */
  authorities: 'ca.pem',
  crl: 'crl.pem',
  register: 'register',
  keys: 'keys',
  issued: 'issued',
} as const;

export const keyFileOf = (fingerprint: string): string => join(authorityPlaces.keys, `${fingerprint.slice(0, 16)}.key`);

/**
 * A certificate authority in a folder: a root whose key may lie elsewhere, authorities below it that sign, and the register. Works without
 * a network. One process at a time.
 */
export class Authority {
  readonly folder: string;
  readonly tools: AuthorityTools;
  readonly register: Register;
  readonly name: string;
  /** Root certificate, PEM. */
  readonly root: string;
  readonly #lock: { release(): Promise<void> };

  constructor(
    place: { readonly folder: string; readonly tools: AuthorityTools; readonly lock: { release(): Promise<void> } },
    register: Register,
    begun: { readonly name: string; readonly root: string },
  ) {
    this.folder = place.folder;
    this.tools = place.tools;
    this.#lock = place.lock;
    this.register = register;
    this.name = begun.name;
    this.root = begun.root;
  }

  /** Throws `usage-invalid` where there is no authority, `store-locked`, `store-damaged`, `store-full`, `store-failed`. */
  static async open(folder: string, tools: AuthorityTools): Promise<Authority> {
    if ((await readWholeFile(tools.files, join(folder, authorityPlaces.root))) === undefined) {
      throw new AtalayaError('usage-invalid', `there is no authority in ${folder}`, {
        hint: 'Check --ca, and whether the stick is mounted; atalaya-provision ca init makes a new one.',
      });
    }
    const lock = await tools.lock(folder);
    let register: Register | undefined;
    try {
      register = await Register.open(tools.files, join(folder, authorityPlaces.register));
      const { begun } = register;
      if (begun === undefined || register.authorities.length === 0) {
        throw new AtalayaError('store-damaged', `the register in ${folder} has no beginning`, {
          hint: 'Put back the copy that was kept of the folder.',
        });
      }
      const authority = new Authority({ folder, tools, lock }, register, begun);
      await authority.settle();
      return authority;
    } catch (error) {
      await register?.close().catch(() => undefined);
      await lock.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.register.close();
    await this.#lock.release();
  }

  get now(): UtcMilliseconds {
    return this.tools.clock.utc();
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  /** The authority that signs now. */
  get current(): AuthorityRecord {
    return this.register.authorities.at(-1) as AuthorityRecord;
  }

  /** Hexadecimal SHA-256 of the root's SubjectPublicKeyInfo: what the fleet is known by. */
  get rootFingerprint(): string {
    return fingerprintOf(this.root);
  }

  /** PEM of the root and of every authority below it that is neither retired nor expired. */
  authoritiesPem(): string {
    return [this.root, ...this.living.map(({ pem }) => pem)].join('');
  }

  /** Authorities that are neither retired nor expired. */
  get living(): readonly AuthorityRecord[] {
    return this.register.authorities.filter(({ until }) => until > this.now);
  }

  /** A serial number that was never used here: 127 random bits, positive (RFC 5280, 4.1.2.2). */
  newSerial(): string {
    for (;;) {
      const serial = randomSerial(this.tools);
      if (!this.register.hasSerial(serial)) return serial;
    }
  }

  /** Whether the key of the authority that signs asks for a passphrase. */
  async encrypted(): Promise<boolean> {
    return isEncrypted(await this.#keyText(this.current));
  }

  /** Opens the key of an authority. Throws `key-wrong`, `key-invalid`, `key-missing`. */
  async unlock(passphrase: string | undefined, record: AuthorityRecord = this.current): Promise<AuthorityKey> {
    const key = readAuthorityKey(await this.#keyText(record), passphrase, `the key of the authority in ${this.folder}`);
    if (key.fingerprint === record.fingerprint) return key;
    throw new AtalayaError('key-mismatch', `the key in ${keyFileOf(record.fingerprint)} is another authority's`, {
      hint: 'Put back the copy that was kept of the folder.',
    });
  }

  /** Throws `authority-expired` where the authority that signs, or the root above it, cannot sign any more; by this machine's clock. */
  checkAlive(): void {
    const root = new X509Certificate(this.root);
    if (Date.parse(root.validTo) <= this.now) {
      throw new AtalayaError('authority-expired', `the root of this authority expired at ${root.validTo}`, {
        hint: "If this machine's clock is right, a new authority has to be made and every unit enrolled anew.",
      });
    }
    const { from, until } = this.current;
    if (until <= this.now) {
      throw new AtalayaError('authority-expired', `the authority that signs expired at ${toIso(until)}`, {
        hint: "If this machine's clock is right, run: atalaya-provision ca renew-intermediate, with the root's key.",
      });
    }
    if (from > this.now) {
      throw new AtalayaError(
        'authority-expired',
        `the authority is valid from ${toIso(from)}, and it is ${toIso(this.now)}`,
        {
          hint: "Set this machine's clock right.",
        },
      );
    }
  }

  /** Writes what follows from the register where it does not stand there: an earlier run may have been interrupted before it did. */
  async settle(): Promise<void> {
    await this.writeIfOther(authorityPlaces.authorities, this.authoritiesPem());
  }

  async writeIfOther(name: string, text: string): Promise<void> {
    const { files } = this.tools;
    const there = await readWholeFile(files, this.at(name));
    if (there?.toString() !== text) await writeWholeFile(files, this.at(name), Buffer.from(text));
  }

  async #keyText({ fingerprint }: AuthorityRecord): Promise<string> {
    const path = this.at(keyFileOf(fingerprint));
    const text = await readWholeFile(this.tools.files, path);
    if (text !== undefined) return text.toString();
    throw new AtalayaError('key-missing', `the key of the authority is not at ${path}`, {
      hint: 'Put back the copy that was kept of the folder.',
    });
  }
}

export function randomSerial({ randomBytes }: Pick<AuthorityTools, 'randomBytes'>): string {
  const bytes = Buffer.from(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** Hexadecimal SHA-256 of the SubjectPublicKeyInfo of the first certificate in a PEM text. */
export function fingerprintOf(pem: string): string {
  return sha256(new X509Certificate(pem).publicKey.export({ format: 'der', type: 'spki' }));
}

const day = 86_400_000;

/** Validity of so many days from now; a little of the past, for clocks that differ. */
export function lifeOf(now: UtcMilliseconds, days: number, atMost?: UtcMilliseconds) {
  // X.509 counts whole seconds.
  const second = (time: number) => utcMilliseconds(Math.floor(time / 1000) * 1000);
  const until = second(now + days * day);
  return { from: second(now - allowance), until: atMost !== undefined && atMost < until ? atMost : until };
}

/** An hour: laptops at the roadside have clocks that nobody looks after. */
const allowance = 3_600_000;
