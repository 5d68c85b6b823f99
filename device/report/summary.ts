import type { Infraction } from '../judge/infraction.ts';
import {
  momentMeaning,
  platesSentence,
  shortFigure,
  tallyOutcomes,
  trueFigure,
  trueMoment,
  uncertaintySentence,
} from './outcomes.ts';
import { frameRate, type RunRecord, watchedSeconds } from './run-record.ts';
import { classesIn, laneTallies, lineTallies, type Tally } from './tallies.ts';
import { type Column, leastWidth, printable, type Row, type Style, table, wrap } from './terminal.ts';
import type { InfractionOutcome, TruthComparison } from './truth.ts';
import {
  captureDate,
  clockFace,
  duration,
  fixed,
  keyFigure,
  megabytes,
  outcomeSentence,
  plural,
  signed,
} from './words.ts';

/**
 * The end of a run as text, at most `columns` wide (80 unless told): what was watched, each infraction (measured against true where
 * the truth is given), the speeds, the counts per lane and line. Ends with a line feed.
 */
export function summaryText(
  record: RunRecord,
  comparison: TruthComparison | undefined,
  style: Style,
  columns = 80,
): string {
  const width = Math.min(columns, 80);
  return [
    '',
    ...watched(record, style, width),
    '',
    ...infractions(record, comparison, style, width),
    ...(comparison === undefined ? [] : speeds(comparison, style, width)),
    '',
    ...counts('lane', laneTallies(record), style, width),
    ...counts('line', lineTallies(record), style, width),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function watched(record: RunRecord, style: Style, width: number): string[] {
  const { counts } = record;
  const when = record.watched === undefined ? 'no frame came' : captureDate(record.watched.from);
  const pieces = [
    plural(counts.frames, 'frame'),
    `${fixed(frameRate(record), 1)} frames/s`,
    `${counts.skipped} skipped`,
    `${counts.damaged} damaged`,
    plural(counts.detections, 'detection'),
    plural(record.tracks.length, 'track'),
    ...(counts.alerts === 0 ? [] : [plural(counts.alerts, 'alert')]),
    ...(counts.peakMemoryBytes === undefined ? [] : [`${megabytes(counts.peakMemoryBytes)} at most`]),
  ];
  const title = wrap(
    [
      printable(record.scene.name),
      printable(record.source.name),
      when,
      `${duration(watchedSeconds(record))} watched in ${duration((record.ended - record.started) / 1000)}`,
    ],
    width,
    ' · ',
    '',
  );
  const sentence = outcomeSentence(record);
  return [
    ...title.map(style.strong),
    ...wrap(pieces, width, ', ', ''),
    ...(sentence === undefined ? [] : wrap(printable(sentence).split(' '), width, ' ', '').map(style.warn)),
  ];
}

function infractions(
  record: RunRecord,
  comparison: TruthComparison | undefined,
  style: Style,
  width: number,
): string[] {
  const said = plural(record.infractions.length, 'infraction');
  if (comparison === undefined) {
    if (record.infractions.length === 0) return [style.strong('No infraction.')];
    const rows = record.infractions.map(
      ({ infraction }): Row => ({
        cells: [...whoAndWhere(infraction), printable(keyFigure(infraction.measured))],
      }),
    );
    return [style.strong(`${said}.`), ...infractionTable(infractionColumns, rows, width, style)];
  }
  const { found, missed, invented } = tallyOutcomes(comparison);
  const paint = missed + invented === 0 ? style.good : style.bad;
  const momentShown = comparison.infractions.some(
    (one) => one.outcome !== 'invented' && (one.outcome === 'missed' || one.truth.rule !== 'speeding'),
  );
  const rows = comparison.infractions.map((outcome) => outcomeRow(outcome, record, style));
  return [
    paint(`${said}: ${found} of ${found + missed} true ones found, ${missed} missed, ${invented} invented.`),
    ...(rows.length === 0 ? [] : infractionTable([...infractionColumns, ...truthColumns], rows, width, style)),
    ...(momentShown ? wrap(`at: ${momentMeaning}`.split(' '), width, ' ', '  ').map(style.dim) : []),
    ...plates(comparison, style),
  ];
}

/** Of those accused, as counts: the texts are sealed. */
function plates({ plates }: TruthComparison, style: Style): string[] {
  const sentence = platesSentence(plates);
  if (sentence === undefined) return [];
  const paint = plates.wrong > 0 ? style.bad : plates.unread > 0 ? style.warn : style.good;
  return [paint(sentence)];
}

const infractionColumns: readonly Column[] = [
  { title: 'at', align: 'right' },
  { title: 'rule', align: 'left' },
  { title: 'who', align: 'left', narrows: true },
  { title: 'lane', align: 'left', narrows: true },
  { title: 'measured', align: 'left' },
];
const truthColumns: readonly Column[] = [
  { title: 'true', align: 'right' },
  { title: 'off', align: 'right' },
];

/**
 * A table where it fits once who and lane are narrowed; else a line or two an infraction, what was measured before who and where, so that
 * no figure is ever cut.
 */
function infractionTable(columns: readonly Column[], rows: readonly Row[], width: number, style: Style): string[] {
  if (leastWidth(columns, rows) <= width) return table(columns, rows, width, style);
  return rows.flatMap(({ cells, paint }) => {
    const [at = '', rule = '', who = '', lane = '', measured = '', truth = '', off = ''] = cells;
    const figure = wrap(measured.split(' '), width - 4, ' ', '');
    const held = [truth === '' ? '' : `true ${truth}`, off === '' ? '' : `off ${off}`];
    const place = lane === '-' ? 'in no lane' : `lane ${lane}`;
    const pieces = [at, rule, ...figure, ...held, who, place].filter((piece) => piece !== '');
    return wrap(pieces, width, '  ', '    ').map(paint ?? ((line) => line));
  });
}

function whoAndWhere(infraction: Infraction): string[] {
  return [
    clockFace(infraction.time.elapsed),
    infraction.rule,
    `#${infraction.track} ${infraction.class}`,
    printable(infraction.lane ?? '-'),
  ];
}

function outcomeRow(outcome: InfractionOutcome, record: RunRecord, style: Style): Row {
  if (outcome.outcome === 'missed') {
    const { vehicle, truth } = outcome;
    const who = [truth.rule, printable(vehicle.id), printable(vehicle.lane ?? '-')];
    return { cells: ['-', ...who, 'MISSED', `at ${trueMoment(truth.timeS)}`, ''], paint: style.bad };
  }
  const infraction = record.infractions[outcome.index]?.infraction;
  if (infraction === undefined) throw new RangeError(`the run has no infraction ${outcome.index}`);
  const cells = [...whoAndWhere(infraction), printable(shortFigure(infraction.measured))];
  if (outcome.outcome === 'invented') return { cells: [...cells, 'INVENTED', ''], paint: style.bad };
  const { truth, off } = trueFigure(outcome, infraction);
  return { cells: [...cells, truth, off] };
}

function speeds(comparison: TruthComparison, style: Style, width: number): string[] {
  const { speed, truth, unseen, stray } = comparison;
  const found = truth.vehicles.length - unseen.length;
  const vehicles = `${found} of ${truth.vehicles.length} true vehicles followed`;
  const lines = [
    '',
    ...wrap(
      [
        unseen.length === 0 ? vehicles : `${vehicles} (not ${unseen.map(({ id }) => printable(id)).join(', ')})`,
        `${plural(stray.length, 'track')} without a true vehicle`,
      ],
      width,
      ', ',
      '  ',
    ),
  ];
  if (speed.medianKmh === undefined || speed.largestKmh === undefined || speed.withinTwoSigma === undefined) {
    return [...lines, 'No speed was stated that could be compared.'];
  }
  const uncertainty = uncertaintySentence(speed.withinTwoSigma);
  const rows = speed.errors.map(({ track, vehicle, statedKmh, trueKmh, errorKmh }): Row => {
    const stated = `${fixed(statedKmh, 1)} km/h`;
    const cells = [`#${track}`, printable(vehicle.id), stated, `${fixed(trueKmh, 1)} km/h`, signed(errorKmh, 1)];
    return { cells };
  });
  return [
    ...lines,
    ...wrap(
      [
        `Speed: median error ${fixed(speed.medianKmh, 2)} km/h`,
        `largest ${fixed(speed.largestKmh, 2)} km/h`,
        `${plural(speed.errors.length, 'vehicle')} compared`,
        ...(uncertainty.poor ? [] : [uncertainty.text]),
      ],
      width,
      ', ',
      '  ',
    ).map((line, i) => (i === 0 ? style.strong(line) : line)),
    ...(uncertainty.poor ? wrap(uncertainty.text.split(' '), width, ' ', '  ').map(style.warn) : []),
    ...table(speedColumns, rows, width, style),
  ];
}

const speedColumns: readonly Column[] = [
  { title: 'track', align: 'right' },
  { title: 'true vehicle', align: 'left', narrows: true },
  { title: 'stated', align: 'right' },
  { title: 'true', align: 'right' },
  { title: 'off', align: 'right' },
];

/** Nothing for a scene that has no such places. */
function counts(what: 'lane' | 'line', tallies: readonly Tally[], style: Style, width: number): string[] {
  if (tallies.length === 0) return [];
  const classes = classesIn(tallies);
  const columns: Column[] = [
    { title: what, align: 'left', narrows: true },
    ...(what === 'line' ? [{ title: 'direction', align: 'left', narrows: true } as const] : []),
    ...classes.map((name): Column => ({ title: name, align: 'right' })),
    { title: 'all', align: 'right' },
  ];
  const rows = tallies.map(
    (one): Row => ({
      cells: [
        printable(one.name),
        ...(what === 'line' ? [printable(one.direction ?? '-')] : []),
        ...classes.map((name) => String(one.byClass.get(name) ?? 0)),
        String(one.total),
      ],
    }),
  );
  const title = what === 'lane' ? 'Tracks per lane' : 'Crossings per line';
  return [style.strong(title), ...table(columns, rows, width, style), ''];
}
