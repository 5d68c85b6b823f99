import test from 'ava';
import fc from 'fast-check';
import { kilometresPerHour } from '../kernel/units.ts';
import type { RunRecord, SealedInfraction, TrackSummary } from './run-record.ts';
import { sampleRun, sampleTruth, timeOf } from './sample-run.fixture.ts';
import { compareWithTruth, overlapOf, trueSpeed } from './truth.ts';

const outcomes = (record: RunRecord) => compareWithTruth(record, sampleTruth).infractions;
const count = (record: RunRecord, outcome: string) => outcomes(record).filter((one) => one.outcome === outcome).length;

function infractionOf(rule: string): SealedInfraction {
  const sealed = sampleRun.infractions.find(({ infraction }) => infraction.rule === rule);
  if (sealed === undefined) throw new RangeError(rule);
  return sealed;
}

function changeTrack(id: number, change: (track: TrackSummary) => TrackSummary[]): RunRecord {
  return { ...sampleRun, tracks: sampleRun.tracks.flatMap((track) => (track.id === id ? change(track) : [track])) };
}

test('a run that saw everything: each infraction found once, each track its vehicle', (t) => {
  const comparison = compareWithTruth(sampleRun, sampleTruth);
  t.deepEqual(
    comparison.infractions.map((one) => one.outcome),
    Array.from({ length: 6 }, () => 'found'),
  );
  t.deepEqual(
    sampleRun.tracks.map(({ id }) => comparison.matches.get(id)?.vehicle.id),
    sampleTruth.vehicles.map((vehicle) => vehicle.id),
  );
  t.deepEqual([comparison.unseen, comparison.stray], [[], []]);
  const red = comparison.infractions.find((one) => one.outcome === 'found' && one.truth.rule === 'red-light');
  t.true(red?.outcome === 'found' && Math.abs(red.lateS - (238 / 15 - 15.85)) < 1e-9);
});

test('an infraction that the run does not have is missed, and named', (t) => {
  const kept = sampleRun.infractions.filter(({ infraction }) => infraction.rule !== 'red-light');
  const missed = outcomes({ ...sampleRun, infractions: kept }).filter((one) => one.outcome === 'missed');
  t.deepEqual(
    missed.map((one) => [one.vehicle.id, one.truth.rule]),
    [['red-runner', 'red-light']],
  );
});

test('an infraction of a vehicle that did not commit it is invented, and the right vehicle is still missed', (t) => {
  const red = infractionOf('red-light');
  const wrong = { ...red, infraction: { ...red.infraction, track: 3, frame: 40, time: timeOf(40) } };
  const others = sampleRun.infractions.filter((one) => one !== red);
  const found = outcomes({ ...sampleRun, infractions: [...others, wrong] });
  const invented = found.filter((one) => one.outcome === 'invented');
  t.deepEqual(
    invented.map((one) => [one.index, one.vehicle?.id, one.reason]),
    [[5, 'away-1', 'not-committed']],
  );
  t.is(found.filter((one) => one.outcome === 'missed').length, 1);
});

test('an infraction said twice, by two tracks of one vehicle, is found once and invented once', (t) => {
  const red = infractionOf('red-light');
  const track = sampleRun.tracks.find(({ id }) => id === 14) ?? t.fail();
  const record: RunRecord = {
    ...sampleRun,
    tracks: [...sampleRun.tracks, { ...track, id: 99, points: track.points.slice(-6) }],
    infractions: [
      ...sampleRun.infractions,
      { ...red, infraction: { ...red.infraction, track: 99, time: timeOf(280) } },
    ],
  };
  t.is(count(record, 'found'), 6);
  const invented = outcomes(record).filter((one) => one.outcome === 'invented');
  t.deepEqual(
    invented.map((one) => [one.index, one.reason]),
    [[6, 'said-twice']],
  );
});

test('an infraction where no vehicle is, is invented; its track is stray and its vehicle unseen', (t) => {
  const record = changeTrack(14, (track) => [
    { ...track, points: track.points.map(([frame, , , width, height]) => [frame, 5, 5, width / 4, height / 4]) },
  ]);
  const red = infractionOf('red-light');
  const moved = { ...red, infraction: { ...red.infraction, box: { x: 5, y: 5, width: 10, height: 10 } } };
  const infractions = record.infractions.map((one) => (one === red ? moved : one));
  const comparison = compareWithTruth({ ...record, infractions }, sampleTruth);
  t.deepEqual(
    comparison.infractions.filter((one) => one.outcome === 'invented').map((one) => one.reason),
    ['no-vehicle'],
  );
  t.deepEqual([comparison.stray.map(({ id }) => id), comparison.unseen.map(({ id }) => id)], [[14], ['red-runner']]);
});

test('a track whose boxes were not kept is matched by the box of its infraction', (t) => {
  t.is(
    count(
      changeTrack(14, (track) => [{ ...track, points: [] }]),
      'found',
    ),
    6,
  );
});

test('a vehicle lost and found again keeps its two tracks, and one place among the followed', (t) => {
  const record = changeTrack(10, (track) => [
    { ...track, points: track.points.slice(0, 5) },
    { ...track, id: 99, points: track.points.slice(5) },
  ]);
  const { matches, unseen } = compareWithTruth(record, sampleTruth);
  t.deepEqual([matches.get(10)?.vehicle.id, matches.get(99)?.vehicle.id, unseen.length], ['speeder-2', 'speeder-2', 0]);
});

test('speed errors: signed one by one, median and largest of their sizes, and how honest the uncertainty is', (t) => {
  const { speed } = compareWithTruth(sampleRun, sampleTruth);
  t.is(speed.errors.length, 12);
  const bus = speed.errors.find((error) => error.vehicle.id === 'bus-1') ?? t.fail();
  t.true(Math.abs(bus.errorKmh - 0.7) < 1e-9 && bus.trueKmh === 41);
  // Sizes in order: 0 .1 .1 .2 .2 .3 .3 .4 .5 .6 .7 .9.
  t.true(Math.abs((speed.medianKmh ?? Number.NaN) - 0.3) < 1e-9);
  t.true(Math.abs((speed.largestKmh ?? Number.NaN) - 0.9) < 1e-9);
  t.is(speed.withinTwoSigma, 1);
  const off = changeTrack(3, (track) => [
    {
      ...track,
      speed: {
        ...track.speed,
        stated: true,
        speed: kilometresPerHour(50),
        uncertainty: kilometresPerHour(0.5),
        fromFrame: 0,
        toFrame: 40,
      },
    },
  ]);
  const worse = compareWithTruth(off, sampleTruth).speed;
  t.is(worse.largestKmh, 6);
  t.true(Math.abs((worse.withinTwoSigma ?? 0) - 11 / 12) < 1e-9);
});

test('without a stated speed there is nothing to compare, and no figure is made up', (t) => {
  const tracks = sampleRun.tracks.map((track) => ({ ...track, speed: { stated: false, reason: 'no scene' } as const }));
  const { speed } = compareWithTruth({ ...sampleRun, tracks }, sampleTruth);
  t.deepEqual(speed, { errors: [], medianKmh: undefined, largestKmh: undefined, withinTwoSigma: undefined });
});

test('the true speed of a braking vehicle is its mean over the stretch that was measured', (t) => {
  const vehicle = { ...(sampleTruth.vehicles[2] ?? t.fail()), constantKmh: undefined };
  const braking = { ...vehicle, speeds: new Map([10, 20, 30, 40].map((frame) => [frame, 50 - frame])) };
  t.is(trueSpeed(braking, 10, 20), 35);
  t.is(trueSpeed(braking, 100, 120), undefined);
});

const box = fc.record({
  x: fc.integer({ min: -50, max: 50 }),
  y: fc.integer({ min: -50, max: 50 }),
  width: fc.integer({ min: 1, max: 80 }),
  height: fc.integer({ min: 1, max: 80 }),
});

test('overlap is a share, the same either way, 1 with itself, and 0 for boxes apart', (t) => {
  fc.assert(
    fc.property(box, box, (a, b) => {
      const overlap = overlapOf(a, b);
      t.true(overlap >= 0 && overlap <= 1);
      t.is(overlap, overlapOf(b, a));
      t.is(overlapOf(a, a), 1);
      t.is(overlapOf(a, { ...b, x: a.x + a.width }), 0);
    }),
  );
});
