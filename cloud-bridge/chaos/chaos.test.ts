import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { accountLines } from './account.ts';
import { runChaos } from './run-chaos.ts';

test('what three units seal while everything breaks is in the archive once, in order, byte for byte', async (t) => {
  t.timeout(240_000);
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-chaos-'));
  try {
    const account = await runChaos({
      ...{ folder, seed: 5, units: 3, seconds: 28, everyMs: 900, longestMs: 3500, patienceSeconds: 90 },
      signal: AbortSignal.timeout(220_000),
      say: () => {},
    });
    if (account === undefined) {
      t.log('mosquitto is not installed: passed over');
      t.pass();
      return;
    }
    for (const line of accountLines(account)) t.log(line);
    t.deepEqual(account.violations, []);
    // A run in which nothing happened shows nothing.
    for (const fault of [
      'bridge killed',
      'unit killed',
      'broker killed',
      'broker killed, all forgotten',
      'link cut in a message',
    ]) {
      t.true((account.faults.get(fault) ?? 0) > 0, fault);
    }
    t.true(account.archived.alert > 50 && account.archived.infraction > 100 && account.archived.telemetry > 500);
    t.true(account.sentEvents > account.archived.alert + account.archived.infraction + account.archived.telemetry);
    t.true(account.connections > 3 && account.cosigned > 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
