import test from 'ava';
import { keptFrame } from '../../capture/kept-frame.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import type { TrackPoint } from '../../track/track.ts';
import { frameOf, infractionAt, timeOf } from '../testing/fixtures.ts';
import { annotate } from './annotate.ts';
import { closeUpArea, makeStills } from './stills.ts';
import { boxInFrame } from './track-box.ts';

const boxAt = (x: number) => ({ x, y: 8, width: 20, height: 15 });
const point = (frame: number, x: number, measured = true): TrackPoint => ({
  frame,
  time: timeOf(frame),
  box: boxAt(x),
  score: fraction(measured ? 0.8 : 0),
  measured,
});
const shown = (sequence: number) => ({ sequence, time: timeOf(sequence) });
const infraction = { frame: 50, box: boxAt(500) };

test("the charged frame shows the infraction's box, another frame the track's own of that frame", (t) => {
  const track = [point(47, 470), point(48, 480, false), point(50, 505)];
  t.deepEqual(boxInFrame(shown(50), infraction, track), { box: boxAt(500), origin: 'as charged' });
  t.deepEqual(boxInFrame(shown(47), infraction, track), { box: boxAt(470), origin: 'detected' });
  t.deepEqual(boxInFrame(shown(48), infraction, track), { box: boxAt(480), origin: 'predicted' });
});

test('between two points near in time the box lies between theirs, by time; else nothing is made up', (t) => {
  // 40 ms a frame: 7 frames are 280 ms, 8 are 320 ms.
  const placed = boxInFrame(shown(42), infraction, [point(40, 100), point(47, 170)]);
  t.is(placed?.origin, 'interpolated between frames 40 and 47');
  t.true(Math.abs((placed?.box.x ?? 0) - 120) < 1e-9);
  const later = { sequence: 42, time: { ...timeOf(42), elapsed: milliseconds(45 * 40) } };
  const byTime = boxInFrame(later, infraction, [point(40, 100), point(47, 170)]);
  t.true(Math.abs((byTime?.box.x ?? 0) - 150) < 1e-9, 'a late frame between two points is placed by its time');
  t.is(boxInFrame(shown(42), infraction, [point(40, 100), point(48, 170)]), undefined);
  t.is(boxInFrame(shown(42), infraction, [point(40, 100)]), undefined);
  t.is(boxInFrame(shown(42), infraction, [point(43, 100)]), undefined);
  t.is(boxInFrame(shown(42), infraction, []), undefined);
});

test('a still of another frame than the charged one is cut where the track was in it, and says so', async (t) => {
  const charged = { ...infractionAt(20), box: { x: 200, y: 60, width: 30, height: 20 } };
  const track = [16, 17, 20].map((frame) => ({ ...point(frame, frame * 5), score: fraction(0.5) }));
  const at = keptFrame(frameOf(17, 'rgb24', 320, 200));
  const stills = await makeStills({ at }, charged, 'unit-1', { track, marks: [] });
  const { left, top } = closeUpArea(boxAt(85), 320, 200);
  const closeUp = stills.find(({ about }) => about.role === 'close-up');
  t.true(closeUp?.about.making.includes(`from (${left}, ${top})`), closeUp?.about.making);
  t.true(closeUp?.about.making.endsWith('box detected'), closeUp?.about.making);
});

test('where the track does not say where it was, there is no close-up and no box', async (t) => {
  const at = keptFrame(frameOf(17, 'rgb24', 320, 200));
  const stills = await makeStills({ at }, infractionAt(20), 'unit-1', { track: [point(20, 100)], marks: [] });
  t.deepEqual(
    stills.map(({ about }) => about.role),
    ['context', 'annotated'],
  );
  t.regex(stills[1]?.about.making ?? '', /no box/);
  const drawn = (box: ReturnType<typeof boxAt> | undefined) =>
    annotate(320, 200, infractionAt(20), { ...shown(17), box }, 'unit-1', []).svg.toString();
  t.false(drawn(undefined).includes('#ff2020'));
  t.true(drawn(boxAt(100)).includes('#ff2020'));
});
