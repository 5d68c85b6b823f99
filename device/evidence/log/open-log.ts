import { join } from 'node:path';
import { makeFolders, partEnding, readWholeFile, storeFault, writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import type { Note, NoteKey } from './note.ts';
import { RightEdge } from './right-edge.ts';
import { type TileFolder, tileWidth } from './tiles.ts';

/** Where the journal gives its entries from. */
export interface LogSource {
  /** Entries in the journal. */
  readonly size: number;
  /** Leaf data from a 0-based index on. */
  readonly leaves: (from: number) => AsyncIterable<Buffer>;
}

/** What opening a log found and did. */
export interface LogOpening {
  /** Leaves of the log. */
  readonly size: number;
  /** Leaves that the stored checkpoint covers; 0 where there was none that could be read. */
  readonly checkpointSize: number;
  /** `read`; `none` in the store; or `unreadable`, then its bytes lie in `checkpoint.unreadable` beside it. */
  readonly checkpoint: 'read' | 'none' | 'unreadable';
  /** Tiles were made anew from the journal, and why. */
  readonly rebuiltTiles: boolean;
  readonly reason: string | undefined;
}

export interface OpenedLog {
  readonly edge: RightEdge;
  readonly latest: Checkpoint | undefined;
  readonly signatures: Note['signatures'];
  readonly opening: LogOpening;
}

/** Leaves after which a replay puts full tiles on the medium: 16 tiles of the lowest level, about 1 MB with their entries. */
const flushEvery = 4_096;

/** The stored checkpoint inside the folder of the log. */
export function checkpointPath(folder: string): string {
  return join(folder, 'checkpoint');
}

/**
 * Brings a log to the size of its journal: the edge at the checkpoint from the tiles, the rest from the journal. Throws
 * `key-mismatch` for a checkpoint of another log or key, and `store-damaged` where the journal is shorter than the checkpoint or
 * has another root.
 */
export async function openLog(
  files: Files,
  folder: string,
  tiles: TileFolder,
  key: NoteKey,
  source: LogSource,
  rebuild: boolean,
): Promise<OpenedLog> {
  await makeFolders(files, folder);
  const path = checkpointPath(folder);
  await files.remove(`${path}${partEnding}`).catch(() => undefined);
  const content = await readWholeFile(files, path);
  // A run that died may have replaced it without making its name durable; what is removed below must not be needed after a power cut.
  await files.syncFolder(folder).catch((error: unknown) => {
    throw storeFault(error, `cannot make ${path} durable`);
  });
  if (content === undefined) return fromJournal(tiles, source, 'none', `${path} is missing`);
  const read = readCheckpoint(content, key);
  switch (read.kind) {
    case 'foreign':
      throw new AtalayaError('key-mismatch', `${path} is not of this log: ${read.reason}`, {
        hint: 'Open the store with the key and the unit that it was made with.',
      });
    case 'unreadable':
      await writeWholeFile(files, `${path}.unreadable`, content);
      return fromJournal(tiles, source, 'unreadable', `${path} cannot be read: ${read.reason}`);
    case 'good':
      return fromCheckpoint(tiles, source, read, rebuild);
  }
}

async function fromCheckpoint(
  tiles: TileFolder,
  source: LogSource,
  { checkpoint, signatures }: { checkpoint: Checkpoint; signatures: Note['signatures'] },
  rebuild: boolean,
): Promise<OpenedLog> {
  const { size, root } = checkpoint;
  if (size > source.size) {
    throw new AtalayaError(
      'store-damaged',
      `the checkpoint covers ${size} entries and the journal has ${source.size}: the journal was cut or is an older copy`,
      { hint: 'Bring back the journal that belongs to the checkpoint; nothing was changed.' },
    );
  }
  const loaded = rebuild ? 'a rebuild was asked for' : await RightEdge.load(tiles, size, root);
  const edge = typeof loaded === 'string' ? await rebuildTiles(tiles, source, size, root) : loaded;
  // A run that died may have left tiles of a checkpoint that never was, or those of the one before.
  await tiles.removeSuperseded(Math.max(0, size - tileWidth), size);
  await replay(edge, tiles, source, source.size);
  const reason = typeof loaded === 'string' ? loaded : undefined;
  return {
    edge,
    latest: checkpoint,
    signatures,
    opening: {
      size: edge.size,
      checkpointSize: size,
      checkpoint: 'read',
      rebuiltTiles: reason !== undefined,
      reason,
    },
  };
}

/** Without a checkpoint nothing says which tiles are right: all are made anew. */
async function fromJournal(
  tiles: TileFolder,
  source: LogSource,
  checkpoint: 'none' | 'unreadable',
  reason: string,
): Promise<OpenedLog> {
  const edge = new RightEdge();
  await replay(edge, tiles, source, source.size);
  const rebuilt = edge.size > 0;
  return {
    edge,
    latest: undefined,
    signatures: [],
    opening: {
      size: edge.size,
      checkpointSize: 0,
      checkpoint,
      rebuiltTiles: rebuilt,
      reason: rebuilt || checkpoint === 'unreadable' ? reason : undefined,
    },
  };
}

/**
 * Makes the tiles of a checkpoint anew. The journal is read once to see that it still has the root that was signed, and only then
 * once more to write: tiles that contradict the journal are never overwritten, since they may be all that shows what stood in it.
 */
async function rebuildTiles(tiles: TileFolder, source: LogSource, size: number, root: Buffer): Promise<RightEdge> {
  const trial = new RightEdge();
  await replay(trial, undefined, source, size);
  if (!trial.root.equals(root)) {
    throw new AtalayaError(
      'store-damaged',
      `the first ${size} entries of the journal have the root ${trial.root.toString('hex')}, and the signed checkpoint has ${root.toString('hex')}`,
      { hint: 'Keep the store as it is for whoever examines it: entries that were signed for have changed.' },
    );
  }
  const edge = new RightEdge();
  await replay(edge, tiles, source, size);
  const snapshot = edge.snapshot();
  await tiles.write(snapshot.tiles);
  edge.settle(snapshot);
  return edge;
}

/** Appends the journal's entries until the log has `until`; full tiles go to the medium, or nowhere without a folder for them. */
async function replay(edge: RightEdge, tiles: TileFolder | undefined, source: LogSource, until: number): Promise<void> {
  if (edge.size === until) return;
  for await (const leaf of source.leaves(edge.size)) {
    edge.append(leaf);
    if (edge.size % flushEvery === 0) {
      if (tiles === undefined) edge.settle({ size: edge.size, root: edge.root, tiles: [] });
      else await edge.flush(tiles);
    }
    if (edge.size === until) return;
  }
  throw new AtalayaError('store-damaged', `the journal gave ${edge.size} entries of ${until}`);
}
