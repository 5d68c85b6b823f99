import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { benchKeystore, evidenceFigure, median, openBenchStore, sealSmall, timed } from './evidence-parts.ts';
import type { BenchContext, Figure } from './figure.ts';

const rounds = 8;
const each = 100;
const warmUp = 500;

/**
 * A record of 600 bytes made durable three ways, in turns of a hundred, so that the disk's moods meet all of them: sealed; appended bare
 * with fdatasync; inserted into SQLite with `journal_mode=WAL` and `synchronous=FULL`, which fsyncs each transaction.
 */
export async function benchSideBySide({ scratch }: BenchContext): Promise<readonly Figure[]> {
  await mkdir(scratch, { recursive: true });
  const store = await openBenchStore(join(scratch, 'store'), benchKeystore());
  // Compiled code and a grown store, as a unit has them.
  for (let i = 0; i < warmUp; i += 1) await sealSmall(store);
  const sample = await sealSmall(store);
  const record = sample.bytes;
  const file = await open(join(scratch, 'bare'), 'w');
  const database = new DatabaseSync(join(scratch, 'sqlite'));
  database.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE record (id INTEGER PRIMARY KEY, body BLOB)',
  );
  const insert = database.prepare('INSERT INTO record (body) VALUES (?)');
  let at = 0;
  const bare = async () => {
    await file.write(record, 0, record.byteLength, at);
    await file.datasync();
    at += record.byteLength;
  };
  const ways = {
    sealed: () => sealSmall(store),
    bare,
    sqlite: () => {
      insert.run(record);
      return undefined;
    },
  };
  const times: Record<keyof typeof ways, number[]> = { sealed: [], bare: [], sqlite: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ['sealed', 'bare', 'sqlite'] as const) times[way].push(...(await timed(each, ways[way])));
  }
  const begin = performance.now();
  await Promise.all(Array.from({ length: 2000 }, () => sealSmall(store)));
  const together = (performance.now() - begin) / 2000;
  await file.close();
  database.close();
  await store.close();
  const [sealed, plain, lite] = [median(times.sealed), median(times.bare), median(times.sqlite)];
  const against = (other: number, name: string) => `${(sealed / other).toFixed(2)} times ${name}`;
  return [
    evidenceFigure('bare append of 600 bytes and fdatasync', plain, 'ms'),
    evidenceFigure(
      'insert of 600 bytes, SQLite WAL/FULL',
      lite,
      'ms',
      `${(lite / plain).toFixed(2)} times the bare append`,
    ),
    evidenceFigure(
      `record of ${record.byteLength} bytes, sealed: signed, durable, logged`,
      sealed,
      'ms',
      `${against(plain, 'the bare append')}, ${against(lite, 'SQLite')}`,
    ),
    evidenceFigure('the same, 2000 at once', together, 'ms', `${(sealed / together).toFixed(0)} times as fast`),
  ];
}
