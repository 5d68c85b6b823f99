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
