import { stringify } from 'yaml';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { settingChanges } from '../../fleet/settings-diff.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { plain, timeWords } from '../../fleet/text.ts';
import { allLayers, configOfUnit, documentOf, showChanges } from './config-documents.ts';
import { type ConfigHistory, outcomeOf, type Standing, standingOf, wasRefused } from './config-standing.ts';
import { requireHeard } from './known-units.ts';
import type { Session } from './session.ts';
import { composeLayers } from './settings.ts';
import { configOf } from './status.ts';

export async function show(session: Session, unit: string, version: number | undefined): Promise<void> {
  const known = await configOfUnit(session, unit);
  if (version !== undefined) return showVersion(session, unit, version, known);
  const { desired, reported } = known;
  if (desired === undefined) await requireHeard(session, [unit]);
  session.tell({ desired, reported });
  if (desired === undefined) {
    return session.say(`Nothing was ever released to ${unit}: it runs with its own file.\n  ${firstPush(unit)}`);
  }
  session.say(issuedWords(unit, desired), 'bold');
  const { text, colour } = configOf({ desired: { version: desired.version, sha256: '' }, reported });
  session.say(`in force: ${text}`, colour);
  for (const reason of reported?.reasons ?? []) session.say(`  ${reason}`);
  say(session, desired.settings);
}

/** A document by its number, and what became of it. */
async function showVersion(session: Session, unit: string, version: number, known: ConfigHistory): Promise<void> {
  if (known.desired === undefined) await requireHeard(session, [unit]);
  const document = await documentOf(session, unit, version);
  const row = known.history.find((one) => one.version === version);
  const outcome = outcomeOf(row ?? { version }, known.reported);
  const { at, reasons = [] } = row?.became ?? (known.reported?.version === version ? known.reported : {});
  const became = outcome === undefined ? {} : { became: { outcome, reasons, ...(at === undefined ? {} : { at }) } };
  session.tell({ document, ...(row === undefined ? {} : { released: row.released, by: row.by }), ...became });
  session.say(issuedWords(unit, document), 'bold');
  const colour = outcome === 'confirmed' ? 'green' : wasRefused(outcome) ? 'red' : 'yellow';
  if (row !== undefined) session.say(`released: ${timeWords(row.released)} by ${row.by}`);
  session.say(`became: ${outcome ?? 'the unit has not said'}${at === undefined ? '' : `, ${timeWords(at)}`}`, colour);
  for (const reason of reasons) session.say(`  ${reason}`);
  const inForce = known.reported?.inForce.version ?? 0;
  session.say(`in force: ${inForce === version ? 'it' : inForce === 0 ? "the unit's own file" : `version ${inForce}`}`);
  say(session, document.settings);
}

const issuedWords = (
  unit: string,
  { version, issued, note }: { readonly version: number; readonly issued: string; readonly note?: string | undefined },
): string => `${unit}: version ${version}, issued ${timeWords(issued)}${note === undefined ? '' : `, ${note}`}`;

function say(session: Session, settings: Readonly<Record<string, JsonValue>>): void {
  const text =
    Object.keys(settings).length === 0 ? "(no settings: the unit's own file)" : stringify(settings).trimEnd();
  for (const line of text.split('\n')) session.say(plain(line));
}

/** Between versions; without them, between what the unit has and what the layers would give it. */
export async function diff(
  session: Session,
  unit: string,
  older: number | undefined,
  newer: number | undefined,
): Promise<void> {
  const known = await configOfUnit(session, unit);
  const { desired } = known;
  if (desired === undefined) await requireHeard(session, [unit]);
  const of = async (version: number) => (await documentOf(session, unit, version)).settings;
  const standing = await standingOf(session, unit, known);
  const [before, after] =
    older === undefined
      ? ['settings' in standing ? standing.settings : {}, composeLayers(unit, await allLayers(session)).settings]
      : [await of(older), newer === undefined ? (desired?.settings ?? {}) : await of(newer)];
  const changes = settingChanges(before, after);
  session.tell({ unit, changes });
  const [from, to] =
    older === undefined ? [fromWords(standing), 'the layers'] : [older, newer ?? desired?.version ?? 'nothing'];
  session.say(`${unit}: from ${from} to ${to}`, 'bold');
  showChanges(session, changes);
  if (changes.length === 0) session.say('  Nothing differs.');
}

function fromWords(standing: Standing): string {
  if (standing.kind === 'own') return 'its own file';
  return standing.kind === 'elsewhere'
    ? `version ${standing.version}, which is not known here,`
    : `${standing.version}`;
}

const layerColumns: readonly Column[] = [
  { head: 'layer' },
  { head: 'version', right: true },
  { head: 'fields', wraps: true },
];

export async function layers(session: Session, unit: string | undefined): Promise<void> {
  const all = await allLayers(session);
  if (unit !== undefined) {
    if (!all.some(({ name }) => name === `unit-${unit}`)) await requireHeard(session, [unit]);
    const composed = composeLayers(unit, all);
    session.tell({ unit, ...composed });
    session.say(`${unit}: ${composed.layers.length === 0 ? 'no layer' : composed.layers.join(', then ')}`, 'bold');
    return session.json ? undefined : say(session, composed.settings);
  }
  session.tell({ layers: all });
  session.show(
    layerColumns,
    all.map(({ name, version, settings }) => [
      { text: name },
      { text: `${version}` },
      {
        text: settingChanges({}, settings)
          .map(({ path }) => path)
          .join(', '),
      },
    ]),
    `There is no layer yet. Begin with: ${fleetProgram} config edit fleet`,
  );
}

const historyColumns: readonly Column[] = [
  { head: 'version', right: true },
  { head: 'released' },
  { head: 'by', wraps: true },
  { head: 'state' },
];

export async function history(session: Session, unit: string): Promise<void> {
  const { history: all, reported } = await configOfUnit(session, unit);
  if (all.length === 0) await requireHeard(session, [unit]);
  session.tell({ unit, history: all, reported });
  session.show(
    historyColumns,
    all.map((row) => {
      const { version, released, by, note, became } = row;
      const reasons = became?.reasons ?? (reported?.version === version ? reported.reasons : []);
      const below = [...(note === undefined ? [] : [note]), ...reasons];
      return [{ text: `${version}`, below }, { text: timeWords(released) }, { text: by }, stateOf(row, reported)];
    }),
    `Nothing was ever released to ${unit}.\n  ${firstPush(unit)}`,
  );
}

/** What became of a version. The newest report has the word where a centre keeps none by version. */
function stateOf(row: ConfigHistory['history'][number], reported: ConfigHistory['reported']): Cell {
  const outcome = row.became?.outcome ?? (reported?.version === row.version ? reported.outcome : undefined);
  if (outcome === 'rolled-back' || outcome === 'rejected') return { text: outcome, colour: 'red' };
  const inForce = reported?.inForce.version === row.version;
  if (outcome === undefined || outcome === 'none') return { text: inForce ? 'in force' : '' };
  return inForce && outcome === 'confirmed' ? { text: outcome, colour: 'green' } : { text: outcome };
}

const firstPush = (unit: string): string =>
  `Write a layer: ${fleetProgram} config edit unit-${unit}\n  Then: ${fleetProgram} config push ${unit}`;
