import { writeSync } from 'node:fs';
import { configSchema } from '../../config/config-schema.ts';
import { sleep, systemClock } from '../../kernel/clock.ts';
import { milliseconds } from '../../kernel/units.ts';
import { openEvidence } from '../../unit/evidence.ts';
import { sealWhole } from './made-data.ts';

/**
 * A program that is to its evidence what a unit is: `DATA UNIT RECIPIENT` opens it, serves its desk and seals now and then, each seal
 * with a checkpoint, until it is told to stop (SIGTERM) or killed. It writes `open` and the id of whatever it has sealed.
 */
const [data = '', unit = '', recipient = ''] = process.argv.slice(2);
const config = configSchema.parse({
  unit: { id: unit },
  evidence: { data, authority: [recipient], checkpointEntries: 1, reserveMegabytes: 0, keepFreeMegabytes: 0 },
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const evidence = await openEvidence(config, systemClock, String(process.pid));
writeSync(1, 'open\n');
for (let at = 1000; !stop.signal.aborted; at += 10) {
  writeSync(1, `${await sealWhole(evidence.store, at)}\n`);
  await sleep(milliseconds(20), stop.signal);
}
await evidence.close();
