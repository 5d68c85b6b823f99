import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { systemTreeFiles as files } from '../../device/kernel/tree-files.ts';
import { textIn } from '../slots/testing/made-slot.ts';
import { args, launcher, lay, started, whole } from './testing/laid-disk.ts';

test('killed at any moment, it has counted a start or not, and the next start finds a whole slot', async (t) => {
  const rounds = 48;
  const counts = { killed: 0, trials: 0, ends: 0 };
  // Follows how long the script takes on this machine, so that kills fall into its work.
  let span = 40;
  const one = async (round: number): Promise<void> => {
    const starts = 4;
    const root = await lay(t, { ...whole, confirmed: 'a\n', trial: `b ${starts} 2\n` });
    let tried = 0;
    for (let start = 0; start < 3; start += 1) {
      const what = (round + start) % 4 === 0 ? ['guard'] : ['run', '--', 'run'];
      const child = spawn('setsid', ['sh', launcher, ...args(root), ...what], { stdio: ['ignore', 'pipe', 'ignore'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      await killAfter(child, Math.random() * span);
      const hit = child.signalCode !== null;
      if (hit) counts.killed += 1;
      span = hit ? Math.min(400, span * 1.1) : Math.max(4, span * 0.8);
      if (said.startsWith('b/1')) tried += 1;
      const left = /^b ([0-4]) 2\n$/.exec((await textIn(files, join(root, 'trial'))) ?? '')?.[1];
      const over = (await textIn(files, join(root, 'rolled-back'))) !== undefined;
      t.true(over || (left !== undefined && Number(left) <= starts - tried), `${left} left after ${tried}`);
    }
    for (;;) {
      const next = await started(root);
      if (next?.trial === true) {
        t.is(next.slot, 'b');
        tried += 1;
        counts.trials += 1;
        t.true(tried <= starts, `${tried} starts of a trial of ${starts}`);
        continue;
      }
      t.deepEqual(next, { slot: 'a', trial: false });
      counts.ends += 1;
      break;
    }
  };
  for (let round = 0; round < rounds; round += 6) {
    await Promise.all(Array.from({ length: 6 }, (_, index) => one(round + index)));
  }
  t.log(`${counts.killed} kills hit, ${counts.trials} starts of trials after them, ${counts.ends} ends`);
  t.true(counts.killed >= 40);
});

/** Kills a process and what it started; it may have ended by itself. */
async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  const closed = once(child, 'close');
  await wait(milliseconds);
  try {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // setsid has not made the group yet, or all of it has ended.
    child.kill('SIGKILL');
  }
  await closed;
}
