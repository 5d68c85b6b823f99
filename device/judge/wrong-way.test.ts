import test from 'ava';
import { type Actor, boxAt, drive, sceneOf } from './testing/drive.ts';

const scene = sceneOf(`
name: test
picture: { width: 640, height: 360 }
lanes:
  - name: up
    polygon: [[300, 359], [300, 20], [600, 20], [600, 359]]
    direction: [[450, 350], [450, 30]]
  - name: down
    polygon: [[20, 20], [300, 20], [300, 359], [20, 359]]
    direction: [[150, 30], [150, 350]]
`);
const rules = (actors: readonly Actor[], seconds = 8, jitter = 0.02) =>
  drive(scene, actors, { seconds, jitter }).infractions.map((one) => `${one.rule} ${one.track} ${one.lane}`);

test('who drives against a lane is accused once, with lane, angle and distance', (t) => {
  const outcome = drive(scene, [{ id: 7, box: (s) => boxAt(450, 80 + 40 * s) }], { seconds: 6, jitter: 0.02 });
  t.is(outcome.infractions.length, 1);
  const measured = outcome.infractions[0]?.measured;
  t.true(measured?.rule === 'wrong-way' && measured.againstDeg > 160 && measured.distancePx > 60);
  t.is(outcome.infractions[0]?.lane, 'up');
});

test('who drives as the lanes go is not', (t) => {
  t.deepEqual(
    rules([
      { id: 1, box: (s) => boxAt(450, 350 - 40 * s) },
      { id: 2, box: (s) => boxAt(150, 60 + 40 * s) },
    ]),
    [],
  );
});

test('a standing vehicle with a jittering box, small or large, is not', (t) => {
  const small: Actor = { id: 1, box: () => boxAt(450, 60, 14, 11) };
  const large: Actor = { id: 2, box: () => boxAt(480, 300, 160, 120) };
  t.deepEqual(rules([small, large], 60, 0.06), []);
});

test('a short move back, a crossing of the road and a change of lanes are not', (t) => {
  const parking: Actor = { id: 1, box: (s) => boxAt(450, 200 + Math.min(40, 30 * s)) };
  const crossing: Actor = { id: 2, box: (s) => boxAt(20 + 90 * s, 200 + 5 * s) };
  const changing: Actor = { id: 3, box: (s) => boxAt(560 - 20 * s, 350 - 35 * s) };
  t.deepEqual(rules([parking, crossing, changing]), []);
});

test('a track that leaps back to the follower again and again is not', (t) => {
  // Up by 60 px in a second, then onto the car behind.
  const leaping: Actor = { id: 1, box: (s) => boxAt(450, 300 - 60 * (s % 1) + 20 * Math.floor(s)) };
  t.deepEqual(rules([leaping], 6, 0.01), []);
});

test('a body that leans into the next lane while its wheels stay in its own is not', (t) => {
  const lorry: Actor = { id: 1, class: 'truck', box: (s) => boxAt(305, 100 + 40 * s, 160, 180) };
  t.deepEqual(rules([lorry], 6), []);
});

test('a curve is followed', (t) => {
  const curve = sceneOf(`
name: test
picture: { width: 640, height: 360 }
lanes:
  - name: bend
    polygon: [[40, 359], [40, 40], [600, 40], [600, 160], [160, 160], [160, 359]]
    direction: [[100, 350], [100, 120], [130, 100], [590, 100]]
`);
  const way = (d: number) => (d < 240 ? boxAt(100, 350 - d, 50, 40) : boxAt(100 + (d - 240), 110, 50, 40));
  const right: Actor = { id: 1, box: (s) => way(60 * s) };
  const wrong: Actor = { id: 2, box: (s) => way(600 - 60 * s) };
  t.deepEqual(drive(curve, [right], { seconds: 10 }).infractions, []);
  t.is(drive(curve, [wrong], { seconds: 10 }).infractions.length, 1);
});

test('who follows one of two overlapping lanes is not accused, whichever comes first', (t) => {
  const up =
    '  - { name: up, polygon: [[200, 359], [200, 20], [500, 20], [500, 359]], direction: [[450, 350], [450, 30]] }\n';
  const down =
    '  - { name: down, polygon: [[200, 20], [500, 20], [500, 359], [200, 359]], direction: [[150, 30], [150, 350]] }\n';
  for (const lanes of [up + down, down + up]) {
    const both = sceneOf(`name: test\npicture: { width: 640, height: 360 }\nlanes:\n${lanes}`);
    for (const way of [1, -1]) {
      const actor: Actor = { id: 1, box: (s) => boxAt(350, 200 + way * (40 * s - 120)) };
      t.deepEqual(drive(both, [actor], { seconds: 6 }).infractions, []);
    }
  }
});
