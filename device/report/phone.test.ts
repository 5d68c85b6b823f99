import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { escapeHtml } from '../kernel/html.ts';
import { htmlReport } from './html-report.ts';
import type { RunRecord } from './run-record.ts';
import { sampleRun, sampleTruth } from './sample-run.fixture.ts';
import { compareWithTruth } from './truth.ts';

const run = promisify(execFile);
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
  const browser = await run('chromium', ['--version']).catch(() => undefined);
  if (browser === undefined) {
    t.log('skipped: chromium is not installed');
    t.pass();
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'phone-report-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const page = escapeHtml(htmlReport(wide, compareWithTruth(wide, sampleTruth), new Map()));
  const widths = [320, 375, 390, 700, 800, 1200];
  // A window of the browser is never narrower than 500 pixels; a frame in it may be, and is laid out as a screen of its width.
  const frames = widths.map((width) => `<iframe style="width:${width}px;border:0" srcdoc="${page}"></iframe>`);
  const script = `onload=()=>{document.title=[...document.querySelectorAll('iframe')].map(f=>f.contentDocument.documentElement.scrollWidth).join()}`;
  const file = join(folder, 'frames.html');
  await writeFile(file, `<!doctype html><meta charset="utf-8">${frames.join('')}<script>${script}</script>`);
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`];
  const { stdout } = await run('chromium', [...flags, '--virtual-time-budget=5000', '--dump-dom', `file://${file}`], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
  const measured = /<title>([\d,]+)<\/title>/.exec(stdout)?.[1]?.split(',').map(Number) ?? [];
  t.is(measured.length, widths.length);
  for (const [i, width] of widths.entries()) t.true((measured[i] ?? 9999) <= width, `${measured[i]} px on ${width} px`);
});
