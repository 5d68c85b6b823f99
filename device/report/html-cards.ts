import type { Finding } from '../judge/infraction.ts';
import { type Content, html, type Markup } from '../kernel/html.ts';
import { inventedBecause, momentMeaning, trueFigure } from './outcomes.ts';
import { type PictureKind, type Pictures, pictureKey, pictureKinds } from './report-pictures.ts';
import type { RunRecord, SealedInfraction } from './run-record.ts';
import type { InfractionOutcome, TruthComparison } from './truth.ts';
import { captureTime, clockFace, figures, fixed, keyFigure, ruleTitle } from './words.ts';

/** A card for each infraction: its pictures, its figures, what was found and why it counts, the id of its evidence. */
export function infractionCards(
  record: RunRecord,
  comparison: TruthComparison | undefined,
  pictures: Pictures,
): Content {
  if (record.infractions.length === 0) return html`<p>No infraction was judged in this run.</p>`;
  return record.infractions.map((sealed, index) => {
    const outcome = comparison?.infractions.find((one) => one.outcome !== 'missed' && one.index === index);
    return card(sealed, outcome, pictures);
  });
}

function card(sealed: SealedInfraction, outcome: InfractionOutcome | undefined, pictures: Pictures): Markup {
  const { infraction, evidence } = sealed;
  const lane = infraction.lane === undefined ? 'in no lane' : `lane ${infraction.lane}`;
  return html`<article class="card">
<div class="card-head"><h3>${ruleTitle(infraction.rule)}: ${infraction.class} #${infraction.track}, ${lane}</h3>
<span class="when">${clockFace(infraction.time.elapsed)} · frame ${infraction.frame}</span></div>
<p class="figure">${keyFigure(infraction.measured)}</p>
${gallery(sealed, pictures)}
${plateOf(sealed, pictures)}<dl class="facts">${fact('Date and time', captureTime(infraction.time))}${figures(
    infraction.measured,
  ).map(([name, value]) => fact(name, value))}${truthFacts(sealed, outcome)}</dl>
${findingsTable(infraction.findings)}
<p class="evidence">Evidence <code>${evidence}</code></p>
</article>
`;
}

const fact = (name: string, value: Content): Markup => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

function truthFacts(sealed: SealedInfraction, outcome: InfractionOutcome | undefined): Content {
  if (outcome?.outcome === 'invented') return fact('Truth', `invented: ${inventedBecause(outcome)}`);
  if (outcome?.outcome !== 'found') return undefined;
  const { truth, off } = trueFigure(outcome, sealed.infraction);
  const speeding = sealed.infraction.measured.rule === 'speeding';
  return [
    fact(speeding ? 'True' : sentence(momentMeaning), `${truth} (${outcome.vehicle.id})`),
    fact(speeding ? 'Measured less true' : "Charged moment less the truth's", off),
  ];
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

const captions: Record<PictureKind, string> = {
  annotated: 'Annotated copy',
  closeUp: 'Close-up',
  context: 'Context, untouched',
};

function gallery({ pictures: files, infraction, evidence }: SealedInfraction, pictures: Pictures): Content {
  const shown = pictureKinds.flatMap((kind) => {
    const name = files[kind];
    return name === undefined ? [] : [{ kind, name, source: pictures.get(pictureKey(evidence, name)) }];
  });
  if (shown.length === 0) return html`<p class="missing">No pictures were sealed with this infraction.</p>`;
  const items = shown.map(({ kind, name, source }) => {
    const caption = html`<figcaption>${captions[kind]}</figcaption>`;
    if (source?.kind !== 'embedded') {
      const reason = source?.kind === 'missing' ? source.reason : 'it was not read';
      return html`<figure><p class="missing">${name} is not shown: ${reason}.</p>${caption}</figure>`;
    }
    const says = `${captions[kind]}: ${infraction.class} #${infraction.track} at frame ${infraction.frame}`;
    return html`<figure><img src="${source.uri}" alt="${says}">${caption}</figure>`;
  });
  return html`<div class="pictures${shown.length === 1 ? ' single' : ''}">${items}</div>`;
}

/** What was read of its plate, and the plate; nothing where nothing is opened for this page. */
function plateOf({ pictures: files, evidence, infraction }: SealedInfraction, pictures: Pictures): Content {
  const parts = [files.plateFile, files.plate].flatMap((name): Content[] => {
    const source = name === undefined ? undefined : pictures.get(pictureKey(evidence, name));
    if (source === undefined) return [];
    if (source.kind === 'said') return [html`<p>${source.words}</p>`];
    if (source.kind === 'missing') return [html`<p class="missing">${name} is not shown: ${source.reason}.</p>`];
    return [html`<img src="${source.uri}" alt="Plate of ${infraction.class} #${infraction.track}">`];
  });
  return parts.length === 0 ? undefined : html`<div class="plate">${parts}</div>\n`;
}

function findingsTable(findings: readonly Finding[]): Content {
  if (findings.length === 0) return undefined;
  return html`<div class="scroll"><table class="findings"><thead><tr><th scope="col">Finding</th><th scope="col" class="number">Value</th><th scope="col" class="number">Held against</th><th scope="col">Why</th></tr></thead><tbody>
${findings.map(
  ({ name, value, unit, limit, says }) =>
    html`<tr><th scope="row">${name.replaceAll('-', ' ')}</th><td class="number">${quantity(value, unit, limit)}</td><td class="number" data-name="against">${limit === undefined ? '' : quantity(limit, unit)}</td><td class="says">${says}</td></tr>
`,
)}</tbody></table></div>`;
}

/** A value with its unit; a number with as many digits as it needs, three after the point at most. */
function quantity(value: Finding['value'], unit: string | undefined, limit?: Finding['limit']): string {
  const against = typeof limit === 'number' ? limit : undefined;
  const text =
    typeof value === 'boolean' ? (value ? 'yes' : 'no') : typeof value === 'string' ? value : digits(value, against);
  return unit === undefined ? text : `${text} ${unit}`;
}

/** On the same side of the limit as the value itself, as far as three digits show it. */
function digits(value: number, limit?: number): string {
  const least = Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  const side = (figure: number) => (limit === undefined ? 0 : Math.sign(figure - limit));
  const most = [least, 2].find((count) => count >= least && side(Number(value.toFixed(count))) === side(value)) ?? 3;
  const text = fixed(value, most);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
