import test from 'ava';
import fc from 'fast-check';
import { milliseconds } from '../kernel/units.ts';
import type { TrackSummary } from './run-record.ts';
import { sampleRun, sampleTruth } from './sample-run.fixture.ts';
import { speedPlot } from './speed-plot.ts';
import { at, key, mark, ticks } from './svg-plot.ts';
import { packSpans, timelinePlot } from './timeline-plot.ts';
import { compareWithTruth } from './truth.ts';

const comparison = compareWithTruth(sampleRun, sampleTruth);

test('ticks are round, evenly spaced, inside the range, and about as many as wanted', (t) => {
  t.deepEqual([...ticks(0, 90, 10)], [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  t.deepEqual([...ticks(0, 0.3, 3)], [0, 0.1, 0.2, 0.3]);
  const range = fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 1, max: 100_000 }));
  fc.assert(
    fc.property(range, fc.integer({ min: 3, max: 12 }), ([from, length], wanted) => {
      const values = ticks(from, from + length, wanted);
      t.true(values.length >= 1 && values.length <= 2 * wanted + 1);
      t.true(values.every((value) => value >= from - 1e-9 * length && value <= from + length * (1 + 1e-9)));
      const steps = values.slice(1).map((value, i) => value - (values[i] ?? 0));
      t.true(steps.every((step) => Math.abs(step - (steps[0] ?? 0)) < 1e-6 * length));
    }),
  );
  t.deepEqual([...ticks(5, 5, 4)], [5]);
});

test('a scale is linear, and clamps what lies outside', (t) => {
  const scale = { from: 0, to: 10, start: 100, end: 300 };
  t.deepEqual(
    [-5, 0, 2.5, 10, 99].map((value) => at(scale, value)),
    [100, 100, 150, 300, 300],
  );
});

const track = (id: number, from: number, to: number): TrackSummary => ({
  ...(sampleRun.tracks[0] as TrackSummary),
  id,
  from: { frame: from, elapsed: milliseconds(from) },
  to: { frame: to, elapsed: milliseconds(to) },
});

test('spans of one row never meet, and no more rows are taken than tracks were ever in sight together', (t) => {
  const span = fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 40 }), (spans) => {
      const tracks = spans.map(([from, length], i) => track(i + 1, from, from + length));
      const rows = packSpans(tracks);
      for (const a of tracks) {
        for (const b of tracks) {
          if (a.id >= b.id || rows.get(a.id) !== rows.get(b.id)) continue;
          t.true(a.to.elapsed < b.from.elapsed || b.to.elapsed < a.from.elapsed);
        }
      }
      const together = tracks.map(
        ({ from }) => tracks.filter((one) => one.from.elapsed <= from.elapsed && one.to.elapsed >= from.elapsed).length,
      );
      t.is(Math.max(...rows.values()) + 1, Math.max(...together));
    }),
  );
});

test('the speed plot has a row, a spread, a limit and a true mark for each stated speed, and names its unit', (t) => {
  const svg = speedPlot(sampleRun, comparison, 1000)?.text ?? '';
  t.is(svg.match(/: \d+\.\d km\/h, standard uncertainty/g)?.length, 12);
  t.is(svg.match(/True speed/g)?.length, 12);
  // One more of each in the key.
  t.is(svg.match(/class="limit"/g)?.length, 13);
  t.regex(svg, />speed, km\/h</);
  t.regex(svg, /Track 9, car: 78\.5 km\/h, standard uncertainty 0\.8 km\/h/);
  t.notRegex(speedPlot(sampleRun, undefined, 1000)?.text ?? '', /True speed/);
});

test('a point of the speed plot stands where its axis says', (t) => {
  const svg = speedPlot(sampleRun, comparison, 1000)?.text ?? '';
  const axis = new Map(
    svg
      .matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle" class="tick">(\d+)</g)
      .map((m) => [Number(m[2]), Number(m[1])]),
  );
  const [x30, x90] = [axis.get(30) ?? t.fail(), axis.get(90) ?? t.fail()];
  const dot = svg.match(/<circle cx="([\d.]+)"[^>]*><title>Track 9,/)?.[1];
  t.true(Math.abs(Number(dot) - (x30 + ((78.5 - 30) / 60) * (x90 - x30))) < 0.2);
});

test('the timeline has each phase, infraction, true infraction, crossing and track, and names its unit', (t) => {
  const svg = timelinePlot(sampleRun, comparison, 1000)?.text ?? '';
  t.regex(svg, /main: red from 0:12\.00 to 0:19\.93/);
  t.is(svg.match(/<title>True: /g)?.length, 6);
  t.is(svg.match(/<path [^>]*class="accused"><title>/g)?.length, 6);
  t.is(svg.match(/<title>[a-z]+ #\d+ (away|towards) at /g)?.length, sampleRun.crossings.length);
  t.is(svg.match(/<title>#\d+ [a-z]+ from /g)?.length, sampleRun.tracks.length);
  t.regex(svg, />time since the source began, s</);
});

test('nothing to draw draws nothing', (t) => {
  const bare = { ...sampleRun, watched: undefined, tracks: [], crossings: [], infractions: [] };
  t.is(timelinePlot(bare, undefined, 1000), undefined);
  t.is(speedPlot(bare, undefined, 1000), undefined);
});

test('a run with hundreds of speeds keeps a plot that can be read, and says what it left out', (t) => {
  const tracks = Array.from({ length: 300 }, (_, i) => ({ ...(sampleRun.tracks[1] ?? t.fail()), id: i + 1 }));
  const svg = speedPlot({ ...sampleRun, tracks }, undefined, 1000)?.text ?? '';
  t.is(svg.match(/standard uncertainty \d/g)?.length, 80);
  t.regex(svg, /The 80 fastest of 300; the table has all\./);
});

test('a key wraps into its width', (t) => {
  const entry = { text: 'measured', symbol: () => mark('dot', 0, 0, 5, 'measured') };
  t.is(key([entry, entry], 0, 0, 1000).height, key([entry], 0, 0, 1000).height);
  t.true(key([entry, entry], 0, 0, 120).height > key([entry], 0, 0, 120).height);
});
