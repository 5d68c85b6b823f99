import { rename, rm, writeFile } from 'node:fs/promises';
import type { CaptureTime } from '../capture/frame.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { type Content, html, Markup } from '../kernel/html.ts';
import { infractionCards } from './html-cards.ts';
import { pageStyle } from './html-style.ts';
import { aboutList, countTables, trackTable } from './html-tables.ts';
import { inventedBecause, platesSentence, tallyOutcomes, trueMoment, uncertaintySentence } from './outcomes.ts';
import { type OpenPicture, type Pictures, readPictures } from './report-pictures.ts';
import { frameRate, type RunRecord, watchedSeconds } from './run-record.ts';
import { speedPlot } from './speed-plot.ts';
import { timelinePlot } from './timeline-plot.ts';
import type { TruthComparison } from './truth.ts';
import { captureDate, dateAndTime, duration, fixed, outcomeSentence, plural, ruleTitle } from './words.ts';
import { writeReason } from './write-reason.ts';

/** Tracks and crossings that the page draws and lists; of a longer run it shows the newest and says so. */
const mostTracks = 1000;
const mostCrossings = 3000;

/** Widths of the drawings, pixels: one for a screen and for paper, one for a phone. */
const wideDrawing = 1010;
const narrowDrawing = 340;

export interface HtmlReportOptions {
  /** Where the page is written. */
  readonly path: string;
  /** Gives the pictures that may be shown. */
  readonly open: OpenPicture;
}

/**
 * Writes the run's report: one HTML page that needs no other file and no JavaScript.
 * The page appears whole or not at all. Throws `store-full` or `store-failed`.
 */
export async function writeHtmlReport(
  record: RunRecord,
  comparison: TruthComparison | undefined,
  { path, open }: HtmlReportOptions,
): Promise<void> {
  const pictures = await readPictures(record, open);
  const unfinished = `${path}.part`;
  try {
    await writeFile(unfinished, htmlReport(record, comparison, pictures));
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    const code = systemCode(error) === 'ENOSPC' ? 'store-full' : 'store-failed';
    throw new AtalayaError(code, `The run report ${path} cannot be written: ${writeReason(error)}`, {
      hint: 'Give --report a file in a folder that exists, that has room, and that you may write to.',
      cause: error,
    });
  }
}

/** The page as text; the same input gives the same page. */
export function htmlReport(whole: RunRecord, comparison: TruthComparison | undefined, pictures: Pictures): string {
  const record = newest(whole);
  const speed = responsive((width) => speedPlot(record, comparison, width));
  const timeline = responsive((width) => timelinePlot(record, comparison, width));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${record.scene.name}: run of ${dateAndTime(record.started)}</title>
<style>${style}</style>
</head>
<body>
${header(whole, comparison)}
<main>
<h2>Infractions</h2>
${infractionCards(record, comparison, pictures)}
<h2>Speeds</h2>
${speed === undefined ? html`<p>No speed was stated in this run.</p>` : html`<div class="plot">${speed}</div>`}
<h2>Timeline</h2>
${timeline === undefined ? html`<p>No frame came.</p>` : html`<div class="plot">${timeline}</div>`}
${shortened(whole, record)}
${countTables(whole)}
<h2>All tracks</h2>
${trackTable(record, comparison)}
<p class="note">Speeds carry their standard uncertainty (one sigma); bars in the plot are twice as long to either side.</p>
<h2>About this run</h2>
${aboutList(whole)}
</main>
<footer class="note">Written by Atalaya ${record.versions.software}. The sealed evidence records are the proof; this page is a view of them.</footer>
</body>
</html>
`;
  return page.text;
}

const style = new Markup(pageStyle);

function header(record: RunRecord, comparison: TruthComparison | undefined): Markup {
  const { counts } = record;
  const when = record.watched === undefined ? '' : recorded(record.watched.from);
  const sentence = outcomeSentence(record);
  const tiles: readonly (readonly [string, string])[] = [
    ['Watched', duration(watchedSeconds(record))],
    ['Tracks', String(record.tracks.length)],
    ['Crossings', String(record.crossings.length)],
    ['Frames', String(counts.frames)],
    ['Frames/s', fixed(frameRate(record), 1)],
    ['Skipped', String(counts.skipped)],
    ['Damaged', String(counts.damaged)],
    ['Detections', String(counts.detections)],
  ];
  return html`<header>
<h1>Atalaya run report · ${record.scene.name}</h1>
<p class="verdict">${record.infractions.length === 0 ? 'No infraction' : plural(record.infractions.length, 'infraction')}</p>
<p class="lead">${ruleList(record)}${record.source.name}${when}.</p>
${sentence === undefined ? undefined : html`<p class="banner warn">${sentence}</p>`}
${comparison === undefined ? undefined : truthBanner(record, comparison)}
<dl class="tiles">${tiles.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

const recorded = (from: CaptureTime): string =>
  from.clock.dated ? `, recorded ${captureDate(from)}` : `, ${captureDate(from)}: times count from its beginning`;

/** `2 speeding, 1 red light. `, or nothing. */
function ruleList(record: RunRecord): string {
  const rules = [...new Set(record.infractions.map(({ infraction }) => infraction.rule))];
  const parts = rules.map((rule) => {
    const count = record.infractions.filter(({ infraction }) => infraction.rule === rule).length;
    return `${count} ${ruleTitle(rule).toLowerCase()}`;
  });
  return parts.length === 0 ? '' : `${parts.join(', ')}. `;
}

function truthBanner(record: RunRecord, comparison: TruthComparison): Markup {
  const { found, missed, invented } = tallyOutcomes(comparison);
  const wrong = comparison.infractions.flatMap((outcome): string[] => {
    if (outcome.outcome === 'missed') {
      const { truth, vehicle } = outcome;
      return [`Missed: ${ruleTitle(truth.rule).toLowerCase()} by ${vehicle.id} at ${trueMoment(truth.timeS)}`];
    }
    if (outcome.outcome === 'found') return [];
    const infraction = record.infractions[outcome.index]?.infraction;
    if (infraction === undefined) return [];
    const who = `${infraction.class} #${infraction.track}`;
    return [`Invented: ${ruleTitle(infraction.rule).toLowerCase()} by ${who}; ${inventedBecause(outcome)}`];
  });
  const verdict =
    missed + invented === 0
      ? `Against the truth: all ${found} infractions found, none invented.`
      : `Against the truth: ${found} of ${found + missed} infractions found, ${missed} missed, ${invented} invented.`;
  const { errors, medianKmh, largestKmh, withinTwoSigma } = comparison.speed;
  const uncertainty = withinTwoSigma === undefined ? undefined : uncertaintySentence(withinTwoSigma);
  const speeds =
    medianKmh === undefined || largestKmh === undefined
      ? ''
      : ` Speed of ${plural(errors.length, 'vehicle')}: median error ${fixed(medianKmh, 2)} km/h, largest ${fixed(largestKmh, 2)} km/h${uncertainty === undefined || uncertainty.poor ? '' : `, ${uncertainty.text}`}.`;
  const caution =
    uncertainty?.poor === true ? html`<div class="banner warn">Speeds: ${uncertainty.text}.</div>` : undefined;
  const plates = platesSentence(comparison.plates);
  const list = wrong.length === 0 ? undefined : html`<ul>${wrong.map((one) => html`<li>${one}</li>`)}</ul>`;
  return html`<div class="banner ${missed + invented + comparison.plates.wrong === 0 ? 'good' : 'bad'}">${verdict}${plates === undefined ? '' : ` ${plates}`}${speeds}${list}</div>${caution}`;
}

function responsive(draw: (width: number) => Markup | undefined): Content {
  const wide = draw(wideDrawing);
  const narrow = draw(narrowDrawing);
  if (wide === undefined || narrow === undefined) return undefined;
  return [html`<div class="wide">${wide}</div>`, html`<div class="narrow">${narrow}</div>`];
}

function newest(record: RunRecord): RunRecord {
  return {
    ...record,
    tracks: record.tracks.slice(-mostTracks),
    crossings: record.crossings.slice(-mostCrossings),
  };
}

function shortened(whole: RunRecord, record: RunRecord): Content {
  if (whole.tracks.length === record.tracks.length && whole.crossings.length === record.crossings.length)
    return undefined;
  const tracks = `${record.tracks.length} of ${whole.tracks.length} tracks`;
  const crossings = `${record.crossings.length} of ${whole.crossings.length} crossings`;
  return html`<p class="note">A long run: the plots and the table of tracks show the newest ${tracks} and ${crossings}; the counts have all that the record keeps.</p>`;
}
