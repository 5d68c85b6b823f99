import { z } from 'zod';
import { canonicalJson } from '../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { Journal } from '../../device/kernel/journal/journal.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../device/kernel/units.ts';
import { holderKinds } from './names.ts';
import { type RevocationReason, revocationReasons } from './reasons.ts';

const hex = z.string().regex(/^[0-9a-f]+$/);
const time = z.int().transform(utcMilliseconds);
const pem = z.string();

/** What the register keeps, for ever. Times are milliseconds since 1970. */
const entry = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('begun'), name: z.string(), root: pem, at: time }),
  /** An authority that the root signed; the last one signs. */
  z.strictObject({
    kind: z.literal('authority'),
    fingerprint: hex,
    serial: hex,
    pem,
    from: time,
    until: time,
    at: time,
  }),
  /** No list of revoked certificates is made for it any more, and brokers refuse all that it signed. */
  z.strictObject({ kind: z.literal('retired'), fingerprint: hex, at: time }),
  z.strictObject({
    kind: z.literal('issued'),
    of: z.enum(holderKinds),
    name: z.string(),
    serial: hex,
    /** Fingerprint of the authority. */
    issuer: hex,
    /** Fingerprint of the holder's key. */
    key: hex,
    pem,
    from: time,
    until: time,
    at: time,
  }),
  z.strictObject({
    kind: z.literal('revoked'),
    serial: hex,
    reason: z.enum(revocationReasons as [RevocationReason, ...RevocationReason[]]),
    at: time,
  }),
  z.strictObject({ kind: z.literal('crl'), number: z.int().min(1), at: time, until: time }),
]);
export type RegisterEntry = z.infer<typeof entry>;
type Of<Kind extends RegisterEntry['kind']> = Extract<RegisterEntry, { kind: Kind }>;
export type AuthorityRecord = Of<'authority'>;

export interface Revoked {
  readonly at: UtcMilliseconds;
  readonly reason: RevocationReason;
}

export interface IssuedRecord extends Of<'issued'> {
  readonly revoked: Revoked | undefined;
}

const segmentBytes = 16 * 1024 * 1024;

/**
 * The register of an authority: an append-only journal of everything that it ever signed and revoked. What it holds is durable before
 * anybody is given a certificate, so no serial number is ever used twice and nothing is issued that the authority does not know of.
 */
export class Register {
  readonly #journal: Journal;
  #begun: Of<'begun'> | undefined;
  readonly #authorities: AuthorityRecord[] = [];
  readonly #retired = new Set<string>();
  readonly #issued: Of<'issued'>[] = [];
  readonly #revoked = new Map<string, Revoked>();
  readonly #serials = new Set<string>();
  #crl: Of<'crl'> | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Throws `store-damaged`, `store-full`, `store-failed`. */
  static async open(files: Files, folder: string): Promise<Register> {
    const journal = await Journal.open(folder, { files, segmentBytes, atLeast: 0 });
    const register = new Register(journal);
    for await (const { payload } of journal.entries()) {
      const read = entry.safeParse(JSON.parse(payload.toString()));
      if (!read.success) {
        throw new AtalayaError('store-version-unknown', `${folder} has an entry that this version does not know`, {
          hint: 'Use the version of atalaya-provision that wrote it, or a newer one.',
        });
      }
      register.#take(read.data);
    }
    return register;
  }

  get begun(): Of<'begun'> | undefined {
    return this.#begun;
  }

  /** Oldest first, those that were retired left out. */
  get authorities(): readonly AuthorityRecord[] {
    return this.#authorities.filter(({ fingerprint }) => !this.#retired.has(fingerprint));
  }

  /** How many authorities there ever were below the root. */
  get generations(): number {
    return this.#authorities.length;
  }

  /** Oldest first. */
  get issued(): readonly IssuedRecord[] {
    return this.#issued.map((record) => ({ ...record, revoked: this.#revoked.get(record.serial) }));
  }

  /** The last list of revoked certificates. */
  get crl(): Of<'crl'> | undefined {
    return this.#crl;
  }

  /** Grows with every entry. */
  get last(): number {
    return this.#journal.last;
  }

  hasSerial(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /** Durable when this has resolved; the entries of one call one after the other. */
  async append(...entries: readonly RegisterEntry[]): Promise<void> {
    for (const one of entries) {
      await this.#journal.append(this.#journal.next, Buffer.from(canonicalJson(one)));
      this.#take(one);
    }
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  #take(one: RegisterEntry): void {
    switch (one.kind) {
      case 'begun':
        this.#begun = one;
        break;
      case 'authority':
        this.#authorities.push(one);
        this.#serials.add(one.serial);
        break;
      case 'retired':
        this.#retired.add(one.fingerprint);
        break;
      case 'issued':
        this.#issued.push(one);
        this.#serials.add(one.serial);
        break;
      case 'revoked':
        // The first revocation counts: a list must not move the time of one that was published.
        if (!this.#revoked.has(one.serial)) this.#revoked.set(one.serial, one);
        break;
      case 'crl':
        this.#crl = one;
        break;
      default:
        one satisfies never;
    }
  }
}
