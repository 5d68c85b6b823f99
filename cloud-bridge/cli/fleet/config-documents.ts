import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Desired } from '../../contract/acts.ts';
import type { LayerView } from '../../contract/api-views.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { type SettingChange, settingChanges } from '../../fleet/settings-diff.ts';
import { signConfig } from '../../fleet/sign-config.ts';
import { valueWords } from '../../fleet/text.ts';
import { type ConfigHistory, type FailedVersion, failedWith, type Standing, standingOf } from './config-standing.ts';
import type { Printer, Session } from './session.ts';
import { checkSettings, composeLayers } from './settings.ts';

/** What a document is made with. */
export interface DocumentFlags {
  readonly note?: string;
  readonly probation: number;
  readonly expires?: string;
}

/** Of what gives a unit a configuration. */
export interface PushGuards {
  /** Settings that failed before are to be tried again. */
  readonly again?: boolean;
}

/** A unit's next configuration, before it is signed. */
export interface NextConfig {
  readonly unit: string;
  readonly version: number;
  /** What the unit has. */
  readonly standing: Standing;
  /** Of the newest document that was released; undefined where there is none. */
  readonly newest: Record<string, JsonValue> | undefined;
  readonly settings: Record<string, JsonValue>;
  /** Against what stands; against nothing where that is not known here. */
  readonly changes: readonly SettingChange[];
  /** When the unit was given these settings last, it did not keep them. */
  readonly failed: FailedVersion | undefined;
}

export function configOfUnit({ client, io }: Session, unit: string): Promise<ConfigHistory> {
  return client.call('config', { parameters: { unit } }, io.signal);
}

/** A document that was released. Throws `usage-invalid` where there is none of that version. */
export async function documentOf({ client, io }: Session, unit: string, version: number): Promise<Desired> {
  const parameters = { unit, version: `${version}` };
  const found = await client.find('configVersion', { parameters }, io.signal);
  if (found !== undefined) return found;
  throw new AtalayaError('usage-invalid', `no version ${version} was ever released to ${unit}`, {
    hint: `Its versions: ${fleetProgram} config history ${unit}`,
  });
}

export async function allLayers({ client, io }: Session): Promise<readonly LayerView[]> {
  return (await client.call('layers', { parameters: {} }, io.signal)).layers;
}

/** Above every version that the centre or the unit has heard of. */
export function nextVersion({ desired, reported, history }: ConfigHistory): number {
  const known = [
    desired?.version,
    reported?.version,
    reported?.inForce.version,
    ...history.map(({ version }) => version),
  ];
  return Math.max(0, ...known.filter((version) => version !== undefined)) + 1;
}

/** Settings that a unit is to have next: checked, and held against what it has. Throws `config-invalid`. */
export async function nextConfig(
  session: Session,
  unit: string,
  history: ConfigHistory,
  settings: Record<string, JsonValue>,
): Promise<NextConfig> {
  checkSettings(settings, `the configuration of ${unit}`);
  const standing = await standingOf(session, unit, history);
  const before = 'settings' in standing ? standing.settings : {};
  const changes = settingChanges(before, settings);
  return {
    unit,
    version: nextVersion(history),
    standing,
    newest: history.desired?.settings,
    settings,
    changes,
    // What it runs it has kept.
    failed: changes.length === 0 ? undefined : await failedWith(session, unit, history, settings),
  };
}

/**
 * Whether there is anything to release: the unit has something else, nobody here knows what it has, or its first document is to say that
 * its own file holds.
 */
export function isNeeded({ standing, changes, newest }: NextConfig): boolean {
  return changes.length > 0 || standing.kind === 'elsewhere' || newest === undefined;
}

/** From the layers, or the same settings for every unit where they are given. */
export async function nextOf(
  session: Session,
  unit: string,
  from: { readonly layers: readonly LayerView[] } | { readonly settings: Record<string, JsonValue> },
): Promise<NextConfig> {
  const history = await configOfUnit(session, unit);
  const settings = 'settings' in from ? from.settings : composeLayers(unit, from.layers).settings;
  return nextConfig(session, unit, history, settings);
}

export function signNext(
  { signer, io }: Session,
  { unit, version, settings }: Pick<NextConfig, 'unit' | 'version' | 'settings'>,
  { note, probation, expires }: DocumentFlags,
): Promise<Desired> {
  const draft = {
    unit,
    version,
    settings,
    probationMinutes: probation,
    ...(note === undefined ? {} : { note }),
    ...(expires === undefined ? {} : { expires }),
  };
  return signConfig(draft, signer, io.clock.utc());
}

/** The fields that change, a line or two each. `absent`: what holds where settings do not speak of a field. */
export function showChanges(
  printer: Printer,
  changes: readonly SettingChange[],
  absent: (path: string) => string = () => ownValue,
): void {
  for (const { path, before, after } of changes) {
    if (before !== undefined) printer.say(`  - ${path}: ${valueWords(before)}`, 'red');
    if (after !== undefined) printer.say(`  + ${path}: ${valueWords(after)}`, 'green');
    else printer.say(`  + ${path}: ${absent(path)}`, 'green');
  }
}

export const ownValue = "the unit's own value";
