import type { KeyObject } from 'node:crypto';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso, type UtcMilliseconds } from '../../../device/kernel/units.ts';
import type { Trust } from '../../contract/acts.ts';
import { openTrust, type People, type TrustTime } from '../../contract/people.ts';
import type { Archive } from '../archive/archive.ts';

/** The document `trust/current`. */
interface TrustDocument {
  /** As it was signed. */
  readonly trust: Trust;
  readonly version: number;
  readonly sha256: string;
}

/** How it stands with who may do what. */
export type TrustStanding =
  | { readonly kind: 'in-force'; readonly people: People }
  | { readonly kind: 'expired'; readonly version: number; readonly at: UtcMilliseconds; readonly detail: string }
  | { readonly kind: 'none'; readonly detail: string };

const key = 'current';

/**
 * Who may do what here: the newest trust document that the root key has signed. It is looked up for every request, so a person who was
 * removed is refused at once, by every bridge. From the expiry of the document on it is nobody; the work of the bridge goes on.
 */
export class PeopleKeeper {
  readonly #archive: Archive;
  readonly #root: KeyObject | undefined;
  readonly #clock: Clock;
  #opened: { readonly version: number; readonly people: People } | undefined;

  /** Without a root key nobody may do anything. */
  constructor(archive: Archive, root: KeyObject | undefined, clock: Clock) {
    this.#archive = archive;
    this.#root = root;
    this.#clock = clock;
  }

  /** Throws what the archive throws. */
  async standing(): Promise<TrustStanding> {
    const document = await this.#archive.document('trust', key);
    if (document === undefined || this.#root === undefined)
      return { kind: 'none', detail: 'nobody is trusted here: there is no trust document in force' };
    if (this.#opened?.version !== document.version) {
      const { trust } = document.value as unknown as TrustDocument;
      // Its time was looked at when it was presented, and its expiry is below: a clock that jumps back takes nobody's trust away.
      const at: TrustTime = { utc: this.#clock.utc(), reliable: false, expired: 'taken' };
      this.#opened = { version: document.version, people: openTrust(JSON.stringify(trust), this.#root, at) };
    }
    const { people } = this.#opened;
    const { expires, version } = people;
    // It may expire between two requests.
    if (expires === undefined || this.#clock.utc() < expires) return { kind: 'in-force', people };
    const detail = `the trust document (version ${version}) expired at ${toIso(expires)}: nobody is trusted here until a newer one, signed with the root key, is presented`;
    return { kind: 'expired', version, at: expires, detail };
  }

  /** Undefined while there is no trust document that holds now. Throws what the archive throws. */
  async people(): Promise<People | undefined> {
    const standing = await this.standing();
    return standing.kind === 'in-force' ? standing.people : undefined;
  }

  async trust(): Promise<Trust | undefined> {
    return ((await this.#archive.document('trust', key))?.value as unknown as TrustDocument | undefined)?.trust;
  }

  /** What a document says, without taking it into use. Throws `document-refused` with the reason. */
  async examine(text: string, expired: TrustTime['expired'] = 'refused'): Promise<People> {
    if (this.#root === undefined) {
      throw new AtalayaError('document-refused', 'this bridge has no root key, and so believes no trust document', {
        hint: 'Name the public root key in its configuration: rootKey.',
      });
    }
    const before = (await this.#archive.document('trust', key))?.value as unknown as TrustDocument | undefined;
    return openTrust(text, this.#root, { utc: this.#clock.utc(), reliable: true, expired }, before);
  }

  /**
   * Takes a document into use. One that has expired is refused, unless it is `taken`: then it trusts nobody, and no older one comes back.
   * Throws `document-refused` with the reason.
   */
  async accept(text: string, expired: TrustTime['expired'] = 'refused'): Promise<People> {
    const people = await this.examine(text, expired);
    const before = await this.#archive.document('trust', key);
    const standing = before?.value as unknown as TrustDocument | undefined;
    if (standing?.version === people.version) return people;
    const value: TrustDocument = { trust: JSON.parse(text) as Trust, version: people.version, sha256: people.sha256 };
    if (!(await this.#archive.putDocument('trust', key, value as unknown as JsonValue, before?.version ?? 0))) {
      throw new AtalayaError('document-refused', 'the trust document was replaced by another one meanwhile', {
        hint: 'Look at it and try again.',
      });
    }
    return people;
  }
}
