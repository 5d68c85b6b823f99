import test from 'ava';
import { pageWidths } from '../kernel/testing/page-widths.ts';
import { htmlReport } from './html-report.ts';
import type { RunRecord } from './run-record.ts';
import { sampleRun, sampleTruth } from './sample-run.fixture.ts';
import { compareWithTruth } from './truth.ts';

const long = 'recordings/of/a/street/that/has/a/very/long/name/2026-03-01T12-00-00.mjpeg';

/** Names without a blank in them, and rows that are wider than any phone. */
const wide: RunRecord = {
  ...sampleRun,
  source: { ...sampleRun.source, name: long },
  scene: { ...sampleRun.scene, name: long.replaceAll('/', '_'), lines: ['near', 'line_'.repeat(12)] },
  tracks: sampleRun.tracks.map((track) => ({
    ...track,
    speed: { stated: false, reason: 'the line of its wheels was hidden on the whole stretch that is calibrated' },
  })),
};

test('every table stands in a frame of its own that scrolls', (t) => {
  const page = htmlReport(wide, compareWithTruth(wide, sampleTruth), new Map());
  t.is(page.match(/<table/g)?.length, page.match(/<div class="scroll"><table/g)?.length);
  t.regex(page, /\.scroll\{[^}]*overflow-x:auto/);
});

test('the page is as wide as the screen: nothing slides sideways but tables, in their frames', async (t) => {
  const widths = [320, 375, 390, 700, 800, 1200];
  const measured = await pageWidths(htmlReport(wide, compareWithTruth(wide, sampleTruth), new Map()), widths);
  if (measured === undefined) {
    t.log('skipped: chromium is not installed');
    t.pass();
    return;
  }
  t.is(measured.length, widths.length);
  for (const [i, width] of widths.entries()) t.true((measured[i] ?? 9999) <= width, `${measured[i]} px on ${width} px`);
});
