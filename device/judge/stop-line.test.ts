import test from 'ava';
import { type Actor, boxAt, drive, sceneOf } from './testing/drive.ts';

const scene = (phases: string) =>
  sceneOf(`
name: test
picture: { width: 640, height: 360 }
signals:
  - name: T
    phases: { schedule: ${phases} }
stopLines:
  - name: main
    points: [[100, 200], [500, 200]]
    direction: [[300, 300], [300, 100]]
    signal: T
    standS: 3
`);
const red = scene('[{ from: 0, to: 60, phase: red }]');
/** Comes to stand with its lower edge at the given height of the picture. */
const stops = (y: number): Actor => ({ id: 1, box: (s) => boxAt(300, y + 120 * Math.exp(-1.2 * s)) });
const rules = (outcome: ReturnType<typeof drive>) => outcome.infractions.map((one) => one.rule);

test('who comes to stand with the front wheels behind the line at red is accused once', (t) => {
  const outcome = drive(red, [stops(197)], { seconds: 15, jitter: 0.01 });
  t.deepEqual(rules(outcome), ['stop-line']);
  const measured = outcome.infractions[0]?.measured;
  t.true(measured?.rule === 'stop-line' && measured.standingS >= 3 && measured.beyondPx > 8);
});

test('who stands before the line is not accused, however the box jitters', (t) => {
  t.deepEqual(rules(drive(red, [stops(222)], { seconds: 15, jitter: 0.02 })), []);
});

test('who stands behind it only for a moment, or goes through, is not accused of standing', (t) => {
  const moment: Actor = { id: 1, box: (s) => boxAt(300, s < 6 ? 197 + 120 * Math.exp(-1.2 * s) : 197 + 30 * (s - 6)) };
  t.deepEqual(rules(drive(red, [moment], { seconds: 8 })), []);
  const gone: Actor = { id: 1, box: (s) => boxAt(300, 320 - 30 * s) };
  t.deepEqual(rules(drive(red, [gone], { seconds: 7 })), ['red-light']);
});

test('who passed at green and is held up behind the line is not accused when it turns red', (t) => {
  const held = scene('[{ from: 0, to: 6, phase: green }, { from: 6, to: 60, phase: red }]');
  t.deepEqual(rules(drive(held, [stops(197)], { seconds: 15 })), []);
});

test('nobody is accused while the phase is unknown', (t) => {
  t.deepEqual(rules(drive(scene('[{ from: 50, to: 60, phase: red }]'), [stops(197)], { seconds: 15 })), []);
});
