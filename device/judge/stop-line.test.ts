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

test('who was hidden while the nose passed at green is not accused, nor who passed as it turned red', (t) => {
  const held = scene('[{ from: 0, to: 5, phase: green }, { from: 5, to: 60, phase: red }]');
  for (const stop of [188, 194, 205]) {
    const way = (s: number) => boxAt(300, Math.max(stop, 300 - 23.75 * s));
    const kept: Actor = { id: 1, box: (s) => (s > 3.5 && s < 5.2 ? undefined : way(s)) };
    t.deepEqual(rules(drive(held, [kept], { seconds: 14, patience: 3000 })), []);
    const first: Actor = { id: 1, box: (s) => (s <= 3.5 ? way(s) : undefined) };
    const second: Actor = { id: 2, box: (s) => (s >= 5.2 ? way(s) : undefined) };
    t.deepEqual(rules(drive(held, [first, second], { seconds: 14 })), []);
  }
});

test('a waiting car whose lower part is covered by the next one has not driven on', (t) => {
  for (const cut of [10, 20, 30]) {
    for (const foot of [228, 232, 236, 240]) {
      for (const seconds of [0.5, 1, 2]) {
        const car: Actor = {
          id: 1,
          box: (s) => {
            const hidden = s < 6 ? 0 : Math.min(cut, (cut * (s - 6)) / seconds);
            const whole = boxAt(300, foot + (s < 3 ? 40 * (3 - s) : 0));
            return { ...whole, height: whole.height - hidden };
          },
        };
        t.deepEqual(rules(drive(red, [car], { seconds: 16, jitter: 0.005 })), [], `${cut} ${foot} ${seconds}`);
      }
    }
  }
});

test('one that is covered while it comes to stand before the line is not accused', (t) => {
  for (const [stop, cut, from, rate] of [
    [222, 25, 1, 6],
    [222, 30, 1.5, 12],
    [226, 30, 0.5, 24],
    [230, 30, 0.5, 24],
  ] as const) {
    const car: Actor = {
      id: 1,
      box: (s) => {
        const whole = boxAt(300, stop + 120 * Math.exp(-1.2 * s));
        return { ...whole, height: whole.height - Math.min(cut, Math.max(0, rate * (s - from))) };
      },
    };
    t.deepEqual(rules(drive(red, [car], { seconds: 16, jitter: 0.005 })), [], `${stop} ${cut} ${from} ${rate}`);
  }
});
