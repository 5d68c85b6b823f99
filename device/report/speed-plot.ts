import { type Content, html, type Markup } from '../kernel/html.ts';
import type { RunRecord, TrackSummary } from './run-record.ts';
import {
  at,
  axisHeight,
  bar,
  drawing,
  horizontalAxis,
  type KeyEntry,
  key,
  label,
  line,
  mark,
  type Scale,
} from './svg-plot.ts';
import type { TruthComparison } from './truth.ts';
import { brief, fixed } from './words.ts';

const rowHeight = 26;
/** A plot with more rows than this is no longer read; the table of the tracks has them all. */
const mostRows = 80;

interface Row {
  readonly track: TrackSummary;
  readonly speed: Extract<TrackSummary['speed'], { stated: true }>;
  readonly limitKmh: number | undefined;
  readonly trueKmh: number | undefined;
  readonly speeding: boolean;
}

/**
 * Stated speed of each vehicle, km/h, one row each in order of appearance: a point with a bar of two standard uncertainties to either
 * side, the lane's limit, and the true speed where it is known. Undefined where no speed was stated.
 */
export function speedPlot(
  record: RunRecord,
  comparison: TruthComparison | undefined,
  width: number,
): Markup | undefined {
  const all = rowsOf(record, comparison);
  if (all.length === 0) return undefined;
  const rows = fastest(all, mostRows);
  const left = width < 600 ? 124 : 150;
  const scale: Scale = { ...range(rows), start: left, end: width - 18 };
  const legend = key(entries(rows), 0, 0, width);
  const top = legend.height + 6;
  const bottom = top + rows.length * rowHeight + 4;
  const omitted = all.length - rows.length;
  const note = omitted > 0 ? `The ${rows.length} fastest of ${all.length}; the table has all.` : undefined;
  return drawing(width, bottom + axisHeight + (note === undefined ? 0 : 22), describe(rows), [
    legend.markup,
    rows.map((_, i) => (i % 2 === 0 ? bar(0, top + i * rowHeight, width, rowHeight, 'stripe') : undefined)),
    horizontalAxis(scale, top, bottom, 'speed, km/h', width < 600 ? 5 : 10),
    rows.map((row, i) => drawRow(row, scale, top + i * rowHeight)),
    note === undefined ? undefined : label(0, bottom + axisHeight + 14, note, 'start', 'tick'),
  ]);
}

function rowsOf(record: RunRecord, comparison: TruthComparison | undefined): readonly Row[] {
  const limits = new Map(record.scene.lanes.map((lane) => [lane.name, lane.limitKmh]));
  const truths = new Map(comparison?.speed.errors.map((error) => [error.track, error.trueKmh]));
  const speeders = new Set(
    record.infractions
      .filter(({ infraction }) => infraction.rule === 'speeding')
      .map(({ infraction }) => infraction.track),
  );
  return record.tracks.flatMap((track): Row[] => {
    if (!track.speed.stated) return [];
    const limitKmh = (track.lane === undefined ? undefined : limits.get(track.lane)) ?? record.scene.limitKmh;
    return [
      {
        track,
        speed: track.speed,
        limitKmh,
        trueKmh: truths.get(track.id),
        speeding: speeders.has(track.id),
      },
    ];
  });
}

function fastest(rows: readonly Row[], most: number): readonly Row[] {
  if (rows.length <= most) return rows;
  const kept = new Set(rows.toSorted((a, b) => b.speed.speed - a.speed.speed).slice(0, most));
  return rows.filter((row) => kept.has(row));
}

/** Whole tens around everything that is drawn. */
function range(rows: readonly Row[]): { readonly from: number; readonly to: number } {
  const values = rows.flatMap(({ speed, limitKmh, trueKmh }) => [
    speed.speed - 2 * speed.uncertainty,
    speed.speed + 2 * speed.uncertainty,
    ...(limitKmh === undefined ? [] : [limitKmh]),
    ...(trueKmh === undefined ? [] : [trueKmh]),
  ]);
  const from = Math.max(0, Math.floor((Math.min(...values) - 2) / 10) * 10);
  return { from, to: Math.max(from + 10, Math.ceil((Math.max(...values) + 2) / 10) * 10) };
}

function drawRow(row: Row, scale: Scale, y: number): Markup {
  const { track, speed, limitKmh, trueKmh, speeding } = row;
  const middle = y + rowHeight / 2;
  const kind = speeding ? 'accused' : 'measured';
  const from = at(scale, speed.speed - 2 * speed.uncertainty);
  const to = at(scale, speed.speed + 2 * speed.uncertainty);
  const says = `Track ${track.id}, ${track.class}: ${fixed(speed.speed, 1)} km/h, standard uncertainty ${fixed(speed.uncertainty, 1)} km/h`;
  const parts: Content[] = [
    label(0, middle + 5, `#${track.id} ${track.class}`, 'start', speeding ? 'row accused-text' : 'row'),
    limitKmh === undefined
      ? undefined
      : line(at(scale, limitKmh), y + 2, at(scale, limitKmh), y + rowHeight - 2, 'limit'),
    line(from, middle, to, middle, `${kind} spread`),
    line(from, middle - 5, from, middle + 5, `${kind} spread`),
    line(to, middle - 5, to, middle + 5, `${kind} spread`),
    mark('dot', at(scale, speed.speed), middle, 5, kind, says),
    trueKmh === undefined
      ? undefined
      : mark('diamond', at(scale, trueKmh), middle, 7, 'true-mark', `True speed ${fixed(trueKmh, 1)} km/h`),
  ];
  return html`<g>${parts}</g>`;
}

function entries(rows: readonly Row[]): readonly KeyEntry[] {
  const some = (test: (row: Row) => boolean) => rows.some(test);
  const list: KeyEntry[] = [
    {
      text: 'measured ± 2 standard uncertainties',
      symbol: (x, y) => [line(x - 10, y, x + 10, y, 'measured spread'), mark('dot', x, y, 5, 'measured')],
    },
  ];
  if (some((row) => row.speeding)) list.push({ text: 'charged', symbol: (x, y) => mark('dot', x, y, 5, 'accused') });
  if (some((row) => row.limitKmh !== undefined)) {
    const limits = [...new Set(rows.flatMap((row) => (row.limitKmh === undefined ? [] : [brief(row.limitKmh)])))];
    list.push({ text: `limit ${limits.join(', ')} km/h`, symbol: (x, y) => line(x, y - 9, x, y + 9, 'limit') });
  }
  if (some((row) => row.trueKmh !== undefined)) {
    list.push({ text: 'true', symbol: (x, y) => mark('diamond', x, y, 7, 'true-mark') });
  }
  return list;
}

function describe(rows: readonly Row[]): string {
  const speeds = rows.map((row) => row.speed.speed);
  const range = `${fixed(Math.min(...speeds), 1)} to ${fixed(Math.max(...speeds), 1)} km/h`;
  return `Speeds of ${rows.length} vehicles, from ${range}, with their uncertainties.`;
}
