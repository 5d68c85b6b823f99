import test from 'ava';
import type { ObjectClass } from '../detect/detection.ts';
import { type Body, boxOf, carBody, project, testCamera } from '../scene/testing/camera.ts';
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

test('a track that breaks on the line for a moment is still judged, once', (t) => {
  const whole = through(4);
  const first: Actor = { id: 1, box: (s) => (s < 3.8 ? whole.box(s) : undefined) };
  const second: Actor = { id: 2, box: (s) => (s > 4.1 ? whole.box(s) : undefined) };
  t.is(accused(drive(red, [first, second], { seconds: 9 })).length, 1);
});

test('who was hidden while the wheels passed is not accused, on one track or two', (t) => {
  const turned = sceneOf(yaml('[{ from: 0, to: 5, phase: red }, { from: 5, to: 60, phase: green }]'));
  for (const away of [6.2, 6.6, 7]) {
    // Waits at the line, is hidden by a lorry, starts at green and is seen again ahead.
    const waits = (s: number) => boxAt(300, s < 2 ? 245 + (2 - s) * 40 : s < 5.2 ? 245 : 245 - 30 * (s - 5.2) ** 2);
    const car: Actor = { id: 1, box: (s) => (s > 3 && s < away ? undefined : waits(s)) };
    t.deepEqual(drive(turned, [car], { seconds: 10, patience: 5000 }).infractions, []);
    const first: Actor = { id: 1, box: (s) => (s <= 3 ? waits(s) : undefined) };
    const second: Actor = { id: 2, box: (s) => (s >= away ? waits(s) : undefined) };
    t.deepEqual(drive(turned, [first, second], { seconds: 10 }).infractions, []);
  }
});

test('red must hold at both moments around the passing', (t) => {
  // Five frames a second: between two of them it does not matter when the light turned red, for the passing is not seen there.
  const isAccused = (from: number): boolean => {
    const scene = sceneOf(yaml(`[{ from: 0, to: ${from}, phase: amber }, { from: ${from}, to: 60, phase: red }]`));
    return accused(drive(scene, [through(4, 60)], { seconds: 9, rate: 5 })).length > 0;
  };
  for (let frame = 10; frame < 22; frame++) t.is(isAccused((frame + 0.05) / 5), isAccused((frame + 1) / 5), `${frame}`);
  t.true(isAccused(2));
  t.false(isAccused(4.4));
});

test('a waiting car whose lower part is covered bit by bit, and that starts at green, has not passed at red', (t) => {
  const scene = sceneOf(yaml('[{ from: 0, to: 10, phase: red }, { from: 10, to: 60, phase: green }]'));
  for (const cut of [20, 30, 38]) {
    const car: Actor = {
      id: 1,
      box: (s) => {
        const y = 232 + (s < 3 ? 40 * (3 - s) : 0) - (s > 10 ? 30 * (s - 10) : 0);
        const hidden = Math.min(cut, Math.max(0, cut * (s - 5)));
        const whole = boxAt(300, y);
        return { ...whole, height: whole.height - hidden };
      },
    };
    t.deepEqual(drive(scene, [car], { seconds: 15, jitter: 0.005 }).infractions, []);
  }
});

const bodies: readonly (readonly [ObjectClass, Body])[] = [
  ['car', carBody],
  ['truck', { length: 6.5, width: 2.2, height: 2.4 }],
  ['bus', { length: 11, width: 2.5, height: 3.1 }],
];
for (const [name, camera] of [
  ['from above the road', testCamera],
  ['from low above it', { ...testCamera, above: 4.5, pitch: 0.12 }],
  ['from the roadside', { ...testCamera, focal: 900, at: { x: 9, y: 0 }, yaw: -0.35, pitch: 0.25 }],
] as const) {
  test(`seen ${name}, cars, lorries and buses that run the light are accused, both ways`, (t) => {
    const at = (x: number, y: number): string => {
      const point = project(camera, x, y);
      return `[${point.x.toFixed(1)}, ${point.y.toFixed(1)}]`;
    };
    for (const way of [1, -1]) {
      const scene = sceneOf(`
name: test
picture: { width: 1280, height: 720 }
signals: [{ name: T, phases: { schedule: [{ from: 0, to: 60, phase: red }] } }]
stopLines:
  - { name: s, points: [${at(-4, 26)}, ${at(4, 26)}], direction: [${at(0, 26 - 5 * way)}, ${at(0, 26 + 5 * way)}], signal: T }
`);
      for (const [kind, body] of bodies) {
        const box = (s: number) => {
          const exact = boxOf(camera, 0, 30 + way * (8 * s - 20), (way * Math.PI) / 2, body);
          const { x, y, width, height } = exact;
          return x >= 0 && y >= 0 && x + width <= 1280 && y + height <= 720 ? exact : undefined;
        };
        const found = drive(scene, [{ id: 1, class: kind, box }], { seconds: 6, jitter: 0.008 });
        t.is(accused(found).length, 1, `${kind} ${way}`);
      }
    }
  });
}
