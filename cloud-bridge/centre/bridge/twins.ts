import type { KeyObject } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { keyId } from '../../../device/kernel/signed/key-id.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Telemetry } from '../../contract/events.ts';
import type { UnitState } from '../../contract/state.ts';
import type { Archive } from '../archive/archive.ts';
import { changeDocument } from './documents.ts';
import { recordKey, type UnitKeys } from './record-check.ts';
import type { Refusals } from './refusals.ts';

/** A signing key of a unit. */
export interface TwinKey {
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly id: string;
  /** PEM. */
  readonly spki: string;
  readonly vkey: string;
  readonly since: string;
}

/** What the centre remembers of a unit: the document `unit/{unit}`. */
export interface Twin {
  readonly unit: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly online: boolean;
  readonly state?: UnitState;
  readonly stateAt?: string;
  /** Accepted ones, oldest first: each is good for what it signed, the last is the one in use. */
  readonly keys: readonly TwinKey[];
  readonly presented?: TwinKey;
  readonly telemetry?: {
    readonly time: string;
    readonly data: Telemetry;
    /** How far apart its figures lie, in seconds; absent until two of one run of the unit have come. */
    readonly everyS?: number;
  };
  readonly refused: Readonly<Record<string, number>>;
}

export type StateOutcome =
  | { readonly kind: 'taken'; readonly changed: boolean }
  /** With a signing key that is not the accepted one. */
  | { readonly kind: 'other-key'; readonly key: string }
  | { readonly kind: 'refused'; readonly detail: string };

interface Held {
  twin: Twin;
  keys: UnitKeys;
  /** Since the last write of the document. */
  lastSeen: string | undefined;
  telemetry: Twin['telemetry'] | undefined;
  refused: Readonly<Record<string, number>>;
}

/**
 * The twins of the fleet. A state and a key are durable when the call has resolved; when a unit was last heard of, its newest figures and
 * what was refused of it are written by `flush`, and are a minute behind after a crash.
 */
export class Twins {
  readonly #archive: Archive;
  readonly #clock: Clock;
  readonly #refusals: Refusals;
  readonly #held = new Map<string, Held>();

  constructor(archive: Archive, clock: Clock, refusals: Refusals) {
    this.#archive = archive;
    this.#clock = clock;
    this.#refusals = refusals;
  }

  get size(): number {
    return this.#held.size;
  }

  get online(): number {
    let online = 0;
    for (const { twin } of this.#held.values()) if (twin.online) online += 1;
    return online;
  }

  /** Reads all of them. */
  async load(): Promise<void> {
    for (const { key, value } of await this.#archive.documents('unit')) this.#hold(key, value as unknown as Twin);
  }

  /** Something came of it, whatever it was. What the broker had retained came before, and the unit may be gone since. */
  async seen(unit: string, retained = false): Promise<void> {
    const held = this.#held.get(unit) ?? (await this.#meet(unit));
    if (!retained) held.lastSeen = this.#now();
  }

  /** All that this bridge has heard of, as far as it has: another one may have heard more since. */
  known(): readonly Twin[] {
    return [...this.#held.values()].map((held) => withUnwritten(held.twin, held, {}));
  }

  figures(unit: string, telemetry: NonNullable<Twin['telemetry']>): void {
    const held = this.#held.get(unit);
    if (held === undefined || (held.telemetry ?? held.twin.telemetry ?? telemetry).time > telemetry.time) return;
    const everyS = intervalOf(held.telemetry ?? held.twin.telemetry, telemetry);
    held.telemetry = { ...telemetry, ...(everyS === undefined ? {} : { everyS }) };
  }

  async state(unit: string, said: UnitState): Promise<StateOutcome> {
    const given = said.signingKey;
    const key = given === undefined ? undefined : recordKey(given.spki);
    if (given !== undefined && key === undefined) {
      return { kind: 'refused', detail: 'signingKey.spki: is no Ed25519 or P-256 key in PEM' };
    }
    const now = this.#now();
    const presented = given === undefined || key === undefined ? undefined : { ...given, id: keyId(key), since: now };
    const before = (await this.#current(unit)).twin;
    const after = await this.#change(unit, (twin) => stateOf(twin, said, presented, now));
    if (presented !== undefined && after.keys.at(-1)?.id !== presented.id) {
      return { kind: 'other-key', key: presented.id };
    }
    return { kind: 'taken', changed: after !== before };
  }

  /** Makes the key that the unit came with the one in use. False where it came with another one. */
  async acceptKey(unit: string, key: string): Promise<boolean> {
    const after = await this.#change(unit, (twin) => {
      if (twin.presented?.id !== key) return twin;
      const { presented, ...rest } = twin;
      return { ...rest, keys: [...twin.keys.filter(({ id }) => id !== key), { ...presented, since: this.#now() }] };
    });
    return after.keys.at(-1)?.id === key;
  }

  /** `again`: as they are in the archive, since another bridge may have accepted one. */
  async keys(unit: string, again = false): Promise<UnitKeys> {
    if (again) await this.#reload(unit);
    return (await this.#current(unit)).keys;
  }

  /** With what is not written yet. */
  async twin(unit: string): Promise<Twin | undefined> {
    const document = await this.#archive.document('unit', unit);
    return document === undefined ? undefined : this.#fresh(document.value as unknown as Twin);
  }

  async all(): Promise<readonly Twin[]> {
    return (await this.#archive.documents('unit')).map(({ value }) => this.#fresh(value as unknown as Twin));
  }

  /** Writes what has changed since. */
  async flush(signal?: AbortSignal): Promise<void> {
    for (const [unit, held] of this.#held) {
      if (signal?.aborted === true) return;
      if (held.lastSeen === undefined && held.telemetry === undefined) continue;
      await this.#change(unit, (twin) => twin);
    }
  }

  #fresh(twin: Twin): Twin {
    const held = this.#held.get(twin.unit);
    return held === undefined ? twin : withUnwritten(twin, held, this.#refusals.of(twin.unit));
  }

  async #current(unit: string): Promise<Held> {
    return this.#held.get(unit) ?? (await this.#meet(unit));
  }

  async #meet(unit: string): Promise<Held> {
    await this.#change(unit, (twin) => twin);
    return this.#held.get(unit) as Held;
  }

  async #reload(unit: string): Promise<void> {
    const document = await this.#archive.document('unit', unit);
    if (document !== undefined) this.#hold(unit, document.value as unknown as Twin);
  }

  async #change(unit: string, change: (twin: Twin) => Twin): Promise<Twin> {
    const now = this.#now();
    const nobody: Twin = { unit, firstSeen: now, lastSeen: now, online: false, keys: [], refused: {} };
    const counted = this.#refusals.of(unit);
    const value = await changeDocument(this.#archive, 'unit', unit, (before) => {
      const twin = (before as unknown as Twin | undefined) ?? nobody;
      const held = this.#held.get(unit);
      const changed = change(held === undefined ? twin : withUnwritten(twin, held, counted));
      return changed as unknown as JsonValue;
    });
    const held = this.#hold(unit, value as unknown as Twin);
    held.lastSeen = undefined;
    held.telemetry = undefined;
    held.refused = counted;
    return held.twin;
  }

  #hold(unit: string, twin: Twin): Held {
    const known = this.#held.get(unit);
    const same = known !== undefined && idsOf(known.twin) === idsOf(twin);
    const keys = same ? known.keys : keysOf(twin);
    const held = known ?? { twin, keys, lastSeen: undefined, telemetry: undefined, refused: {} };
    held.twin = twin;
    held.keys = keys;
    this.#held.set(unit, held);
    return held;
  }

  #now(): string {
    return toIso(this.#clock.utc());
  }
}

function withUnwritten(twin: Twin, held: Held, counted: Readonly<Record<string, number>>): Twin {
  const refused: Record<string, number> = { ...twin.refused };
  for (const [reason, count] of Object.entries(counted)) {
    const more = count - (held.refused[reason] ?? 0);
    if (more > 0) refused[reason] = (refused[reason] ?? 0) + more;
  }
  const { lastSeen, telemetry } = held;
  return {
    ...twin,
    refused,
    ...(lastSeen === undefined || lastSeen < twin.lastSeen ? {} : { lastSeen }),
    // Another bridge may know how far apart its figures lie.
    ...(telemetry === undefined || telemetry.time < (twin.telemetry?.time ?? '')
      ? {}
      : { telemetry: { ...everyOf(twin.telemetry), ...telemetry } }),
  };
}

const everyOf = ({ everyS }: { readonly everyS?: number } = {}) => (everyS === undefined ? {} : { everyS });

/**
 * How far apart figures lie, by the unit's own times: the longest of late, since what is asked of it for an hour, or sent thinned, changes
 * that. What was longer before counts for half after a day. From one run to the next nothing is told.
 */
function intervalOf(before: Twin['telemetry'], { time, data }: NonNullable<Twin['telemetry']>): number | undefined {
  if (before === undefined) return undefined;
  const gapS = (Date.parse(time) - Date.parse(before.time)) / 1000;
  if (!(gapS > 0) || data.uptimeS < before.data.uptimeS) return before.everyS;
  return Math.max(gapS, (before.everyS ?? 0) * 0.5 ** (gapS / 86_400));
}

const idsOf = ({ keys, presented }: Twin): string => [...keys.map(({ id }) => id), presented?.id ?? ''].join();

function keysOf({ keys, presented }: Twin): UnitKeys {
  const accepted = new Map<string, KeyObject>();
  for (const { id, spki } of keys) {
    const key = recordKey(spki);
    if (key !== undefined) accepted.set(id, key);
  }
  return { accepted, presented: presented?.id };
}

/** A last will says no more than that the unit is gone: what it had said stays. The first key that comes is the unit's. */
function stateOf(twin: Twin, said: UnitState, given: TwinKey | undefined, now: string): Twin {
  const state: UnitState = said.online ? said : { ...twin.state, ...said };
  const current = twin.keys.at(-1);
  const changed =
    twin.state === undefined || canonicalJson(twin.state as JsonValue) !== canonicalJson(state as JsonValue);
  const base: Twin = { ...twin, online: said.online, ...(changed ? { state, stateAt: now } : {}) };
  if (given === undefined) return changed ? base : twin;
  if (current === undefined) return { ...base, keys: [given] };
  if (current.id === given.id) {
    const { presented, ...rest } = base;
    if (presented !== undefined) return rest;
    return changed ? base : twin;
  }
  if (twin.presented?.id === given.id) return changed ? base : twin;
  return { ...base, presented: given };
}
