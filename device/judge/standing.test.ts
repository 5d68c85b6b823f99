import test from 'ava';
import { type Actor, boxAt, drive, monday, sceneOf } from './testing/drive.ts';

const scene = (when = '') =>
  sceneOf(`
name: test
picture: { width: 640, height: 360 }
timeZone: Europe/Berlin
noStopping:
  - name: bay
    polygon: [[200, 150], [500, 150], [500, 300], [200, 300]]
    allowedS: 5
    ${when}
boxJunctions:
  - name: box
    polygon: [[20, 20], [190, 20], [190, 140], [20, 140]]
    allowedS: 3
`);
const parks = (x: number, y: number, from: number, to: number): Actor => ({
  id: 1,
  box: (s) => boxAt(x - 60 * Math.max(0, from - s) + 60 * Math.max(0, s - to), y),
});
const rules = (outcome: ReturnType<typeof drive>) => outcome.infractions.map((one) => one.rule);

test('who stands longer than allowed is accused once, when the time is over', (t) => {
  const outcome = drive(scene(), [parks(350, 220, 3, 20)], { seconds: 22, jitter: 0.015 });
  t.deepEqual(rules(outcome), ['stopping']);
  t.true(Math.abs((outcome.infractions[0]?.time.elapsed ?? 0) / 1000 - 8) < 0.6);
  t.like(outcome.infractions[0]?.measured, { zone: 'bay', allowedS: 5 });
});

test('who stops shorter, creeps, or stands outside the zone is not', (t) => {
  t.deepEqual(rules(drive(scene(), [parks(350, 220, 3, 7)], { seconds: 12, jitter: 0.015 })), []);
  const creeping: Actor = { id: 1, box: (s) => boxAt(210 + 12 * s, 220) };
  t.deepEqual(rules(drive(scene(), [creeping], { seconds: 22, jitter: 0.01 })), []);
  t.deepEqual(rules(drive(scene(), [parks(350, 340, 3, 20)], { seconds: 22 })), []);
});

test('a vehicle hidden for a while is still the one that stands', (t) => {
  const parked = parks(350, 220, 1, 60);
  const first: Actor = { id: 1, box: (s) => (s < 4 ? parked.box(s) : undefined) };
  const again: Actor = { id: 2, box: (s) => (s > 6 ? parked.box(s) : undefined) };
  const outcome = drive(scene(), [first, again], { seconds: 12, jitter: 0.01 });
  t.deepEqual(rules(outcome), ['stopping']);
  // Two of the seconds were not seen: they do not count.
  const at = (outcome.infractions[0]?.time.elapsed ?? 0) / 1000;
  t.true(at > 7.5 && at < 8.6, `${at}`);
});

test('hidden time is nobody’s, and after a long one the count begins anew: it may be another vehicle', (t) => {
  const stands = (id: number, from: number, to: number, box = boxAt(350, 220)): Actor => ({
    id,
    box: (s) => (s >= from && s < to ? box : undefined),
  });
  const other = boxAt(352, 221, 84, 62);
  for (const [first, again] of [
    [stands(1, 0, 2), stands(2, 10, 11, other)],
    [stands(1, 0, 4), stands(2, 8, 12, other)],
  ] as const) {
    t.deepEqual(rules(drive(scene(), [first, again], { seconds: 14 })), []);
  }
  // The same on one track that the tracker kept.
  const kept: Actor = { id: 1, box: (s) => (s < 2 ? boxAt(350, 220) : s < 10 || s > 11 ? undefined : other) };
  t.deepEqual(rules(drive(scene(), [kept], { seconds: 14, patience: 20_000 })), []);
});

test('a parked car that flickers is found on time, one that is hardly ever seen is not', (t) => {
  const flickers = (every: number): Actor => ({
    id: 1,
    box: (s) => (Math.round(s * 25) % every === 0 ? boxAt(350, 220) : undefined),
  });
  const [one] = drive(scene(), [flickers(8)], { seconds: 8, patience: 2000 }).infractions;
  t.true(one !== undefined && Math.abs(one.time.elapsed / 1000 - 5) < 0.5, `${one?.time.elapsed}`);
  t.deepEqual(rules(drive(scene(), [flickers(20)], { seconds: 14, patience: 2000 })), []);
});

test('the rule holds only at its times, in local time', (t) => {
  const windows = 'when: [{ days: [mon], from: "09:00", to: "11:00" }]';
  // 08:00 UTC is 10:00 in Berlin.
  t.deepEqual(rules(drive(scene(windows), [parks(350, 220, 1, 20)], { seconds: 12 })), ['stopping']);
  const late = { seconds: 12, start: monday + 2 * 3_600_000 };
  t.deepEqual(rules(drive(scene(windows), [parks(350, 220, 1, 20)], late)), []);
});

test('a person, a bicycle and a class that the zone does not name are not judged', (t) => {
  for (const kind of ['person', 'bicycle'] as const) {
    t.deepEqual(rules(drive(scene(), [{ ...parks(350, 220, 1, 20), class: kind }], { seconds: 12 })), []);
  }
  const onlyTrucks = scene('classes: [truck]');
  t.deepEqual(rules(drive(onlyTrucks, [parks(350, 220, 1, 20)], { seconds: 12 })), []);
});

test('who comes to stand in the box is accused, who rolls through a jam is not', (t) => {
  t.deepEqual(rules(drive(scene(), [parks(100, 90, 1, 9)], { seconds: 12, jitter: 0.015 })), ['blocked-box']);
  const rolling: Actor = { id: 1, box: (s) => boxAt(30 + 18 * s, 90) };
  t.deepEqual(rules(drive(scene(), [rolling], { seconds: 9, jitter: 0.01 })), []);
});

test('time before the zone does not count: standing at its edge, then inside', (t) => {
  const edge: Actor = { id: 1, box: (s) => boxAt(s < 6 ? 194 : Math.min(206, 194 + 20 * (s - 6)), 90) };
  const outcome = drive(scene(), [edge], { seconds: 8 });
  t.deepEqual(rules(outcome), []);
});
