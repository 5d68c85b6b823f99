import test from 'ava';
import type { SelfTestCheck, SelfTestFinding, SelfTestOutcome } from '../../selftest/contract/self-test-report.ts';
import { judgeTrial, TrialWatch } from './trial.ts';

const usual: Readonly<Partial<Record<SelfTestCheck, SelfTestOutcome>>> = {
  camera: 'passed',
  lines: 'not-tested',
  clock: 'passed',
  broker: 'passed',
  detector: 'passed',
  evidence: 'passed',
};
const roadside = { connected: true, clockBelieved: false };

function found(changes: typeof usual = {}): readonly SelfTestFinding[] {
  return Object.entries({ ...usual, ...changes }).map(([check, outcome]) => ({
    ...{ check: check as SelfTestCheck, outcome, code: `${check}-${outcome}`, says: 'so it is', figures: [] },
  }));
}

test('a unit that does its work keeps what is on trial', (t) => {
  t.deepEqual(judgeTrial(found(), roadside), { good: true, reasons: [] });
  t.true(judgeTrial(found({ camera: 'doubtful', clock: 'doubtful' }), roadside).good, 'somebody should look');
  t.true(judgeTrial(found({ wear: 'failed', power: 'failed', temperature: 'failed' }), roadside).good);
});

for (const check of ['camera', 'lines', 'clock', 'broker', 'detector', 'evidence'] as const) {
  test(`it does not where this fails: ${check}`, (t) => {
    t.deepEqual(judgeTrial(found({ [check]: 'failed' }), roadside), {
      good: false,
      reasons: [`${check}-failed: so it is`],
    });
  });
}

test('what could not be tried is no good word where one is needed', (t) => {
  for (const check of ['camera', 'detector', 'evidence', 'broker'] as const)
    t.deepEqual(judgeTrial(found({ [check]: 'not-tested' }), roadside).reasons, [`${check}: it could not be tested`]);
  t.true(judgeTrial(found({ broker: 'not-tested' }), { ...roadside, connected: false }).good);
  t.false(judgeTrial(undefined, roadside).good);
});

test('at a desk the clock is believed', (t) => {
  t.true(judgeTrial(found({ clock: 'failed' }), { ...roadside, clockBelieved: true }).good);
});

test('test evidence is sealed once a start; a store that refuses later is no good store', (t) => {
  const watch = new TrialWatch();
  t.true(watch.seals);
  t.false(watch.judge(undefined, roadside).good);
  t.true(watch.seals, 'nothing was sealed yet');
  t.true(watch.judge(found({ evidence: 'doubtful' }), roadside).good);
  t.false(watch.seals);
  t.true(watch.judge(found({ evidence: 'not-tested' }), roadside).good);
  t.false(watch.judge(found({ evidence: 'failed' }), roadside).good);
  t.true(watch.seals, 'and it has to show that it seals again');
  t.false(watch.judge(found({ evidence: 'not-tested' }), roadside).good);
  t.true(watch.judge(found(), roadside).good);
});
