import { writeSync } from 'node:fs';
import { systemClock } from '../../../../device/kernel/clock.ts';
import { explain } from '../../../../device/kernel/errors.ts';
import type { Archive } from '../archive.ts';
import { PostgresArchive } from '../postgres-archive.ts';
import { SqliteArchive } from '../sqlite-archive.ts';
import { madeEvents } from './made-events.ts';

/**
 * A program for crash tests. `sqlite PATH` or `postgres OPTIONS` (JSON): goes on behind the watermark of `unit-1` in batches of ten, and
 * writes each mark on a line once it was acknowledged, until it is killed or something fails, which it tells on standard error and ends
 * with 3.
 */
const [engine, target = ''] = process.argv.slice(2);
const options = { clock: systemClock };
try {
  const archive: Archive =
    engine === 'sqlite'
      ? await SqliteArchive.open(target, options)
      : await PostgresArchive.open(JSON.parse(target), options);
  let upTo = (await archive.watermarks('unit-1'))[0]?.upTo ?? 0;
  for (;;) {
    const { watermarks } = await archive.ingest(
      madeEvents(upTo + 1, upTo + 10, { forwardTo: ['infraction.detection'] }),
    );
    upTo = watermarks[0]?.upTo ?? 0;
    writeSync(1, `${upTo}\n`);
  }
} catch (error) {
  writeSync(2, `${explain(error)}\n`);
  process.exit(3);
}
