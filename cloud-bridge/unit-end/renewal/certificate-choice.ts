import type { Clock } from '../../../device/kernel/clock.ts';
import type { AtalayaError } from '../../../device/kernel/errors.ts';
import { type Milliseconds, milliseconds, type UtcMilliseconds } from '../../../device/kernel/units.ts';
import type { LinkCredentials } from '../../link/link-options.ts';

/** A certificate with its key. */
export interface GivenCertificate {
  readonly credentials: LinkCredentials;
  /** Hexadecimal, in small letters. */
  readonly serial: string;
  readonly until: UtcMilliseconds;
}

export interface CertificateChoiceParts {
  /** The one in force. What it throws is a reason to be offline. */
  readonly newest: () => Promise<GivenCertificate>;
  /** The one before it, where it is kept. */
  readonly before: () => Promise<GivenCertificate | undefined>;
  /** Serial of one with which a session has stood, as of the start before. */
  readonly proven: string | undefined;
  /** Remembers it. Does not throw. */
  readonly prove: (serial: string) => void;
  readonly clock: Clock;
}

/** Connections that are tried with a new certificate alone. */
const triesAlone = 3;
/** A session with the certificate before is left after so long, to try the new one. */
const tryAgainAfter = milliseconds(3_600_000);

/**
 * Which certificate a unit connects with. The newest; but one with which no session has stood yet may be one that the broker does not take,
 * for want of an authority or of a list: after some tries the one before it is tried in turns, while it is good. With that the unit is
 * there and says so, and the new one is tried again every hour. Once it was taken, the one before is not used any more.
 */
export class CertificateChoice {
  readonly #parts: CertificateChoiceParts;
  #proven: string | undefined;
  #newest: string | undefined;
  #tries = 0;
  #given: { readonly serial: string; readonly isNewest: boolean } | undefined;
  #session: string | undefined;
  /** Why the newest was not taken. */
  #why: string | undefined;
  #beforeSince: Milliseconds | undefined;

  constructor(parts: CertificateChoiceParts) {
    this.#parts = parts;
    this.#proven = parts.proven;
  }

  /** Serial of the certificate of the session; undefined while there is none. */
  get session(): string | undefined {
    return this.#session;
  }

  /** Why the session is not one with the newest; undefined where it is, or there is none. */
  get problem(): string | undefined {
    if (this.#beforeSince === undefined) return undefined;
    return `the broker does not take the certificate in force, and the one before it is used: ${this.#why ?? 'it gave no reason'}`;
  }

  /** Whether the session is to be left, to try the newest again. */
  get isToTryAgain(): boolean {
    return this.#beforeSince !== undefined && this.#parts.clock.monotonic() - this.#beforeSince >= tryAgainAfter;
  }

  /** For the next connection. Throws what `newest` throws. */
  async next(): Promise<LinkCredentials> {
    const newest = await this.#parts.newest();
    if (newest.serial !== this.#newest) {
      this.#newest = newest.serial;
      this.#tries = 0;
      this.#why = undefined;
    }
    const before = await this.#inItsPlace(newest);
    this.#tries += 1;
    const given = before ?? newest;
    this.#given = { serial: given.serial, isNewest: before === undefined };
    return given.credentials;
  }

  /** A session stands. */
  online(): void {
    if (this.#given === undefined) return;
    const { serial, isNewest } = this.#given;
    this.#session = serial;
    this.#tries = 0;
    this.#beforeSince = isNewest ? undefined : this.#parts.clock.monotonic();
    if (!isNewest || serial === this.#proven) return;
    this.#proven = serial;
    this.#parts.prove(serial);
  }

  offline(fault: AtalayaError | undefined): void {
    this.#session = undefined;
    this.#beforeSince = undefined;
    if (fault !== undefined && this.#given?.isNewest === true) this.#why = fault.message;
  }

  async #inItsPlace(newest: GivenCertificate): Promise<GivenCertificate | undefined> {
    const turn = this.#tries >= triesAlone && (this.#tries - triesAlone) % 2 === 0;
    if (newest.serial === this.#proven || !turn) return undefined;
    const before = await this.#parts.before().catch(() => undefined);
    return before !== undefined && before.until > this.#parts.clock.utc() ? before : undefined;
  }
}
