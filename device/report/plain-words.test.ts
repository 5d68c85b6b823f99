import test from 'ava';
import type { Measurement } from '../judge/infraction.ts';
import { kilometresPerHour, utcMilliseconds } from '../kernel/units.ts';
import { infractionLines } from './console.ts';
import { htmlReport } from './html-report.ts';
import type { RunRecord } from './run-record.ts';
import { sampleRun, sampleTruth } from './sample-run.fixture.ts';
import { summaryText } from './summary.ts';
import { plainStyle, type Style } from './terminal.ts';
import { compareWithTruth } from './truth.ts';
import { beyond, figures, keyFigure } from './words.ts';

const comparison = compareWithTruth(sampleRun, sampleTruth);
const marked: Style = { ...plainStyle, warn: (text) => `<warn>${text}</warn>`, good: (text) => `<good>${text}</good>` };
const plain = (text: string) =>
  text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll(/\s+/g, ' ');

/** The run as a recording that nobody dates: its times count from 1970. */
function undatedRun(): RunRecord {
  const undate = <T extends RunRecord['infractions'][number]['infraction']['time']>(time: T): T => ({
    ...time,
    utc: utcMilliseconds(time.elapsed),
    clock: { ...time.clock, dated: false },
  });
  const { watched } = sampleRun;
  return {
    ...sampleRun,
    watched: watched && { from: undate(watched.from), to: undate(watched.to) },
    infractions: sampleRun.infractions.map((sealed) => ({
      ...sealed,
      infraction: { ...sealed.infraction, time: undate(sealed.infraction.time) },
    })),
  };
}

test('where nothing states the date, page, infraction lines and summary say so and show the time since the source began', (t) => {
  const run = undatedRun();
  const page = plain(htmlReport(run, comparison, new Map()).split('</style>')[1] ?? '');
  t.true(page.includes('street.mjpeg, date unknown: times count from its beginning.'));
  t.true(page.includes('Date and time date unknown, +0:15.87'));
  t.true(page.includes("the recording's own timestamps; date unknown"));
  const lines = run.infractions.flatMap((sealed) => infractionLines(sealed, 200)).join('\n');
  t.true(lines.startsWith('date unknown, +0:01.60  frame 24  WRONG-WAY'), lines);
  const summary = summaryText(run, comparison, plainStyle);
  t.regex(summary, /street\.mjpeg · date unknown · 19\.9 s watched/);
  for (const text of [page, lines, summary]) t.notRegex(text, /1970|00:00:\d\d/);
});

test('a figure that exceeds its limit is seen to exceed it', (t) => {
  t.is(beyond(10.4, 10), '10.4');
  t.is(beyond(10.03, 10), '10.03');
  t.is(beyond(10.002, 10), '10.002');
  const stood = (standingS: number): Measurement => ({ rule: 'stopping', zone: 'z', standingS, allowedS: 10 });
  t.is(keyFigure(stood(10.034)), 'stood 10.03 s, 10 s allowed');
  t.is(keyFigure(stood(10)), 'stood 10 s, less than 10 s allowed');
  t.deepEqual(figures(stood(10.034)).slice(1), [
    ['Standing', '10.03 s'],
    ['Allowed', '10 s'],
  ]);
  const [first, ...rest] = sampleRun.infractions;
  const sealed = first ?? t.fail();
  const findings = [{ name: 'inside', value: 1.0012, unit: 's', limit: 1, says: 'It was inside.' }];
  const run = { ...sampleRun, infractions: [{ ...sealed, infraction: { ...sealed.infraction, findings } }, ...rest] };
  t.true(plain(htmlReport(run, undefined, new Map())).includes('inside 1.001 s 1 s It was inside.'));
});

test('uncertainties that are stated too small are not praised', (t) => {
  t.false(summaryText(sampleRun, comparison, marked).includes('would be expected'));
  const tracks = sampleRun.tracks.map((track, i) =>
    track.speed.stated && i % 3 === 1
      ? { ...track, speed: { ...track.speed, speed: kilometresPerHour(track.speed.speed + 9) } }
      : track,
  );
  const poor = { ...sampleRun, tracks };
  const held = compareWithTruth(poor, sampleTruth);
  const share = Math.round((held.speed.withinTwoSigma ?? 1) * 100);
  t.true(share < 90);
  const said = `${share} % within two standard uncertainties; about 95 % would be expected`;
  t.true(summaryText(poor, held, marked).includes(`<warn>${said}</warn>`));
  const page = htmlReport(poor, held, new Map());
  t.true(page.includes(`<div class="banner warn">Speeds: ${said}.</div>`));
  t.false(/banner good[^/]*two standard/.test(page));
});

test('however narrow the terminal, what was measured is whole; who and where give way', (t) => {
  for (const columns of [40, 50, 60, 72, 80]) {
    for (const truth of [comparison, undefined]) {
      const text = summaryText(sampleRun, truth, plainStyle, columns);
      const table = text.slice(
        text.indexOf('6 infractions'),
        truth === undefined ? text.indexOf('Tracks per lane') : text.indexOf('true vehicles followed') - 9,
      );
      for (const line of table.split('\n')) t.true([...line].length <= columns || line.startsWith('6 infr'), line);
      const flat = table.replaceAll(/\s+/g, ' ');
      for (const figure of ['78.5 ±0.8 km/h', '12.4 m', 'red for 3.9 s', '10.1 s']) t.true(flat.includes(figure), flat);
    }
  }
});

test('a true moment is explained where one is shown', (t) => {
  const text = summaryText(sampleRun, comparison, plainStyle);
  t.regex(text, /^at: the truth's moment: when it became an infraction$/m);
  const page = plain(htmlReport(sampleRun, comparison, new Map()));
  t.true(page.includes("Charged moment less the truth's +0.02 s"));
});
