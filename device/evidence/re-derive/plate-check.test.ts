import test from 'ava';
import type { TrackPlate, TrackRead } from '../../plate/vote/track-plate.ts';
import { momentOf } from '../record/make-record.ts';
import { type PlateFile, statementOf } from '../record/plate-file.ts';
import { timeOf } from '../testing/fixtures.ts';
import { plateRead, plateUnread } from '../testing/plates.ts';
import { checkPlate, type PlateCheck } from './plate-check.ts';

type About = Parameters<typeof checkPlate>[1];

const vehicle = { x: 110, y: 85, width: 220, height: 110 };
const picture = { name: 'plate.png', role: 'plate-crop', frame: 168, time: momentOf(timeOf(168)) };

/** As much of a record as is looked at. */
function recordWith({
  files = [picture],
  track = 70,
  omitted = 0,
  frames = [166, 167, 168],
  box = vehicle,
} = {}): About {
  const points = frames.map((frame) => ({ frame, box, track: 69 }));
  return { files, infraction: { track }, auxiliary: { track: points, omitted } } as unknown as About;
}

function checked(plate: TrackPlate, record = recordWith(), change: Partial<PlateFile> = {}): PlateCheck {
  const file = { ...statementOf(plate, 70, []), schema: 'atalaya/plate/1', salt: '', padding: '', ...change };
  return checkPlate(file as PlateFile, record);
}

const read = plateRead('AB123CD', 168);
const withReads = (change: (read: TrackRead) => TrackRead) => ({ ...read, reads: read.reads.map(change) });

test('a plate that its counted reads say, on the vehicle of its track, leaves no doubt', (t) => {
  t.deepEqual(checked(read), {
    onVehicle:
      "inside of the box that the record's track has in that frame, then track 69: (110, 85), 220 x 110 pixels",
    counted: 'reads that say it: 2, weight 1.50 together; that say another text: 1, weight 0.25 together',
    doubts: [],
  });
  const unread = checked(plateUnread('unclear', 168));
  t.deepEqual([unread.counted, unread.doubts], [undefined, []]);
  // Reads that are left out, or a text that no frame reads by itself, are no contradiction.
  const bare = { ...read, reads: read.reads.slice(0, 2) };
  t.deepEqual(checked({ ...bare, omitted: 3 }).doubts, []);
  t.deepEqual(checked({ ...bare, winner: { ...bare.winner, said: 'alternative' } }).doubts, []);
});

test('whatever contradicts the stated plate is named, and no text with it', (t) => {
  const another = withReads((one) => (one.frame === 167 ? { ...one, text: 'ZZ999ZZ' } : one));
  const outvoted = withReads((one) => (one.frame === 166 ? { ...one, text: 'AB123CD' } : one));
  const cases: readonly (readonly [PlateCheck, RegExp])[] = [
    [checked(another), /counted says another text/],
    [checked(outvoted), /outvoted says the stated text/],
    [checked(read, recordWith(), { text: 'AB123CE' } as Partial<PlateFile>), /its characters are not those/],
    [checked({ ...read, reads: read.reads.slice(0, 2) }), /none of its reads is counted/],
    [checked(read, recordWith({ track: 71 })), /that of track 70, the infraction that of track 71/],
    [checked(read, recordWith({ files: [{ ...picture, frame: 160 }] })), /plate\.png is of another frame/],
    [checked(read, recordWith({ files: [{ ...picture, time: momentOf(timeOf(3)) }] })), /plate\.png is of another/],
    [checked(read, recordWith({ box: { ...vehicle, x: 300 } })), /beside the vehicle.*: frame 167, 168$/],
  ];
  for (const [{ doubts }, says] of cases) {
    t.true(
      doubts.some((doubt) => says.test(doubt)),
      `${says} in ${doubts}`,
    );
    t.notRegex(doubts.join(), /AB123|ZZ999/);
  }
});

test('a frame that the track does not have is said not to be checked', (t) => {
  const { onVehicle, doubts } = checked(read, recordWith({ frames: [], omitted: 12 }));
  t.is(onVehicle, "not to be checked: the record's track has no box in that frame; 12 of its older boxes are left out");
  t.deepEqual(doubts, []);
  const after = checked(read, recordWith({ frames: [160, 161] })).onVehicle;
  t.is(
    after,
    "inside of the box that the unit states for it in that frame; the record's track ends before, with frame 161",
  );
});
