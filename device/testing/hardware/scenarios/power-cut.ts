import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { createIdentity } from '../../../evidence/sealing/identity.ts';
import { seededRandom } from '../../../kernel/testing/seeded-random.ts';
import { type Milliseconds, milliseconds } from '../../../kernel/units.ts';
import type { Scenario } from '../bench.ts';
import type { Job } from '../bench-report.ts';
import { Acknowledged, readUntil } from './evidence-lines.ts';

const cuts = 3;
const folder = '/data/evidence';
/** A start, the check and the first seals; the host may be busy. */
const patience: Milliseconds = milliseconds(240_000);

const unit = (...args: readonly string[]): Job => ({
  kind: 'program',
  path: 'device/testing/hardware/guest/evidence-unit.ts',
  args: [folder, ...args],
});

/** The power is cut while evidence is being sealed, again and again on the same disk. */
export const powerCut: Scenario = {
  name: 'power-cut',
  says: `the power is cut ${cuts} times while evidence is sealed: all that was acknowledged is there, and verifies`,
  play: async (bench, note) => {
    const { recipient } = await createIdentity();
    const seed = 20_260_301;
    const random = seededRandom(seed);
    const acknowledged = new Acknowledged();
    for (let cut = 1; cut <= cuts; cut += 1) {
      const machine = await bench.start('power-cut', unit(recipient, 'work'));
      await readUntil(machine, 'whole', patience, acknowledged);
      acknowledged.checkFound();
      const before = acknowledged.count;
      const enough = before + 5 + Math.floor(random() * 10);
      while (acknowledged.count < enough) await readUntil(machine, 'sealed', patience, acknowledged);
      await wait(random() * 400);
      await machine.cut();
      for (const told of machine.drain()) acknowledged.hear(told);
      note(`cut ${cut}: after ${acknowledged.count - before} seals of this start`);
    }
    const machine = await bench.start('power-cut', unit(recipient, 'check'));
    const whole = await readUntil(machine, 'whole', patience, acknowledged);
    const { acknowledged: count, found } = acknowledged.checkFound();
    note(`${count} acknowledged, ${found} found, seed ${seed}; ${whole}`);
  },
};

/** That the scenario above can fail: a store that is never synced loses what it has acknowledged. */
export const powerCutWithoutSync: Scenario = {
  name: 'power-cut-without-sync',
  says: 'the same with a store that syncs nothing loses acknowledged seals, so that the bench would see a missing sync',
  play: async (bench, note) => {
    const { recipient } = await createIdentity();
    const acknowledged = new Acknowledged();
    const working = await bench.start('power-cut-without-sync', unit(recipient, 'work-without-sync'));
    while (acknowledged.count < 6) await readUntil(working, 'sealed', patience, acknowledged);
    await working.cut();
    for (const told of working.drain()) acknowledged.hear(told);
    const machine = await bench.start('power-cut-without-sync', unit(recipient, 'check'));
    // A store that is refused as damaged is a loss that was seen as well.
    const end = await readUntil(machine, 'whole', patience, acknowledged).catch((error: unknown) => String(error));
    const lost = acknowledged.lost().length;
    assert.ok(lost > 0, `nothing of ${acknowledged.count} was lost: ${end}`);
    note(`${lost} of ${acknowledged.count} lost, as it must be`);
  },
};
