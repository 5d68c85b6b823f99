import { type Content, html, type Markup } from '../kernel/html.ts';
import { frameRate, type RunRecord, type TrackSummary } from './run-record.ts';
import { classesIn, laneTallies, lineTallies, type Tally } from './tallies.ts';
import type { TruthComparison } from './truth.ts';
import { brief, clockFace, dateAndTime, duration, fixed, megabytes, ruleTitle, signed } from './words.ts';

/** Tracks per lane and crossings per line, by class; nothing for what the scene does not have. */
export function countTables(record: RunRecord): Content {
  const lanes = laneTallies(record);
  const lines = lineTallies(record);
  return [
    lanes.length === 0 ? undefined : [html`<h2>Tracks per lane</h2>`, countTable('Lane', lanes)],
    lines.length === 0 ? undefined : [html`<h2>Crossings per line</h2>`, countTable('Line', lines)],
  ];
}

function countTable(what: 'Lane' | 'Line', tallies: readonly Tally[]): Markup {
  const classes = classesIn(tallies);
  const byLine = what === 'Line';
  return html`<div class="scroll"><table><thead><tr><th scope="col">${what}</th>${
    byLine ? html`<th scope="col">Direction</th>` : undefined
  }${classes.map((name) => html`<th scope="col" class="number">${name}</th>`)}<th scope="col" class="number">all</th></tr></thead><tbody>
${tallies.map(
  (
    one,
  ) => html`<tr><th scope="row">${one.name}</th>${byLine ? html`<td>${one.direction ?? 'none'}</td>` : undefined}${classes.map(
    (name) => html`<td class="number">${one.byClass.get(name) ?? 0}</td>`,
  )}<td class="number"><strong>${one.total}</strong></td></tr>
`,
)}</tbody></table></div>`;
}

/** Every track with its lane, its time in sight, its speed (against the true one where it is known) and what it is charged with. */
export function trackTable(record: RunRecord, comparison: TruthComparison | undefined): Content {
  if (record.tracks.length === 0) return html`<p>No vehicle was followed.</p>`;
  const errors = new Map(comparison?.speed.errors.map((error) => [error.track, error]));
  const charged = new Map<number, string>();
  for (const { infraction } of record.infractions) {
    const before = charged.get(infraction.track);
    const title = ruleTitle(infraction.rule);
    charged.set(infraction.track, before === undefined ? title : `${before}, ${title.toLowerCase()}`);
  }
  const truthHead =
    comparison === undefined
      ? undefined
      : html`<th scope="col">True vehicle</th><th scope="col" class="number">True, km/h</th><th scope="col" class="number">Off</th>`;
  const row = (track: TrackSummary): Markup => {
    const error = errors.get(track.id);
    const vehicle = comparison?.matches.get(track.id)?.vehicle;
    const truth =
      comparison === undefined
        ? undefined
        : html`<td>${vehicle?.id ?? 'none'}</td><td class="number">${error === undefined ? '' : fixed(error.trueKmh, 1)}</td><td class="number">${error === undefined ? '' : signed(error.errorKmh, 1)}</td>`;
    return html`<tr${charged.has(track.id) ? accusedRow : undefined}><th scope="row" class="number">#${track.id}</th><td>${track.class}</td><td>${track.lane ?? 'none'}</td><td class="keep">${clockFace(track.from.elapsed)} to ${clockFace(track.to.elapsed)}</td>${speedCell(track)}${truth}<td>${charged.get(track.id) ?? ''}</td></tr>
`;
  };
  return html`<div class="scroll"><table><thead><tr><th scope="col" class="number">Track</th><th scope="col">Class</th><th scope="col">Lane</th><th scope="col">In sight</th><th scope="col" class="number">Speed, km/h</th>${truthHead}<th scope="col">Charged with</th></tr></thead><tbody>
${record.tracks.map(row)}</tbody></table></div>`;
}

const accusedRow = html` class="accused-row"`;

function speedCell({ speed }: TrackSummary): Markup {
  return speed.stated
    ? html`<td class="number">${fixed(speed.speed, 1)} ± ${fixed(speed.uncertainty, 1)}</td>`
    : html`<td class="note">none: ${speed.reason}</td>`;
}

/** What ran, on what, and with which hashes: enough to run it again. */
export function aboutList(record: RunRecord): Markup {
  const { counts, versions, source, scene } = record;
  const limits = [
    ...(scene.limitKmh === undefined ? [] : [`${brief(scene.limitKmh)} km/h`]),
    ...scene.lanes.flatMap(({ name, limitKmh }) => (limitKmh === undefined ? [] : [`${name} ${brief(limitKmh)} km/h`])),
  ];
  const rows: readonly (readonly [string, Content])[] = [
    ['Source', `${source.name}, ${source.width} x ${source.height} pixels`],
    [
      'Clock of the frames',
      record.watched === undefined
        ? 'no frame came'
        : `${clockWords[record.watched.from.clock.source]}${record.watched.from.clock.dated ? '' : '; date unknown'}`,
    ],
    ['Scene', [scene.name, ', SHA-256 ', html`<code>${versions.sceneSha256}</code>`]],
    ...(limits.length === 0 ? [] : [['Limits', limits.join(', ')] as const]),
    ['Run', `${dateAndTime(record.started)} to ${dateAndTime(record.ended)}`],
    [
      'Frames',
      `${counts.frames} delivered in ${duration((record.ended - record.started) / 1000)} (${fixed(frameRate(record), 1)} frames/s), ${counts.skipped} skipped, ${counts.damaged} damaged`,
    ],
    ['Detections', String(counts.detections)],
    ...(counts.peakMemoryBytes === undefined ? [] : [['Memory at most', megabytes(counts.peakMemoryBytes)] as const]),
    ['Software', `Atalaya ${versions.software} on Node ${versions.runtime}`],
    [
      'Model',
      [
        `${versions.model.id} ${versions.model.version}, ${versions.model.engine}, SHA-256 `,
        html`<code>${versions.model.sha256}</code>`,
      ],
    ],
    ...(versions.configSha256 === undefined
      ? []
      : [['Configuration', ['SHA-256 ', html`<code>${versions.configSha256}</code>`]] as const]),
  ];
  return html`<dl class="about">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const clockWords = {
  system: "this machine's clock",
  recording: "the recording's own timestamps",
  nominal: 'nominal: index over a nominal rate, so no speed is stated',
} as const;
