import test from 'ava';
import { type Actor, boxAt, drive, sceneOf } from './testing/drive.ts';

const yaml = (phases: string, more = ''): string => `
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
${more}`;
const red = sceneOf(yaml('[{ from: 0, to: 60, phase: red }]'));

/** A car that drives up the picture; its lower edge passes the line at `second`. */
const through = (second: number, speed = 40): Actor => ({ id: 1, box: (t) => boxAt(300, 200 - speed * (t - second)) });
const accused = (outcome: ReturnType<typeof drive>) => outcome.infractions.filter((one) => one.rule === 'red-light');

test('who drives over the line at red is accused once, at the moment when the wheels pass', (t) => {
  const found = accused(drive(red, [through(4)], { seconds: 9, jitter: 0.01 }));
  t.is(found.length, 1);
  const [one] = found;
  // The lower edge (the rear wheels) passes at frame 100, the front wheels a wheelbase earlier.
  t.true(one !== undefined && one.frame <= 100 && one.frame >= 88, `${one?.frame}`);
  t.like(one?.measured, { rule: 'red-light', head: 'T', line: 'main' });
  t.true(one !== undefined && one.findings.length >= 6);
});

test('who brakes before the line is not accused, though the box overlaps it', (t) => {
  const braking: Actor = { id: 1, box: (s) => boxAt(300, 222 + 120 * Math.exp(-s)) };
  t.deepEqual(drive(red, [braking], { seconds: 12, jitter: 0.015 }).infractions, []);
});

test('who stops with the nose over the line is not a red-light runner', (t) => {
  const over: Actor = { id: 1, box: (s) => boxAt(300, 205 + 120 * Math.exp(-s)) };
  t.deepEqual(accused(drive(red, [over], { seconds: 12, jitter: 0.01 })), []);
});

for (const [what, phases] of [
  ['green', '[{ from: 0, to: 60, phase: green }]'],
  ['amber that turns red under the car', '[{ from: 0, to: 3.85, phase: amber }, { from: 3.85, to: 60, phase: red }]'],
  ['an unknown phase', '[{ from: 20, to: 60, phase: red }]'],
  ['a signal that is off', '[{ from: 0, to: 60, phase: off }]'],
] as const) {
  test(`nobody is accused at ${what}`, (t) => {
    t.deepEqual(drive(sceneOf(yaml(phases)), [through(4)], { seconds: 9 }).infractions, []);
  });
}

test('red within the grace is forgiven, after it is not', (t) => {
  const scene = (from: number) =>
    sceneOf(
      yaml(`[{ from: 0, to: ${from}, phase: amber }, { from: ${from}, to: 60, phase: red }]`).replace(
        'signal: T',
        'signal: T\n    graceS: 0.5',
      ),
    );
  t.is(accused(drive(scene(3.5), [through(4)], { seconds: 9 })).length, 0);
  t.is(accused(drive(scene(2), [through(4)], { seconds: 9 })).length, 1);
});

test('who comes from behind the line, across it, or was never seen before it is not accused', (t) => {
  const oncoming: Actor = { id: 1, box: (s) => boxAt(300, 120 + 40 * s) };
  const across: Actor = { id: 2, box: (s) => boxAt(60 + 100 * s, 202 - 2 * s) };
  const late: Actor = { id: 3, box: (s) => (s < 4.05 ? undefined : boxAt(300, 200 - 40 * (s - 4))) };
  t.deepEqual(drive(red, [oncoming, across, late], { seconds: 6 }).infractions, []);
});

test('a line that guards lanes does not judge who comes from another one', (t) => {
  const lanes = `lanes:
  - { name: left, polygon: [[100, 359], [100, 150], [290, 150], [290, 359]] }
  - { name: right, polygon: [[290, 359], [290, 150], [500, 150], [500, 359]] }
`;
  const guarded = (lane: string) =>
    sceneOf(
      yaml('[{ from: 0, to: 60, phase: red }]', lanes).replace('signal: T\n', `signal: T\n    lanes: [${lane}]\n`),
    );
  t.is(accused(drive(guarded('left'), [through(4)], { seconds: 9 })).length, 0);
  const [one] = accused(drive(guarded('right'), [through(4)], { seconds: 9 }));
  t.is(one?.lane, 'right');
});

test('a track that breaks on the line is still judged, once', (t) => {
  const whole = through(4);
  const first: Actor = { id: 1, box: (s) => (s < 3.6 ? whole.box(s) : undefined) };
  const second: Actor = { id: 2, box: (s) => (s > 4.2 ? whole.box(s) : undefined) };
  t.is(accused(drive(red, [first, second], { seconds: 9 })).length, 1);
});
