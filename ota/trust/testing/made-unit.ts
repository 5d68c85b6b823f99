import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { TrustKeeper, type TrustOptions } from '../trust-keeper.ts';
import { type MadeRepositories, madeNow, madeRepositories, one, two } from './made-repositories.ts';

/** A unit with a disk in memory that obeys the made repositories. */
export class MadeUnit {
  readonly clock = new ManualClock(madeNow);
  clockGood = true;
  files = new MemoryFiles();
  running: TrustOptions['running'] = [];
  begun: string | undefined;
  readonly scratch = mkdtempSync(join(tmpdir(), 'trust-'));
  readonly #made: MadeRepositories;

  constructor(made: MadeRepositories) {
    this.#made = made;
  }

  /** As after a start: nothing is known but what is on the disk. */
  open(change: Partial<TrustOptions> = {}): Promise<TrustKeeper> {
    return TrustKeeper.open({
      folder: '/data/trust/metadata',
      floors: '/data/floors',
      scratch: this.scratch,
      roots: this.#made.roots,
      unit: this.#made.unit,
      hardware: ['x64', 'x64-pc'],
      running: this.running,
      clock: this.clock,
      clockGood: () => this.clockGood,
      begunJob: () => this.begun,
      files: this.files,
      ...change,
    });
  }

  /** Everything that lies on the disk, to be compared. */
  async disk(): Promise<Readonly<Record<string, string | undefined>>> {
    const entries = places.map(async (path) => [path, (await readWholeFile(this.files, path))?.toString()] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  async damage(path: Place, content: Buffer | 'remove'): Promise<void> {
    if (content === 'remove') {
      await this.files.remove(path);
      return;
    }
    const file = await this.files.open(path, 'create');
    await file.write([content], 0);
    await file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
  }
}

/** A unit that has never checked, and repositories that have releases 1 and 2 and a job for the first. */
export function preparedUnit(): { readonly made: MadeRepositories; readonly unit: MadeUnit } {
  const made = madeRepositories();
  made.release(one, two);
  made.assign([one]);
  return { made, unit: new MadeUnit(made) };
}

export const metadataPlace = '/data/trust/metadata/metadata.json';
export const floorsPlaces = ['/data/floors/floors-a.json', '/data/floors/floors-b.json'] as const;
const places = [metadataPlace, ...floorsPlaces] as const;
export type Place = (typeof places)[number];
