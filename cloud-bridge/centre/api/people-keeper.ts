import type { KeyObject } from 'node:crypto';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Trust } from '../../contract/acts.ts';
import { openTrust, type People } from '../../contract/people.ts';
import type { Archive } from '../archive/archive.ts';

/** The document `trust/current`. */
interface TrustDocument {
  /** As it was signed. */
  readonly trust: Trust;
  readonly version: number;
  readonly sha256: string;
}

const key = 'current';

/**
 * Who may do what here: the newest trust document that the root key has signed. It is looked up for every request, so a person who was
 * removed is refused at once, by every bridge.
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

  /** Undefined while there is no trust document that holds now. Throws what the archive throws. */
  async people(): Promise<People | undefined> {
    const document = await this.#archive.document('trust', key);
    if (document === undefined || this.#root === undefined) return undefined;
    const { trust } = document.value as unknown as TrustDocument;
    // It may expire between two requests.
    if (trust.expires !== undefined && Date.parse(trust.expires) <= this.#clock.utc()) return undefined;
    if (this.#opened?.version !== document.version) {
      this.#opened = { version: document.version, people: openTrust(JSON.stringify(trust), this.#root, this.#now()) };
    }
    return this.#opened.people;
  }

  async trust(): Promise<Trust | undefined> {
    return ((await this.#archive.document('trust', key))?.value as unknown as TrustDocument | undefined)?.trust;
  }

  /** What a document says, without taking it into use. Throws `document-refused` with the reason. */
  async examine(text: string): Promise<People> {
    if (this.#root === undefined) {
      throw new AtalayaError('document-refused', 'this bridge has no root key, and so believes no trust document', {
        hint: 'Name the public root key in its configuration: rootKey.',
      });
    }
    const before = (await this.#archive.document('trust', key))?.value as unknown as TrustDocument | undefined;
    return openTrust(text, this.#root, this.#now(), before);
  }

  /** Takes a document into use. Throws `document-refused` with the reason. */
  async accept(text: string): Promise<People> {
    const people = await this.examine(text);
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

  #now() {
    return { utc: this.#clock.utc(), reliable: true };
  }
}
