import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Desired } from '../../contract/acts.ts';
import type { RouteResponse } from '../../contract/api.ts';
import type { LayerView } from '../../contract/api-views.ts';
import { type SettingChange, settingChanges } from '../../fleet/settings-diff.ts';
import { signConfig } from '../../fleet/sign-config.ts';
import { valueWords } from '../../fleet/text.ts';
import type { Printer, Session } from './session.ts';
import { checkSettings, composeLayers } from './settings.ts';

export type ConfigHistory = RouteResponse<'config'>;

/** What a document is made with. */
export interface DocumentFlags {
  readonly note?: string;
  readonly probation: number;
  readonly expires?: string;
}

/** A unit's next configuration, before it is signed. */
export interface NextConfig {
  readonly unit: string;
  readonly history: ConfigHistory;
  readonly version: number;
  /** Of the newest document that was released; empty where there is none. */
  readonly before: Record<string, JsonValue>;
  readonly settings: Record<string, JsonValue>;
  readonly changes: readonly SettingChange[];
}

export function configOfUnit({ client, io }: Session, unit: string): Promise<ConfigHistory> {
  return client.call('config', { parameters: { unit } }, io.signal);
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

/** Settings that a unit is to have next: checked, and held against those it was given last. Throws `config-invalid`. */
export function nextConfig(unit: string, history: ConfigHistory, settings: Record<string, JsonValue>): NextConfig {
  checkSettings(settings, `the configuration of ${unit}`);
  const before: Record<string, JsonValue> = history.desired?.settings ?? {};
  const version = nextVersion(history);
  return { unit, history, version, before, settings, changes: settingChanges(before, settings) };
}

/** From the layers, or the same settings for every unit where they are given. */
export async function nextOf(
  session: Session,
  unit: string,
  from: { readonly layers: readonly LayerView[] } | { readonly settings: Record<string, JsonValue> },
): Promise<NextConfig> {
  const history = await configOfUnit(session, unit);
  return nextConfig(unit, history, 'settings' in from ? from.settings : composeLayers(unit, from.layers).settings);
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

/** The fields that change, a line or two each. */
export function showChanges(printer: Printer, changes: readonly SettingChange[]): void {
  for (const { path, before, after } of changes) {
    if (before !== undefined) printer.say(`  - ${path}: ${valueWords(before)}`, 'red');
    if (after !== undefined) printer.say(`  + ${path}: ${valueWords(after)}`, 'green');
    else printer.say(`  + ${path}: the unit's own value`, 'green');
  }
}
