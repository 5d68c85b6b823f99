import { type Content, html, type Markup } from '../kernel/html.ts';
import { trueMoment } from './outcomes.ts';
import { type RunRecord, type TrackSummary, watchedSeconds } from './run-record.ts';
import {
  at,
  axisHeight,
  bar,
  drawing,
  horizontalAxis,
  type KeyEntry,
  key,
  label,
  mark,
  type Scale,
} from './svg-plot.ts';
import { lineTallies } from './tallies.ts';
import type { TruthComparison } from './truth.ts';
import { clockFace, ruleTitle } from './words.ts';

const rowHeight = 30;
const spanHeight = 18;

/** One horizontal strip of the plot: its name at the left and what is drawn in it. */
interface Strip {
  readonly name: string;
  readonly height: number;
  readonly draw: (scale: Scale, y: number) => Content;
}

/**
 * What happened when, in seconds since the source began: the phases of each signal head as coloured bands, the infractions (true ones
 * as rings where they are known), the crossings of each line, and when each vehicle could be seen, by lane. Undefined for a run
 * without a frame.
 */
export function timelinePlot(
  record: RunRecord,
  comparison: TruthComparison | undefined,
  width: number,
): Markup | undefined {
  if (record.watched === undefined) return undefined;
  const strips = [
    ...record.phases.map(phaseStrip),
    infractionStrip(record, comparison),
    ...crossingStrips(record),
    ...laneStrips(record),
  ];
  const left = width < 600 ? 104 : 150;
  const scale: Scale = {
    from: record.watched.from.elapsed / 1000,
    to: record.watched.to.elapsed / 1000,
    start: left,
    end: width - 14,
  };
  const legend = key(entries(record, comparison), 0, 0, width);
  const top = legend.height + 6;
  const bottom = top + strips.reduce((sum, strip) => sum + strip.height, 0) + 4;
  let y = top;
  const drawn = strips.map((strip, i) => {
    const from = y;
    y += strip.height;
    return [
      i % 2 === 0 ? bar(0, from, width, strip.height, 'stripe') : undefined,
      label(0, from + Math.min(strip.height / 2, rowHeight) + 5, short(strip.name, left), 'start', 'row'),
    ];
  });
  y = top;
  const contents = strips.map((strip) => {
    const from = y;
    y += strip.height;
    return strip.draw(scale, from);
  });
  return drawing(width, bottom + axisHeight, describe(record), [
    legend.markup,
    drawn,
    horizontalAxis(scale, top, bottom, 'time since the source began, s', width < 600 ? 5 : 12),
    contents,
  ]);
}

function phaseStrip({ head, spans }: RunRecord['phases'][number]): Strip {
  return {
    name: `signal ${head}`,
    height: rowHeight,
    draw: (scale, y) =>
      spans.map((span) => {
        const from = at(scale, span.from / 1000);
        const width = at(scale, span.to / 1000) - from;
        const says = `${head}: ${span.phase} from ${clockFace(span.from)} to ${clockFace(span.to)}`;
        const name =
          width > span.phase.length * 9
            ? label(from + width / 2, y + 20, span.phase, 'middle', `on-phase on-${span.phase}`)
            : undefined;
        return [bar(from, y + 5, width, rowHeight - 10, `phase-${span.phase}`, says), name];
      }),
  };
}

function infractionStrip(record: RunRecord, comparison: TruthComparison | undefined): Strip {
  const truths = comparison?.infractions.flatMap((one) => (one.outcome === 'invented' ? [] : [one])) ?? [];
  return {
    name: 'infractions',
    height: rowHeight,
    draw: (scale, y) => [
      truths.map(({ truth, vehicle }) =>
        mark(
          'ring',
          at(scale, truth.timeS),
          y + rowHeight / 2,
          10,
          'true-ring',
          `True: ${ruleTitle(truth.rule)} by ${vehicle.id} at ${trueMoment(truth.timeS)}`,
        ),
      ),
      record.infractions.map(({ infraction }) =>
        mark(
          'diamond',
          at(scale, infraction.time.elapsed / 1000),
          y + rowHeight / 2,
          7,
          'accused',
          `${ruleTitle(infraction.rule)}: ${infraction.class} #${infraction.track} at ${clockFace(infraction.time.elapsed)}`,
        ),
      ),
    ],
  };
}

function crossingStrips(record: RunRecord): Strip[] {
  const names = [...new Set(lineTallies(record).map((one) => one.name))];
  return names.map((name) => ({
    name: `line ${name}`,
    height: rowHeight,
    draw: (scale, y) =>
      record.crossings
        .filter((crossing) => crossing.line === name)
        .map((crossing) => {
          const x = at(scale, crossing.time.elapsed / 1000);
          const says = `${crossing.class} #${crossing.track} ${crossing.direction} at ${clockFace(crossing.time.elapsed)}`;
          return bar(x - 1.5, y + 6, 3, rowHeight - 12, 'crossing', says);
        }),
  }));
}

function laneStrips(record: RunRecord): Strip[] {
  const lanes = record.scene.lanes.map((lane) => lane.name);
  const groups = lanes.map((name) => ({
    name: `lane ${name}`,
    tracks: record.tracks.filter((track) => track.lane === name),
  }));
  const elsewhere = record.tracks.filter((track) => track.lane === undefined || !lanes.includes(track.lane));
  if (elsewhere.length > 0) groups.push({ name: lanes.length > 0 ? 'no lane' : 'vehicles', tracks: elsewhere });
  const accused = new Set(record.infractions.map(({ infraction }) => infraction.track));
  return groups.map(({ name, tracks }) => {
    const rows = packSpans(tracks);
    const count = Math.max(1, ...rows.values().map((row) => row + 1));
    return {
      name,
      height: Math.max(rowHeight, count * spanHeight + 10),
      draw: (scale, y) =>
        tracks.map((track) =>
          span(track, accused.has(track.id), scale, y + 5 + (rows.get(track.id) ?? 0) * spanHeight),
        ),
    };
  });
}

function span(track: TrackSummary, accused: boolean, scale: Scale, y: number): Markup {
  const from = at(scale, track.from.elapsed / 1000);
  const width = at(scale, track.to.elapsed / 1000) - from;
  const says = `#${track.id} ${track.class} from ${clockFace(track.from.elapsed)} to ${clockFace(track.to.elapsed)}`;
  const names = [`#${track.id} ${track.class}`, `#${track.id}`];
  const name = names.find((text) => text.length * 7.2 + 8 < width);
  return html`<g>${bar(from, y, width, spanHeight - 3, accused ? 'span accused-span' : 'span', says, 3)}${
    name === undefined
      ? undefined
      : label(from + 4, y + spanHeight - 6, name, 'start', accused ? 'span-text accused-span-text' : 'span-text')
  }</g>`;
}

/** The row of each track, by id, so that no two tracks of a row are seen at the same time; as few rows as that takes. */
export function packSpans(tracks: readonly TrackSummary[]): ReadonlyMap<number, number> {
  const ends: number[] = [];
  const rows = new Map<number, number>();
  for (const track of tracks.toSorted((a, b) => a.from.elapsed - b.from.elapsed || a.id - b.id)) {
    const free = ends.findIndex((end) => end < track.from.elapsed);
    const row = free === -1 ? ends.length : free;
    ends[row] = track.to.elapsed;
    rows.set(track.id, row);
  }
  return rows;
}

function entries(record: RunRecord, comparison: TruthComparison | undefined): readonly KeyEntry[] {
  return [
    { text: 'infraction', symbol: (x, y) => mark('diamond', x, y, 7, 'accused') },
    ...(comparison === undefined
      ? []
      : [{ text: 'true infraction', symbol: (x: number, y: number) => mark('ring', x, y, 9, 'true-ring') }]),
    ...(record.crossings.length === 0
      ? []
      : [{ text: 'crossing', symbol: (x: number, y: number) => bar(x - 1.5, y - 9, 3, 18, 'crossing') }]),
    { text: 'vehicle in sight', symbol: (x, y) => bar(x - 10, y - 7, 20, 14, 'span', undefined, 3) },
  ];
}

const short = (name: string, left: number): string => {
  const most = Math.floor(left / 8.8);
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
};

function describe(record: RunRecord): string {
  return `Timeline of ${watchedSeconds(record).toFixed(1)} s: ${record.infractions.length} infractions, ${record.crossings.length} crossings, ${record.tracks.length} tracks.`;
}
