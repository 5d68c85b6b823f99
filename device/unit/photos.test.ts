import test from 'ava';
import type { RgbPicture } from '../capture/to-rgb.ts';
import type { Box, Detection } from '../detect/detection.ts';
import { fraction } from '../kernel/units.ts';
import { FakeReader } from '../plate/testing/fake-reader.ts';
import { madeSight, rejectedSight } from '../plate/testing/made-sights.ts';
import { defaultVoteSettings } from '../plate/vote/settings.ts';
import { foremost, readPhoto, voteOnPhotos } from './photos.ts';

const picture: RgbPicture = { format: 'rgb24', width: 400, height: 300, data: new Uint8Array(400 * 300 * 3) };
const vote = defaultVoteSettings;

const found = (box: Box, more: Partial<Detection> = {}): Detection => ({
  class: 'car',
  score: fraction(0.9),
  box,
  ...more,
});

/** A detector that finds the given vehicles, and a reader that says of each box what stands there. */
function parts(detections: readonly Detection[], says: Readonly<Record<number, string>>) {
  const detector = { detect: async () => detections, close: async () => {} };
  const reader = new FakeReader(({ vehicle }) => {
    const text = says[vehicle.width];
    return text === undefined ? rejectedSight('unclear') : madeSight(text, { height: vehicle.width / 8 });
  });
  return { detector, reader, vote };
}

const large = { x: 0, y: 100, width: 200, height: 180 };
const near = { x: 210, y: 100, width: 160, height: 150 };
const far = { x: 250, y: 10, width: 60, height: 40 };

test('every vehicle is read, the largest first; people and doubtful boxes are none', async (t) => {
  const detections = [
    found(far),
    found(large),
    found(near, { class: 'person' }),
    found(near, { score: fraction(0.1) }),
    found(near, { class: 'motorcycle' }),
  ];
  const seen = await readPhoto(parts(detections, { 60: 'AB1234' }), picture, 0, false);
  t.deepEqual(
    seen.map(({ class: kind, box }) => [kind, box.width]),
    [
      ['car', 200],
      ['motorcycle', 160],
      ['car', 60],
    ],
  );
  t.deepEqual(
    seen.map(({ plate }) => plate.kind),
    ['unread', 'unread', 'read'],
  );
  // It is read, and stands in the background: the photograph is not of it.
  t.is(foremost(seen), undefined);
});

test('the plate of a photograph is the tallest of its foreground', async (t) => {
  const seen = await readPhoto(parts([found(large), found(near)], { 160: 'AB1234' }), picture, 0, false);
  t.is(foremost(seen)?.box.width, 160);
  const both = await readPhoto(parts([found(large), found(near)], { 160: 'AB1234', 200: 'CD5678' }), picture, 0, false);
  t.is(foremost(both)?.box.width, 200);
  t.is(foremost([]), undefined);
});

test('where no vehicle is found, or it is asked for, the whole picture is one', async (t) => {
  for (const [detections, whole] of [
    [[], false],
    [[found(near)], true],
  ] as const) {
    const [one, ...others] = await readPhoto(parts(detections, { 400: 'AB1234' }), picture, 0, whole);
    t.is(others.length, 0);
    t.like(one, { class: 'picture', plate: { kind: 'read', text: 'AB1234' } });
  }
});

test('the vote over photographs takes one vehicle of each', async (t) => {
  const photo = async (says: Readonly<Record<number, string>>) =>
    readPhoto(parts([found(large), found(near)], says), picture, 0, false);
  const photos = [await photo({ 200: 'AB1234' }), await photo({ 160: 'AB1234' }), await photo({}), []];
  t.like(voteOnPhotos(photos, vote), { kind: 'read', text: 'AB1234', agreeing: 2, looked: 3 });
  t.like(voteOnPhotos([await photo({ 200: 'AB1234' }), await photo({ 200: 'XY9876' })], vote), {
    kind: 'unread',
    reason: 'frames-disagree',
  });
  t.is(voteOnPhotos([], vote).kind, 'unread');
});
