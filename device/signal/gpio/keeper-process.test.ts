import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { systemClock } from '../../kernel/clock.ts';
import { explain } from '../../kernel/errors.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { GpioLines } from './gpio-lines.ts';

const wire = { name: 'beacon', chip: 'no-such-chip', line: 0, activeLow: false, safe: false } as const;

test("the keeper's own program refuses a chip that is not there, in words that arrive", async (t) => {
  const error = await t.throwsAsync(
    GpioLines.open(
      { outputs: [{ ...wire, drive: 'push-pull' }], inputs: [] },
      { clock: systemClock, timer: systemTimer, random: Math.random, onFault: (fault) => t.log(fault.message) },
    ),
  );
  t.regex(explain(error), /^lines-unavailable: beacon: (there is no GPIO chip no-such-chip|\/dev\/gpiochip)/);
});

test('a unit that is killed while it hangs leaves a dark beacon; the keeper is not to be stopped before', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-keeper-'));
  const unit: ChildProcess = spawn(
    process.execPath,
    [fileURLToPath(new URL('./testing/unit-that-hangs.ts', import.meta.url))],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(async () => {
    unit.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });
  const said = unit.stdout === null ? [] : await once(unit.stdout, 'data');
  t.is(String(said[0]), 'lit');
  const shown = async () => (await readFile(join(folder, 'wire'), 'utf8')).split(' ') as [string, string];
  const [pid, level] = await until(shown, ([, voltage]) => voltage === 'high');
  t.is(level, 'high');
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGABRT'] as const) process.kill(Number(pid), signal);
  await systemTimer.sleep(milliseconds(200));
  t.true(runs(Number(pid)), 'what stops every process of a service at once does not stop it');
  t.is((await shown())[1], 'high');
  const killed = performance.now();
  unit.kill('SIGKILL');
  t.is((await until(shown, ([, voltage]) => voltage === 'low'))[1], 'low');
  t.log(`dark ${Math.round(performance.now() - killed)} ms after the unit was killed`);
  await until(
    async () => runs(Number(pid)),
    (still) => !still,
  );
  t.false(runs(Number(pid)), 'and it ends');
});

/** What `look` gives once it is as wanted, or after five seconds. */
async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (let i = 0; ; i += 1) {
    const seen = await look();
    if (wanted(seen) || i > 250) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
