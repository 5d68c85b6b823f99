import { writeSync } from 'node:fs';
import { systemClock } from '../../kernel/clock.ts';
import { explain } from '../../kernel/errors.ts';
import { milliseconds } from '../../kernel/units.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { contextAt, framesAround, infractionAt } from './fixtures.ts';
import { clerk, testKeystore, unit } from './stores.ts';

/**
 * A program for crash tests. `FOLDER [SEGMENT_BYTES] [RECIPIENT]`: works in the folder until it is killed or something fails, and writes
 * each thing that was acknowledged on a line of its own: `sealed ID`, `held ID`, `released ID`, `erased ID`. It waits for a line on its
 * standard input before it opens the store. A failure is told of on standard error, and ends it with 3. Without a folder it ends at
 * once, having loaded all that it is made of.
 */
const [folder, segmentBytes = '4000', recipient] = process.argv.slice(2);
if (folder === undefined) process.exit();
await new Promise((go) => process.stdin.once('data', go));
const store = await EvidenceStore.open(folder, {
  unit,
  boot: String(process.pid),
  clock: systemClock,
  keystore: testKeystore(),
  segmentBytes: Number(segmentBytes),
  checkpoints: { entries: 5, time: milliseconds(20) },
  ...(recipient === undefined ? {} : { recipients: { authority: [recipient], operators: [] } }),
});
const tell = (what: string, id: string): void => {
  writeSync(1, `${what} ${id}\n`);
};
writeSync(1, 'open\n');
try {
  for (let frame = 10; ; frame += 10) {
    const [first, second] = await Promise.all([seal(frame), seal(frame + 1)]);
    await store.custody.hold(first, 'court', clerk);
    tell('held', first);
    await store.custody.erase(second, clerk);
    tell('erased', second);
    await Promise.all([seal(frame + 2), release(first)]);
  }
} catch (error) {
  writeSync(2, `${explain(error)}\n`);
  await store.close();
  process.exitCode = 3;
}
process.stdin.destroy();

async function seal(at: number): Promise<string> {
  const { id } = await store.seal(infractionAt(at), framesAround(at), contextAt(at));
  tell('sealed', id);
  return id;
}

async function release(id: string): Promise<void> {
  await store.custody.release(id, 'court', clerk);
  tell('released', id);
}
