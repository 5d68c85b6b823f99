import test from 'ava';
import fc from 'fast-check';
import { sha256 } from '../../../device/kernel/hash.ts';
import { configSchemaId, type Desired } from '../../contract/acts.ts';
import type { Reported } from '../../contract/state.ts';
import { isLater, outcomesIn } from './config-outcomes.ts';
import { configHash } from './config-relay.ts';
import { BridgeTrial, until } from './testing/bridge-trial.ts';

const at = (second: number, ms = 0) => new Date(Date.UTC(2026, 2, 1, 12, 0, second, ms)).toISOString();
const desired = (version: number): Desired => ({
  ...({ schema: configSchemaId, unit: 'unit-1', version, issued: at(0), probationMinutes: 10 } as const),
  settings: { log: { level: 'warn' } },
});
const refOf = (version: number) => ({ version, sha256: configHash(desired(version)) });
const none = { version: 0, sha256: sha256('own') };

function report(outcome: Reported['outcome'], version: number, second: number, more: Partial<Reported> = {}): Reported {
  const reasons = outcome === 'rolled-back' || outcome === 'rejected' ? ['broker-not-reached: within 9 s'] : [];
  return { outcome, ...refOf(version), at: at(second), reasons, inForce: none, ...more };
}

async function released(versions: readonly number[]) {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  for (const version of versions) await bridge.configs.release('unit-1', desired(version), 'Eva');
  const say = async (said: Reported) => unit.say('reported', {}, said);
  const became = async () =>
    (await bridge.configs.history('unit-1', 10)).map((one) => [one.document.version, one.became?.outcome]);
  const newest = async () => (await trial.archive.document('reported', 'unit-1'))?.value as unknown as Reported;
  return { trial, bridge, say, became, newest };
}

test('what became of every version is kept, and an old report that comes again changes nothing', async (t) => {
  const { trial, bridge, say, became, newest } = await released([1, 2, 3]);
  const reports = [
    report('trial', 1, 1, { trialUntil: at(60) }),
    report('confirmed', 1, 2, { inForce: refOf(1) }),
    report('trial', 2, 3, { inForce: refOf(2), trialUntil: at(60) }),
    report('rolled-back', 2, 4, { inForce: refOf(1) }),
    report('rejected', 3, 5, { inForce: refOf(1) }),
  ];
  for (const one of reports) await say(one);
  await until('all taken', async () => (await newest())?.version === 3);
  const last = [
    [3, 'rejected'],
    [2, 'rolled-back'],
    [1, 'confirmed'],
  ];
  t.deepEqual(await became(), last);
  for (const one of reports) await say(one);
  // An old document that a broker brought again is rejected, and was what it was.
  await say(report('rejected', 1, 6, { inForce: refOf(1) }));
  await until('taken', async () => (await newest())?.at === at(6));
  t.deepEqual(await became(), last);
  t.deepEqual((await bridge.configs.version('unit-1', 2))?.became, {
    outcome: 'rolled-back',
    at: at(4),
    reasons: ['broker-not-reached: within 9 s'],
  });
  await trial.end();
});

test('two reports of one millisecond are both taken, in whatever order they come again', async (t) => {
  const { trial, say, became, newest } = await released([1]);
  let heard = 0;
  const trialling = report('trial', 1, 1, { inForce: refOf(1), trialUntil: at(60) });
  const confirmed = report('confirmed', 1, 1, { inForce: refOf(1) });
  await say(trialling);
  await until('taken', async () => (await newest())?.outcome === 'trial');
  await say(confirmed);
  await until('taken', async () => (await newest())?.outcome === 'confirmed');
  await say(trialling);
  heard += 1;
  await say(report('confirmed', 1, 2, { inForce: refOf(1) }));
  await until('taken', async () => (await newest())?.at === at(2));
  t.deepEqual(await became(), [[1, 'confirmed']]);
  t.is(heard, 1);
  await trial.end();
});

test('what is in force was confirmed, where its own word was lost, and only what was released here counts', async (t) => {
  const { trial, say, became, newest } = await released([1, 2]);
  await say(report('trial', 1, 1, { inForce: refOf(1), trialUntil: at(60) }));
  await until('taken', async () => (await newest())?.version === 1);
  t.deepEqual(await became(), [
    [2, undefined],
    [1, 'trial'],
  ]);
  // Something else that was rejected meanwhile says nothing of the trial.
  await say(report('rejected', 9, 2, { inForce: refOf(1), trialUntil: at(60) }));
  await until('taken', async () => (await newest())?.version === 9);
  t.deepEqual((await became())[1], [1, 'trial']);
  await say(report('rolled-back', 2, 3, { inForce: refOf(1) }));
  await until('taken', async () => (await newest())?.version === 2);
  t.deepEqual(await became(), [
    [2, 'rolled-back'],
    [1, 'confirmed'],
  ]);
  await say(report('confirmed', 2, 4, { sha256: sha256('another document'), inForce: refOf(1) }));
  await until('taken', async () => (await newest())?.at === at(4));
  t.deepEqual((await became())[0], [2, 'rolled-back']);
  await trial.end();
});

test('of two reports of a unit that differ, one is the later, unless they are of one instant and about two versions', (t) => {
  const said = fc.record({
    outcome: fc.constantFrom<Reported['outcome']>('rejected', 'accepted', 'trial', 'confirmed', 'rolled-back'),
    at: fc.integer({ min: 0, max: 3 }).map((second) => at(second)),
    version: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(said, said, (one, other) => {
      if (isLater(one, other) && isLater(other, one)) {
        // A clock that was set back: whichever comes goes on from the other.
        t.true(one.at !== other.at || one.version !== other.version || one.outcome === other.outcome);
      }
      if (one.version === other.version && one.at === other.at) t.true(isLater(one, other) || isLater(other, one));
    }),
  );
  t.deepEqual(outcomesIn(report('none', 0, 1)), []);
});
