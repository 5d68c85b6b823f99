import { type KeyObject, verify } from 'node:crypto';
import { sha256 } from '../../kernel/hash.ts';
import { type Milliseconds, milliseconds, toIso, type UtcMilliseconds, utcMilliseconds } from '../../kernel/units.ts';
import { parseList, refused, signedBytes } from './list-document.ts';
import { listKeyId } from './list-key.ts';
import { buildTable } from './plate-table.ts';
import { WatchList } from './watch-list.ts';

/** What the time is, as far as it is known. */
export interface ListTime {
  readonly utc: UtcMilliseconds;
  /** False where nothing disciplines the clock: it may be days behind, and a list is not refused for having been issued since. */
  readonly reliable: boolean;
}

/** A list that was taken into use before. */
export interface AcceptedVersion {
  readonly version: number;
  /** `seal` of its head. */
  readonly seal: string;
}

/**
 * Entries up to which any other character counts as one-off where a list does not say. Of a country that issues some ten million plates about
 * one vehicle in a hundred is then one character off an entry by chance; with a hundred times the entries it would be most of them.
 */
const shortList = 1000;

/** How far the clock of who signs may be ahead of ours. */
const clockDifference: Milliseconds = milliseconds(5 * 60_000);

/**
 * Opens a signed watch list. `accepted` is the newest list of each name that was ever in use here.
 *
 * Throws `list-refused` for a list that is malformed, unsigned, signed by another key, altered, expired, not yet issued (where the clock is
 * reliable), older than the accepted one or of its version but another, or in which a plate or an id stands twice. No message holds a plate.
 */
export function openWatchList(
  text: string,
  trusted: KeyObject,
  now: ListTime,
  accepted: ReadonlyMap<string, AcceptedVersion> = new Map(),
): WatchList {
  const { signature, ...list } = parseList(text);
  const { name, version, entries } = list;
  const what = `${name} ${version}`;
  if (signature === undefined) {
    throw refused(`${what} is not signed`, 'Sign it with: atalaya-unit watch-list sign');
  }
  const key = listKeyId(trusted);
  if (signature.key !== key) {
    throw refused(
      `${what} is signed by the key ${signature.key}, and the trusted one is ${key}`,
      'Sign it with the trusted key, or trust this one (plates.listKey) if it is known to be good.',
    );
  }
  if (!verify(null, signedBytes(list), trusted, Buffer.from(signature.value, 'base64'))) {
    throw refused(`${what} was altered after it was signed`, 'Fetch it again from whoever issued it.');
  }
  const issued = utcMilliseconds(Date.parse(list.issued));
  const expires = list.expires === undefined ? undefined : utcMilliseconds(Date.parse(list.expires));
  if (expires !== undefined && expires <= issued) {
    throw refused(`${what} expires before it is issued`, 'Sign it again with a later --expires.');
  }
  if (expires !== undefined && now.utc >= expires) {
    throw refused(`${what} expired at ${toIso(expires)}`, 'Have a newer one issued.');
  }
  if (now.reliable && issued > now.utc + clockDifference) {
    throw refused(
      `${what} is issued at ${toIso(issued)}, which is yet to come: it is ${toIso(now.utc)}`,
      'Check the clocks of this machine and of the one where it was signed.',
    );
  }
  const seal = sha256(signature.value);
  const before = accepted.get(name);
  if (before !== undefined && version < before.version) {
    throw refused(
      `${what} is older than ${name} ${before.version}, which was in use here`,
      'Fetch the newest one; to go back to older entries, sign them under a new version.',
    );
  }
  if (before !== undefined && version === before.version && seal !== before.seal) {
    throw refused(`${what} is not the list of this version that was in use here`, 'Sign it under a new version.');
  }
  const built = buildTable(entries);
  if (!built.ok) throw refused(`${what} is not in order:\n  ${built.faults.join('\n  ')}`, built.hint);
  const oneOff = list.oneOff ?? (entries.length <= shortList ? 'every' : 'doubtful');
  return new WatchList({ name, version, issued, expires, oneOff, key, seal }, built.table);
}
