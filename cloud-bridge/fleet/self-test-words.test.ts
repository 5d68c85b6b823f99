import test from 'ava';
import { hasFailedSelfTest, selfTestRows } from './self-test-words.ts';

const words = (said: unknown) =>
  selfTestRows('north-1', said).checks.map((row) => row.map(({ text }) => text).slice(1));
const reportOf = (outcome: string) => ({
  report: {
    schema: 'atalaya/self-test/1',
    outcome,
    findings: [
      { check: 'camera', outcome: 'passed', code: 'camera-good', says: '15 frames/s', figures: [] },
      { check: 'clock', outcome: 'not-tested', code: 'clock-none', says: 'there is none', figures: [] },
      { check: 'lines', subject: 'door', outcome: 'failed', code: 'line-stuck', says: 'it never changed', figures: [] },
      { check: 'wear', outcome: 'doubtful', code: 'wear-high', says: '80 % of its life', figures: [] },
    ],
  },
});

test('what a self-test found, the worst first, and whether it failed', (t) => {
  t.deepEqual(words(reportOf('failed')), [
    ['failed', 'lines (door): it never changed'],
    ['doubtful', 'wear: 80 % of its life'],
    ['not-tested', 'clock: there is none'],
    ['passed', 'camera: 15 frames/s'],
  ]);
  t.true(hasFailedSelfTest(reportOf('failed')));
  t.false(hasFailedSelfTest(reportOf('doubtful')));
});

test('a unit of an earlier version answers with its health report; of other results there is nothing to tell', (t) => {
  const probes = { camera: { state: 'good', detail: '15 frames/s' }, disk: { state: 'degraded', detail: '8 GB' } };
  const problems = ['disk: 8 GB', 'throttled (raised): held back'];
  t.deepEqual(words({ report: { probes, problems } }), [
    ['degraded', 'disk: 8 GB'],
    ['good', 'camera: 15 frames/s'],
  ]);
  t.deepEqual(
    selfTestRows('north-1', { report: { probes, problems } }).problems.map((row) => row[2]?.text),
    ['throttled (raised): held back'],
  );
  for (const other of [undefined, null, {}, { image: 'x' }, { report: { findings: 'none' } }]) {
    t.deepEqual(words(other), []);
    t.false(hasFailedSelfTest(other));
  }
});
