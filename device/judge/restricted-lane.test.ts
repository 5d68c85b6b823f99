import test from 'ava';
import type { ObjectClass } from '../detect/detection.ts';
import { type Actor, boxAt, drive, monday, sceneOf } from './testing/drive.ts';

const scene = sceneOf(`
name: test
picture: { width: 640, height: 360 }
lanes:
  - name: bus-lane
    polygon: [[400, 359], [400, 20], [560, 20], [560, 359]]
    only: [bus, bicycle]
    onlyWhen: [{ from: "07:00", to: "09:00" }]
    graceS: 2
`);
const along = (kind: ObjectClass, x = 480): Actor => ({ id: 1, class: kind, box: (s) => boxAt(x, 350 - 40 * s) });
const rules = (outcome: ReturnType<typeof drive>) => outcome.infractions.map((one) => one.rule);

test('a car along the bus lane is accused once', (t) => {
  const outcome = drive(scene, [along('car')], { seconds: 7, jitter: 0.02 });
  t.deepEqual(rules(outcome), ['restricted-lane']);
  const measured = outcome.infractions[0]?.measured;
  t.true(measured?.rule === 'restricted-lane' && measured.insideS >= 2 && measured.allowed.includes('bus'));
});

test('a bus, a bicycle and a person are not, nor is a car beside the lane, across it, or outside the hours', (t) => {
  for (const kind of ['bus', 'bicycle', 'person'] as const)
    t.deepEqual(rules(drive(scene, [along(kind)], { seconds: 7 })), []);
  t.deepEqual(rules(drive(scene, [along('car', 385)], { seconds: 7 })), []);
  t.deepEqual(rules(drive(scene, [{ id: 1, box: (s) => boxAt(300 + 110 * s, 200) }], { seconds: 5 })), []);
  t.deepEqual(rules(drive(scene, [along('car')], { seconds: 7, start: monday + 3_600_000 })), []);
});

const voted = (votes: (s: number) => [ObjectClass, number][]): Actor => ({
  id: 1,
  box: (s) => boxAt(480, 350 - 40 * s),
  votes: (s) => votes(s).sort(([, a], [, b]) => b - a),
});

test('a bus that is taken for a lorry in half of its pictures is not accused', (t) => {
  const share = (truck: number) =>
    voted(() => [
      ['truck', truck],
      ['bus', 1 - truck],
    ]);
  for (const truck of [0.55, 0.65, 0.84]) t.deepEqual(rules(drive(scene, [share(truck)], { seconds: 7 })), []);
  t.deepEqual(rules(drive(scene, [share(0.9)], { seconds: 7 })), ['restricted-lane']);
  // Several classes may use the lane: their votes add up.
  const mixed = voted(() => [
    ['truck', 0.8],
    ['bus', 0.1],
    ['bicycle', 0.1],
  ]);
  t.deepEqual(rules(drive(scene, [mixed], { seconds: 7 })), []);
});

test('a bus that is taken for a lorry while it is far away is not accused', (t) => {
  const truck = (s: number) => (s < 2.5 ? 1 : (0.55 * 2.5) / (0.55 * 2.5 + 0.9 * (s - 2.5)));
  const late = voted((s) => [
    ['truck', truck(s)],
    ['bus', 1 - truck(s)],
  ]);
  t.deepEqual(rules(drive(scene, [late], { seconds: 8 })), []);
});

test('who leaves the lane soon after its grace is accused, at the moment when the grace was over', (t) => {
  const short: Actor = { id: 1, box: (s) => boxAt(s < 2.6 ? 480 : 480 - 150 * (s - 2.6), 350 - 20 * s) };
  const [one] = drive(scene, [short], { seconds: 7 }).infractions;
  t.true(one !== undefined && Math.abs(one.time.elapsed - 2000) < 100, `${one?.time.elapsed}`);
  const gone: Actor = { id: 1, box: (s) => (s < 2.6 ? boxAt(480, 350 - 20 * s) : undefined) };
  t.deepEqual(rules(drive(scene, [gone], { seconds: 7 })), ['restricted-lane']);
});
