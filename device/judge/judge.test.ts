import test from 'ava';
import { type Actor, boxAt, drive, sceneOf } from './testing/drive.ts';

const scene = sceneOf(`
name: test
picture: { width: 640, height: 360 }
countingLines:
  - { name: A, points: [[0, 200], [639, 200]] }
lanes:
  - { name: up, polygon: [[0, 359], [0, 20], [639, 20], [639, 359]], direction: [[300, 350], [300, 30]] }
ignore:
  - [[400, 0], [639, 0], [639, 359], [400, 359]]
`);

test('hundreds of road users leave nothing behind', (t) => {
  const actors: Actor[] = Array.from({ length: 300 }, (_, i) => ({
    id: i + 1,
    box: (s) => (s < i * 0.4 || s > i * 0.4 + 3 ? undefined : boxAt(300, 340 - 100 * (s - i * 0.4))),
  }));
  const { crossings, judge, infractions } = drive(scene, actors, { seconds: 125, rate: 10 });
  t.is(crossings.length, 300);
  t.deepEqual(infractions, []);
  t.is(judge.remembered, 0);
});

test('who stands in an ignored area is nobody, whatever the box covers', (t) => {
  const ignored: Actor = { id: 1, box: (s) => boxAt(450, 100 + 40 * s, 200, 100) };
  const outcome = drive(scene, [ignored], { seconds: 6 });
  t.deepEqual(outcome.crossings, []);
  t.deepEqual(outcome.infractions, []);
});

test('the outcome is the same for the same input', (t) => {
  const actor: Actor = { id: 1, box: (s) => boxAt(300, 100 + 40 * s) };
  const [a, b] = [1, 2].map(() => drive(scene, [actor], { seconds: 6, jitter: 0.02 }));
  t.deepEqual(a?.infractions, b?.infractions);
  t.is(a?.infractions.length, 1);
});

test('while the camera does not stand where its lines were drawn nobody is accused, and what is withheld is told', (t) => {
  const actor: Actor = { id: 1, box: (s) => boxAt(300, 100 + 40 * s) };
  const doubts = { speedDoubt: 'moved', accusationDoubt: 'moved' };
  const outcome = drive(scene, [actor], { seconds: 6, doubts });
  t.deepEqual(outcome.infractions, []);
  t.is(outcome.raw.size, 0);
  t.deepEqual(outcome.withheld, drive(scene, [actor], { seconds: 6 }).infractions);
  const slightly = drive(scene, [actor], { seconds: 6, doubts: { speedDoubt: 'moved', accusationDoubt: undefined } });
  t.is(slightly.infractions.length, 1, 'a line that lies nearly where it was drawn still tells the way');
  t.deepEqual(slightly.withheld, []);
});
