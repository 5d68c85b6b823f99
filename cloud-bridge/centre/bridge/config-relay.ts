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
import { configKey, type ReleasedConfig } from './released-config.ts';

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
    // The newest of each unit, from the last unit to the first; the versions before it stay where they are.
    let [last] = await this.#archive.lastDocuments('config', { limit: 1 });
    while (last !== undefined) {
      const unit = last.key.slice(0, last.key.lastIndexOf('/'));
      const config = configOf(last);
      this.#newest.set(unit, newestOf(config));
      if (all || config.published === undefined) this.#pending.add(unit);
      [last] = await this.#archive.lastDocuments('config', { before: `${unit}/`, limit: 1 });
    }
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
      configKey(unit, document.version),
      value as unknown as JsonValue,
      0,
    );
    if (!put) return refused(`another document of version ${document.version} was released meanwhile`);
    this.#newest.set(unit, newestOf(value));
    await this.#publish(unit);
    return { kind: 'released' };
  }

  async newest(unit: string): Promise<ReleasedConfig | undefined> {
    return (await this.history(unit, 1))[0];
  }

  /** Newest first. */
  async history(unit: string, limit: number): Promise<readonly ReleasedConfig[]> {
    return (await this.#archive.lastDocuments('config', { prefix: `${unit}/`, limit })).map(configOf);
  }

  /** The newest as far as this bridge knows: one that another bridge has released since it started is missing. */
  known(unit: string): NewestConfig | undefined {
    return this.#newest.get(unit);
  }

  async version(unit: string, version: number): Promise<ReleasedConfig | undefined> {
    const document = await this.#archive.document('config', configKey(unit, version));
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
    await changeDocument(this.#archive, 'config', configKey(unit, newest.document.version), (before) => ({
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

const configOf = ({ value }: Document): ReleasedConfig => value as unknown as ReleasedConfig;
const refused = (reason: string): Release => ({ kind: 'refused', reason });
