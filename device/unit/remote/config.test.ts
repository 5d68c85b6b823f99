import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import type { ConfigAct } from '../../config/desired/keeper-state.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { makeTrustFiles, unitConfig } from '../../testing/trust-files.ts';
import { type ConfigHooks, openUnitConfig, type UnitConfig } from './config.ts';

const clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));

async function place(t: ExecutionContext) {
  const at = await mkdtemp(join(tmpdir(), 'unit-config-'));
  t.teardown(() => rm(at, { recursive: true, force: true }));
  const made = await makeTrustFiles(at);
  const data = join(at, 'data');
  const base = unitConfig(data, { cloud: made.cloud });
  return { ...made, at, data, base, open: () => openUnitConfig(base, undefined, clock) };
}

/** What a running unit would do, and what it was told. */
function unitHooks() {
  const acts: ConfigAct[] = [];
  const reports: Reported[] = [];
  const restarts: (readonly string[])[] = [];
  const hooks: ConfigHooks = {
    apply: async (_, changed, needs) => {
      if (needs === 'restart') restarts.push(changed);
    },
    probe: () => ({ brokerReached: false, framesSeen: false, evidenceSealed: false }),
    prove: async () => {},
    report: (reported) => {
      reports.push(reported);
    },
    audit: async (act) => {
      acts.push(act);
    },
    problem: (fault) => {
      throw fault;
    },
  };
  return { acts, reports, restarts, hooks };
}

/** A start that takes a document which needs another start, and ends. */
async function putOnTrial(unit: UnitConfig, document: Buffer): Promise<void> {
  const { hooks, restarts } = unitHooks();
  await unit.begin(hooks);
  await unit.desired(document);
  if (restarts.length !== 1) throw new Error('no start was asked for');
  await unit.close();
}

const broken = new AtalayaError('bundle-invalid', 'the bundle is for mqtts://ana:secret@broker.example');

test('a unit that trusts nobody has its own file, and leaves nothing on the disk', async (t) => {
  const { at, data } = await place(t);
  const base = unitConfig(data);
  const unit = await openUnitConfig(base, undefined, clock);
  t.is(unit.config, base);
  t.is(unit.reported(), undefined);
  await unit.begin(unitHooks().hooks);
  await unit.tick();
  await unit.fell(broken);
  t.false(unit.onTrial);
  await unit.close();
  t.deepEqual((await readdir(at)).toSorted(), ['root.public.pem', 'trust.json']);
});

test('what is on trial is run with from the next start on, and says so', async (t) => {
  const { open, desired } = await place(t);
  const first = await open();
  t.false(first.onTrial);
  await putOnTrial(first, await desired(1, { detector: { threads: 1 }, evidence: { beforeS: 2 } }));
  t.true(first.onTrial, 'may be asked after the end');
  const second = await open();
  t.true(second.onTrial);
  t.is(second.config.evidence.beforeS, 2);
  await second.close();
});

test('a trial with which every start fails is given back after three, with the reason of the last failure and no password', async (t) => {
  const { base, open, desired } = await place(t);
  await putOnTrial(await open(), await desired(1, { detector: { threads: 1 }, evidence: { beforeS: 2 } }));
  for (let start = 1; start <= 3; start += 1) {
    const unit = await open();
    t.is(unit.config.evidence.beforeS, 2, `start ${start}`);
    await unit.fell(broken);
    await unit.close();
  }
  const unit = await open();
  t.false(unit.onTrial);
  t.deepEqual(unit.config, base);
  const { hooks, acts, reports } = unitHooks();
  await unit.begin(hooks);
  t.is(unit.reported()?.outcome, 'rolled-back');
  t.deepEqual(unit.reported()?.reasons, [
    'boots-used-up: the unit started 3 times while it was on trial and did not come to its end: bundle-invalid: the bundle is for mqtts://broker.example',
  ]);
  t.deepEqual(
    acts.map(({ outcome }) => outcome),
    ['rolled-back'],
    'what could not be audited before there was a unit is audited now',
  );
  t.is(reports.at(-1)?.outcome, 'rolled-back');
  await unit.close();
});

test('a second program on the same data is refused, and uses up no start of the trial', async (t) => {
  const { open, desired } = await place(t);
  await putOnTrial(await open(), await desired(1, { detector: { threads: 1 } }));
  const running = await open();
  for (let i = 0; i < 5; i += 1) {
    const error = await t.throwsAsync(open());
    t.true(isAtalayaError(error, 'store-locked'));
  }
  await running.close();
  await running.close();
  const next = await open();
  t.true(next.onTrial);
  await next.close();
});

test('a trust document that does not hold leaves the data to whoever comes next', async (t) => {
  const { writeTrust, open } = await place(t);
  await writeTrust(1, { signer: 'nobody' });
  t.true(isAtalayaError(await t.throwsAsync(open()), 'document-refused'));
  await writeTrust(1);
  const unit = await open();
  t.like(unit.people, { version: 1 });
  await unit.close();
});
