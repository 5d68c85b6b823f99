import { writeSync } from 'node:fs';
import { systemClock } from '../../kernel/clock.ts';
import { explain } from '../../kernel/errors.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { contextAt, framesAround, infractionAt } from './fixtures.ts';

/**
 * A program for crash tests: seals two infractions at a time in the folder that it is given, until it is killed or a seal fails, and
 * writes the id of each that was acknowledged on a line of its own. A failed seal is told of on standard error, and ends it with 3.
 */
const [folder = '', segmentBytes = '4000'] = process.argv.slice(2);
const store = await EvidenceStore.open(folder, {
  unit: 'unit-1',
  boot: String(process.pid),
  clock: systemClock,
  segmentBytes: Number(segmentBytes),
});
writeSync(1, 'open\n');
let frame = store.opening.records * 10 + 10;
try {
  for (;;) {
    await Promise.all([seal(frame), seal(frame + 1)]);
    frame += 10;
  }
} catch (error) {
  writeSync(2, `${explain(error)}\n`);
  await store.close();
  process.exitCode = 3;
}

async function seal(at: number): Promise<void> {
  const { id } = await store.seal(infractionAt(at), framesAround(at), contextAt(at));
  writeSync(1, `${id}\n`);
}
