import test from 'ava';
import fc from 'fast-check';
import { type Actor, boxAt, drive, sceneOf } from './testing/drive.ts';

const scene = sceneOf(`
name: test
picture: { width: 640, height: 360 }
countingLines:
  - name: A
    points: [[100, 250], [600, 250]]
    directions: { left: up, right: down }
`);

/** Up the picture at the given speed, reaching y = 250 at `second`. */
const up = (id: number, x: number, second: number, speed = 60, from = 0, to = 99): Actor => ({
  id,
  box: (t) => (t < from || t > to ? undefined : boxAt(x, 250 - speed * (t - second))),
});

test('a vehicle that passes is counted once, at its frame, with the name of its way', (t) => {
  const { crossings } = drive(scene, [up(1, 300, 2.5, 60, 1, 4)], { seconds: 6 });
  t.is(crossings.length, 1);
  t.like(crossings[0], { line: 'A', direction: 'up', track: 1, class: 'car', frame: 63 });
  t.true(Math.abs((crossings[0]?.time.elapsed ?? 0) - 2500) < 1);
});

test('the frame is met within two whatever the speed, the place and the jitter', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 15, max: 150 }),
      fc.integer({ min: 150, max: 550 }),
      fc.double({ min: 2, max: 3, noNaN: true }),
      fc.boolean(),
      (speed, x, second, down) => {
        const sign = down ? -1 : 1;
        const actor: Actor = { id: 1, box: (t) => boxAt(x, 250 - sign * speed * (t - second)) };
        const { crossings } = drive(scene, [actor], { seconds: 5, jitter: 0.01 });
        const one = crossings[0];
        return (
          crossings.length === 1 &&
          one?.direction === (down ? 'down' : 'up') &&
          Math.abs(one.frame - second * 25) <= 2.5
        );
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

test('who stands on the line with a jittering box, turns back before it or passes beside its end is not counted', (t) => {
  const standing: Actor = { id: 1, box: () => boxAt(300, 250.4) };
  const turning: Actor = { id: 2, box: (s) => boxAt(450, 262 + 20 * Math.abs(s - 3)) };
  const beside = up(3, 40, 3);
  t.deepEqual(drive(scene, [standing, turning, beside], { seconds: 8, jitter: 0.02 }).crossings, []);
});

test('a track that ends before the line and goes on as another one behind it is counted once, none is lost', (t) => {
  const first = up(1, 300, 3, 60, 0, 2.8);
  const second = up(2, 300, 3, 60, 3.4, 9);
  const { crossings } = drive(scene, [first, second], { seconds: 8 });
  t.is(crossings.length, 1);
  t.true(Math.abs((crossings[0]?.frame ?? 0) - 75) <= 2);
});

test('a track that breaks just behind the line is not counted again', (t) => {
  const first = up(1, 300, 3, 60, 0, 3.2);
  const second: Actor = { id: 2, box: (s) => (s < 3.3 ? undefined : boxAt(300, 251 - 60 * (s - 3.3))) };
  t.is(drive(scene, [first, second], { seconds: 8 }).crossings.length, 1);
});

test('two tracks on one vehicle count once, two vehicles close behind each other twice', (t) => {
  const twin: Actor = { id: 2, class: 'truck', box: (s) => boxAt(304, 250 - 60 * (s - 3), 88, 66) };
  t.is(drive(scene, [up(1, 300, 3), twin], { seconds: 8 }).crossings.length, 1);
  t.is(drive(scene, [up(1, 300, 3, 130), up(2, 300, 3.55, 130)], { seconds: 8 }).crossings.length, 2);
});

test('a person is not counted unless the line says so', (t) => {
  const walker: Actor = { id: 1, class: 'person', box: (s) => boxAt(300, 250 - 30 * (s - 3), 15, 40) };
  t.is(drive(scene, [walker], { seconds: 8 }).crossings.length, 0);
  const asked = sceneOf(`
name: test
picture: { width: 640, height: 360 }
countingLines:
  - { name: A, points: [[100, 250], [600, 250]], classes: [person] }
`);
  t.is(drive(asked, [walker, up(2, 500, 3)], { seconds: 8 }).crossings.length, 1);
});
