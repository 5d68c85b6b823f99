import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { signedBytes, type UnsignedDocument } from '../../../device/kernel/signed/signed-document.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Desired } from '../../contract/acts.ts';
import { topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { Link } from '../../link/link.ts';
import type { Archive, Document } from '../archive/archive.ts';
import { changeDocument } from './documents.ts';

/** The document `config/{unit}/{version, 12 digits}`. */
export interface ReleasedConfig {
  /** As it was signed. */
  readonly document: Desired;
  /** Of what was signed. */
  readonly sha256: string;
  readonly released: string;
  /** Name of who released it. */
  readonly by: string;
  /** When the broker had it. */
  readonly published?: string;
}

export type Release = { readonly kind: 'released' } | { readonly kind: 'refused'; readonly reason: string };

/**
 * Gives signed configurations to their units, as retained messages. Whether the signature is worth anything is to be judged before.
 *
 * Guarantees: a document is durable before it is published; only one above every other of its unit is released; what could not be published
 * is as soon as there is a broker, by whichever bridge is there.
 */
export class ConfigRelay {
  readonly #archive: Archive;
  readonly #link: Pick<Link, 'publish' | 'state'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #newest = new Map<string, NewestConfig>();
  /** Units whose newest document is to be published. */
  readonly #pending = new Set<string>();

  constructor(archive: Archive, link: Pick<Link, 'publish' | 'state'>, clock: Clock, log: Log) {
    this.#archive = archive;
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Finds what an earlier run could not publish. `all`: the newest of every unit, for a broker that may have lost what it retained. */
  async load(all: boolean): Promise<void> {
    const published = new Set<string>();
    for (const document of await this.#archive.documents('config')) {
      const unit = document.key.slice(0, document.key.lastIndexOf('/'));
      const config = configOf(document);
      this.#newest.set(unit, newestOf(config));
      if (config.published === undefined) published.delete(unit);
      else published.add(unit);
    }
    for (const unit of this.#newest.keys()) if (all || !published.has(unit)) this.#pending.add(unit);
  }

  /** The same document again is released again. */
  async release(unit: string, document: Desired, by: string): Promise<Release> {
    if (document.unit !== unit) return refused(`the document is for unit ${document.unit}`);
    const newest = await this.newest(unit);
    if (
      newest?.document.version === document.version &&
      newest.document.signature?.value === document.signature?.value
    ) {
      await this.#publish(unit);
      return { kind: 'released' };
    }
    if (newest !== undefined && newest.document.version >= document.version) {
      return refused(`version ${newest.document.version} was released; this one is of version ${document.version}`);
    }
    const value: ReleasedConfig = {
      document,
      sha256: configHash(document),
      released: toIso(this.#clock.utc()),
      by,
    };
    const put = await this.#archive.putDocument(
      'config',
      keyOf(unit, document.version),
      value as unknown as JsonValue,
      0,
    );
    if (!put) return refused(`another document of version ${document.version} was released meanwhile`);
    this.#newest.set(unit, newestOf(value));
    await this.#publish(unit);
    return { kind: 'released' };
  }

  async newest(unit: string): Promise<ReleasedConfig | undefined> {
    return (await this.history(unit))[0];
  }

  /** Newest first. */
  async history(unit: string): Promise<readonly ReleasedConfig[]> {
    return (await this.#archive.documents('config', `${unit}/`)).map(configOf).reverse();
  }

  /** The newest as far as this bridge knows: one that another bridge has released since it started is missing. */
  known(unit: string): NewestConfig | undefined {
    return this.#newest.get(unit);
  }

  async version(unit: string, version: number): Promise<ReleasedConfig | undefined> {
    const document = await this.#archive.document('config', keyOf(unit, version));
    return document === undefined ? undefined : configOf(document);
  }

  /** Publishes what waits for a broker. Throws what the archive throws. */
  async publishPending(): Promise<void> {
    for (const unit of [...this.#pending]) {
      if (this.#link.state.kind !== 'online') return;
      await this.#publish(unit);
    }
  }

  async #publish(unit: string): Promise<void> {
    this.#pending.add(unit);
    const newest = await this.newest(unit);
    if (newest === undefined) {
      this.#pending.delete(unit);
      return;
    }
    const { payload, qos, retain } = encodeMessage('desired', newest.document);
    try {
      await this.#link.publish(topicOf('desired', unit, {}), payload, { qos, retain });
    } catch (error) {
      if (!(error instanceof AtalayaError)) throw error;
      this.#log.warn(
        { part: 'config', unit, version: newest.document.version, error },
        'the configuration waits for the broker',
      );
      return;
    }
    this.#pending.delete(unit);
    if (newest.published !== undefined) return;
    const published = toIso(this.#clock.utc());
    await changeDocument(this.#archive, 'config', keyOf(unit, newest.document.version), (before) => ({
      ...(before as Record<string, JsonValue>),
      published,
    }));
  }
}

export interface NewestConfig {
  readonly version: number;
  readonly sha256: string;
}

export function newestOf(config: ReleasedConfig): NewestConfig;
export function newestOf(config: ReleasedConfig | undefined): NewestConfig | undefined;
export function newestOf(config: ReleasedConfig | undefined): NewestConfig | undefined {
  return config === undefined ? undefined : { version: config.document.version, sha256: config.sha256 };
}

/** As the unit reports it. */
export function configHash(document: Desired): string {
  return sha256(signedBytes(document as UnsignedDocument));
}

const keyOf = (unit: string, version: number): string => `${unit}/${String(version).padStart(12, '0')}`;
const configOf = ({ value }: Document): ReleasedConfig => value as unknown as ReleasedConfig;
const refused = (reason: string): Release => ({ kind: 'refused', reason });
