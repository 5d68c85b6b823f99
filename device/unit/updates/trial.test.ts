import test from 'ava';
import { baselineOf, weighTroubles } from '../../../ota/update/weigh-troubles.ts';
import type { SelfTestCheck, SelfTestFinding, SelfTestOutcome } from '../../selftest/contract/self-test-report.ts';
import { troubled } from '../../selftest/findings.ts';
import { judgeCamera, judgePlace } from '../../selftest/judge-picture.ts';
import { judgeDetector, judgeEvidence } from '../../selftest/judge-work.ts';
import { type TrialTerms, TrialWatch, troublesOf } from './trial.ts';

const usual: Readonly<Partial<Record<SelfTestCheck, SelfTestOutcome>>> = {
  camera: 'passed',
  lines: 'not-tested',
  clock: 'passed',
  broker: 'passed',
  detector: 'passed',
  evidence: 'passed',
};
const size = { width: 1280, height: 720 };
const roadside = { connected: true, clockBelieved: false };

function found(changes: typeof usual = {}): readonly SelfTestFinding[] {
  return Object.entries({ ...usual, ...changes }).map(([check, outcome]) => ({
    ...{ check: check as SelfTestCheck, outcome, code: `${check}-${outcome}`, says: 'so it is', figures: [] },
  }));
}

test('a unit that does its work keeps what is on trial', (t) => {
  t.deepEqual(troublesOf(found(), roadside), { troubles: [] });
  t.deepEqual(
    troublesOf(found({ camera: 'doubtful', clock: 'doubtful' }), roadside).troubles,
    [],
    'somebody should look',
  );
  t.deepEqual(troublesOf(found({ wear: 'failed', power: 'failed', temperature: 'failed' }), roadside).troubles, []);
});

for (const check of ['camera', 'place', 'lines', 'clock', 'broker', 'detector', 'evidence'] as const) {
  test(`it does not where this fails: ${check}`, (t) => {
    t.deepEqual(troublesOf(found({ [check]: 'failed' }), roadside).troubles, [
      { code: `${check}-failed`, says: 'so it is', vital: true },
    ]);
  });
}

test('what could not be tried is no good word where one is needed', (t) => {
  for (const check of ['camera', 'detector', 'evidence', 'broker'] as const)
    t.deepEqual(troublesOf(found({ [check]: 'not-tested' }), roadside).troubles, [
      { code: check, says: 'it could not be tested', vital: true },
    ]);
  t.deepEqual(troublesOf(found({ broker: 'not-tested' }), { ...roadside, connected: false }).troubles, []);
  t.like(troublesOf(undefined, roadside), { troubles: [{ code: 'camera', vital: true }], early: true });
});

test('a scene in which nothing is drawn, or of another place, speaks against an update; where it was so before, it may go on', (t) => {
  const place = (finding: SelfTestFinding) => troublesOf([...found(), finding], roadside).troubles;
  t.like(place(judgePlace({ kind: 'none' }, false)), [{ code: 'scene-empty', vital: false }]);
  const seen = { kind: 'compared', patches: 20, seen: 18, agreeing: 18, allowedPx: 4 } as const;
  t.like(place(judgePlace({ ...seen, shiftPx: 40 }, true)), [{ code: 'camera-moved', degree: 10, vital: false }]);
  t.like(place(judgePlace({ kind: 'unusable', says: 'of another scene' }, true)), [{ vital: true }]);
  t.deepEqual(place(judgePlace({ ...seen, shiftPx: 1 }, true)), []);
  t.deepEqual(place(judgePlace({ kind: 'none' }, true)), [], 'not every unit has references');
});

test('at a desk the clock is believed', (t) => {
  t.deepEqual(troublesOf(found({ clock: 'failed' }), { ...roadside, clockBelieved: true }).troubles, []);
});

test('what a board, a lens or a wire can be the cause of has its degree, and is vital to nobody', (t) => {
  const slow = (ms: number) =>
    troublesOf(
      [
        ...found().filter(({ check }) => check !== 'detector'),
        ...judgeDetector({ kind: 'looked', inferenceMs: ms, found: 4, due: 4, beside: false }),
        troubled('failed', 'line-dead', { check: 'lines', subject: 'loop-1', says: 'It does not answer.' }),
      ],
      roadside,
    ).troubles;
  const [first, dead] = slow(1500);
  t.like(first, { code: 'detector-slow', degree: 6, vital: false });
  t.deepEqual(dead, { code: 'line-dead loop-1', says: 'It does not answer.', vital: false });
  t.is(slow(3000)[0]?.degree, 12);
  const [stopped] = troublesOf(
    judgeCamera({ kind: 'seen', seconds: 3, frames: 3, damaged: 0, size, scene: size }, undefined),
    roadside,
  ).troubles;
  t.like(stopped, { code: 'camera-slow', degree: 5, vital: false });
  const blind = judgeDetector({ kind: 'looked', inferenceMs: 100, found: 1, due: 4, beside: false });
  t.like(troublesOf(blind, roadside).troubles[0], { code: 'detector-blind', vital: true });
});

test('test evidence is sealed once a start; a store that refuses later is no good store', (t) => {
  const watch = new TrialWatch();
  const isWell = (findings: Parameters<TrialWatch['judge']>[0], terms: TrialTerms) =>
    watch.judge(findings, terms, 0).troubles.length === 0;
  t.true(watch.seals);
  t.false(isWell(undefined, roadside));
  t.true(watch.seals, 'nothing was sealed yet');
  t.true(isWell(found({ evidence: 'doubtful' }), roadside));
  t.false(watch.seals);
  t.true(isWell(found({ evidence: 'not-tested' }), roadside));
  t.false(isWell(found({ evidence: 'failed' }), roadside));
  t.true(watch.seals, 'and it has to show that it seals again');
  t.false(isWell(found({ evidence: 'not-tested' }), roadside));
  t.true(isWell(found(), roadside));
});

const looked = (inferenceMs: number, foundOf6: number) =>
  judgeDetector({ kind: 'looked', inferenceMs, found: foundOf6, due: 6, beside: false });

test('a board that was blind and somewhat slow forgives no program that sees all and takes a minute', (t) => {
  const others = found().filter(({ check }) => check !== 'detector');
  const before = baselineOf(troublesOf([...others, ...looked(1100, 0)], roadside));
  t.deepEqual(before, [{ code: 'detector-slow', degree: 4.4 }], 'as slow as it was, and not as blind');
  const after = troublesOf([...others, ...looked(60_000, 6)], roadside);
  t.like(weighTroubles(after, before), { counted: { length: 1 }, asBefore: [] });
});

test('a store that has always been slow has the same trouble in each test, whichever entry was sealed', (t) => {
  const sealing = (sequence: number) => {
    const sealed = { kind: 'sealed', sequence, id: `unit-7-${sequence}`, tookMs: 12_000, pictureBytes: 10 } as const;
    const evidence = judgeEvidence({ ...sealed, faults: [], authority: true });
    return troublesOf([...found().filter(({ check }) => check !== 'evidence'), evidence], roadside);
  };
  t.deepEqual(baselineOf(sealing(1)), [{ code: 'storage-slow', degree: 6 }]);
  t.deepEqual(weighTroubles(sealing(2), baselineOf(sealing(1))).counted, []);
});

test('a link that was there within two minutes is there; one that never came, or stays away, is not', (t) => {
  const away = found({ broker: 'failed' });
  const isWell = (watch: TrialWatch, findings: readonly SelfTestFinding[], seconds: number) =>
    watch.judge(findings, roadside, seconds * 1000).troubles.length === 0;
  const watch = new TrialWatch();
  t.false(isWell(watch, away, 0));
  t.true(isWell(watch, found(), 5));
  t.true(isWell(watch, away, 125));
  t.false(isWell(watch, away, 126));
  t.true(isWell(watch, found(), 130));
  t.true(isWell(watch, away, 135));
  t.false(isWell(new TrialWatch(), away, 140), 'what was reached is of one start');
});
