import assert from 'node:assert/strict';
import { createIdentity } from '../../../evidence/sealing/identity.ts';
import { milliseconds } from '../../../kernel/units.ts';
import type { Scenario } from '../bench.ts';
import { Acknowledged, readUntil } from './evidence-lines.ts';

const patience = milliseconds(240_000);
/** Of the watchdog, as the unit sets it. */
const timeoutMs = 10_000;

/** A watchdog that is not fed any more resets the machine, which comes back by itself with its evidence. */
export const watchdogReset: Scenario = {
  name: 'watchdog',
  says: 'a fed watchdog lets the machine run, an unfed one resets it, and the unit comes back with its evidence whole',
  play: async (bench, note) => {
    const { recipient } = await createIdentity();
    const acknowledged = new Acknowledged();
    const machine = await bench.start('watchdog', {
      kind: 'program',
      path: 'device/testing/hardware/guest/watchdog-unit.ts',
      args: ['/data/evidence', recipient],
    });
    const first = await machine.until('up', patience);
    note(await readUntil(machine, 'armed', patience, acknowledged));
    const began = performance.now();
    await readUntil(machine, 'starved', patience, acknowledged);
    const fedFor = performance.now() - began;
    assert.ok(fedFor > timeoutMs, `it was fed for ${fedFor} ms only`);
    const starved = performance.now();
    for (;;) {
      const told = await machine.next(patience, 'a reset by the watchdog');
      acknowledged.hear(told);
      assert.notEqual(told.kind, 'done', `the unit ended: ${JSON.stringify(told)}`);
      if (told.kind !== 'up') continue;
      assert.notEqual(told.boot, first.boot);
      break;
    }
    const back = performance.now() - starved;
    note(`fed for ${(fedFor / 1000).toFixed(0)} s, back ${(back / 1000).toFixed(0)} s after the last feed`);
    note(await readUntil(machine, 'reset-by-watchdog', patience, acknowledged));
    const whole = await readUntil(machine, 'whole', patience, acknowledged);
    const { acknowledged: count } = acknowledged.checkFound();
    assert.ok(count > 0, 'nothing was sealed before the reset');
    note(`${count} acknowledged before the reset; ${whole}`);
    await readUntil(machine, 'still up', patience, acknowledged);
  },
};
