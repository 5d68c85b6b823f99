import test from 'ava';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { LinkState } from '../../link/link.ts';
import { MadeDirector, madeTargets } from '../../simulate/made-director.ts';
import { JobBringer } from './job-bringer.ts';
import { updateViewOf } from './rollout-updates.ts';
import type { GivenJob, UnitUpdate } from './update-documents.ts';

const [target] = madeTargets();
if (target === undefined) throw new Error('no targets');
const given: GivenJob = {
  number: 1,
  job: {
    id: 'u000001-0a0a0a0a',
    install: [target.target],
    nonce: '0'.repeat(32),
    issued: '2026-03-01T12:00:00Z',
    expires: '2027-03-01T12:00:00Z',
  },
  by: 'Ana',
  rollout: 'rollout-1',
};

/** One unit with one job, and a director with a fault that a test sets. */
function place() {
  const clock = new ManualClock();
  const world = {
    clock,
    standing: { unit: 'north-1', newest: given } as UnitUpdate,
    fault: undefined as AtalayaError | undefined,
    hints: 0,
    changes: 0,
    warnings: 0,
  };
  class Director extends MadeDirector {
    override async assign(...job: Parameters<MadeDirector['assign']>): Promise<void> {
      if (world.fault !== undefined) throw world.fault;
      await super.assign(...job);
    }
  }
  const bringer = new JobBringer({
    link: {
      publish: async () => {
        world.hints += 1;
      },
      state: { kind: 'online' } as LinkState,
    },
    director: new Director(madeTargets()),
    read: async () => world.standing,
    change: async (_, change) => {
      world.changes += 1;
      world.standing = change(world.standing);
      return world.standing;
    },
    clock,
    log: {
      ...silentLog,
      warn: () => {
        world.warnings += 1;
      },
    },
  });
  bringer.add('north-1');
  return { world, bringer };
}

test('a job waits for a repository that has run out, says so once, and is signed when it was renewed', async (t) => {
  const { world, bringer } = place();
  const words = 'the timestamp of the image repository has run out on 2026-03-01';
  world.fault = new AtalayaError('authority-expired', words);
  for (let look = 0; look < 5; look += 1) await bringer.bringAll();
  t.is(bringer.pending, 1);
  t.deepEqual(world.standing.newest, { ...given, waits: words });
  t.deepEqual([world.changes, world.warnings, world.hints], [1, 1, 0]);
  t.deepEqual(updateViewOf(world.standing, 'rollout-1', 1).document, {
    outcome: 'none',
    reasons: [`not signed yet: ${words}`],
  });
  world.fault = new AtalayaError('store-locked', 'another process signs');
  await bringer.bringAll();
  t.is(world.standing.newest?.waits, 'another process signs');
  world.fault = undefined;
  await bringer.bringAll();
  const at = toIso(world.clock.utc());
  t.deepEqual(world.standing.newest, { ...given, assigned: at, notified: at });
  t.deepEqual([bringer.pending, world.hints], [0, 1]);
});

test('a job that is refused for good while it waits is over', async (t) => {
  const { world, bringer } = place();
  world.fault = new AtalayaError('key-missing', 'the image repository is not published yet');
  await bringer.bringAll();
  world.fault = new AtalayaError('document-refused', 'the job u000001-0a0a0a0a of north-1 is over already');
  await bringer.bringAll();
  t.deepEqual(world.standing.newest, { ...given, refused: world.fault.message });
  t.is(bringer.pending, 0);
  t.is(updateViewOf(world.standing, 'rollout-1', 1).document?.outcome, 'failed');
});
