import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { AcceptedVersions } from './accepted-versions.ts';
import { mostText, refused } from './list-document.ts';
import { parseListKey } from './list-key.ts';
import { openWatchList } from './open-watch-list.ts';
import type { WatchList } from './watch-list.ts';
import { WatchLists } from './watch-lists.ts';

export interface ListSettings {
  /** Files of the lists. */
  readonly lists: readonly string[];
  /** File of the public key that signs them. */
  readonly listKey: string;
  /** Small file that remembers the newest lists, under the data folder. */
  readonly memory: string;
}

/** What became of the configured lists. */
export interface LoadedLists {
  readonly lists: WatchLists;
  readonly opened: readonly WatchList[];
  /** Why the others are not in use, a fault a file; their messages name the file and hold no plate. */
  readonly refused: readonly AtalayaError[];
}

/**
 * Opens the configured lists, and remembers each durably before it is used. A list that is refused does not keep the others, or the unit, from
 * working: whoever starts the unit says so. Throws `key-invalid` where the key cannot be had, for then the configuration is wrong.
 */
export async function loadWatchLists(settings: ListSettings, files: Files, clock: Clock): Promise<LoadedLists> {
  const key = await readListKey(files, settings.listKey);
  const opened: WatchList[] = [];
  const faults: AtalayaError[] = [];
  const accepted = await AcceptedVersions.open(files, settings.memory).catch((error: unknown) => {
    faults.push(faultOf(error));
    return undefined;
  });
  if (accepted === undefined) return { lists: new WatchLists([], clock), opened, refused: faults };
  for (const path of settings.lists) {
    try {
      opened.push(await openOne(path, files, key, clock, accepted, opened));
    } catch (error) {
      const { code, message, hint } = faultOf(error);
      faults.push(new AtalayaError(code, `${path}: ${message}`, hint === undefined ? {} : { hint }));
    }
  }
  return { lists: new WatchLists(opened, clock), opened, refused: faults };
}

/** The public key in a file. Throws `key-invalid`. */
export async function readListKey(files: Files, path: string): Promise<KeyObject> {
  try {
    return parseListKey(await readText(files, path, 16_384), path);
  } catch (error) {
    if (error instanceof AtalayaError && error.code === 'key-invalid') throw error;
    throw new AtalayaError(
      'key-invalid',
      `the public key ${path} of the watch lists cannot be read: ${reasonOf(error)}`,
      {
        hint: 'Name the PEM file of the public key (plates.listKey).',
      },
    );
  }
}

/** The text of a list's file. Throws `list-refused`. */
export async function readListText(files: Files, path: string): Promise<string> {
  try {
    return await readText(files, path, mostText);
  } catch (error) {
    throw refused(`cannot be read: ${reasonOf(error)}`, 'Check the path and the file.');
  }
}

async function openOne(
  path: string,
  files: Files,
  key: KeyObject,
  clock: Clock,
  accepted: AcceptedVersions,
  others: readonly WatchList[],
): Promise<WatchList> {
  const text = await readListText(files, path);
  const list = openWatchList(text, key, { utc: clock.utc(), reliable: clock.state().synchronised }, accepted.lists);
  if (others.some(({ head }) => head.name === list.head.name)) {
    throw refused(`has the name ${list.head.name}, as one before it`, 'Name each list once in plates.lists.');
  }
  await accepted.accept(list);
  return list;
}

async function readText(files: Files, path: string, most: number): Promise<string> {
  const file = await files.open(path, 'read');
  try {
    const size = await file.size();
    if (size > most) throw new AtalayaError('usage-invalid', `it has ${size} bytes, and ${most} is the most`);
    const content = Buffer.allocUnsafe(size);
    return content.toString('utf8', 0, await file.read(content, 0));
  } finally {
    await file.close();
  }
}

/** Messages of the system name the path and the call, never what is in the file. */
function reasonOf(error: unknown): string {
  if (error instanceof AtalayaError) return error.message;
  return systemCode(error) === 'ENOENT' ? 'it does not exist' : (systemCode(error) ?? 'unknown');
}

function faultOf(error: unknown): AtalayaError {
  if (error instanceof AtalayaError) return error;
  // Nothing that an unforeseen fault says is repeated: it may be about what the list holds.
  return new AtalayaError('internal', 'the watch lists could not be opened');
}
