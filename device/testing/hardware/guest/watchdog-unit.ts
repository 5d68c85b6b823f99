import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { systemFiles } from '../../../kernel/files.ts';
import { HardwareWatchdog } from '../../../kernel/linux/hardware-watchdog.ts';
import { Libc } from '../../../kernel/linux/libc.ts';
import { seconds } from '../../../kernel/units.ts';
import { checkEvidence } from './check-evidence.ts';
import { sealForever } from './seal-forever.ts';

/**
 * A unit whose watchdog is fed for a while and then no more, while it goes on sealing: `FOLDER RECIPIENT`. At the start after the
 * reset it checks what there is.
 */

const [folder = '', recipient = ''] = process.argv.slice(2);
const say = (line: string): void => console.log(line);
const timeout = seconds(10);
const marker = `${folder}.was-armed`;
const watchdog = HardwareWatchdog.open('/dev/watchdog', timeout, Libc.open());
if (watchdog === undefined) throw new Error('the machine has no watchdog');
const { identity, resetByWatchdog } = watchdog.facts;
if (existsSync(marker)) {
  watchdog.close('stop');
  say(`reset-by-watchdog ${resetByWatchdog}`);
  await checkEvidence(folder, say);
  // A watchdog that was stopped stays stopped.
  await wait((timeout + 5) * 1000);
  say('still up');
} else {
  writeFileSync(marker, '', { flush: true });
  say(`armed ${identity}, ${watchdog.facts.timeout} s`);
  const sealing = sealForever(folder, recipient, systemFiles, say);
  const feeding = async (): Promise<void> => {
    // Longer than its timeout, so that what keeps the machine up is the feeding.
    for (let fed = 0; fed < 8; fed += 1) {
      watchdog.feed();
      say('fed');
      await wait(2000);
    }
    say('starved');
  };
  await Promise.all([sealing, feeding()]);
}
