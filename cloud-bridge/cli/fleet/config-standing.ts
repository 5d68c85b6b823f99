import { isDeepStrictEqual } from 'node:util';
import type { RefusalCode } from '../../../device/config/desired/refusal.ts';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { RouteResponse } from '../../contract/api.ts';
import type { Reported } from '../../contract/state.ts';
import { timeWords } from '../../fleet/text.ts';
import type { Session } from './session.ts';

export type ConfigHistory = RouteResponse<'config'>;
type Row = ConfigHistory['history'][number];
type Settings = Record<string, JsonValue>;

/** What a unit's next configuration is held against. */
export type Standing =
  /** Its own file: nothing of the centre is in force. */
  | { readonly kind: 'own'; readonly settings: Settings }
  /** This version is in force, as the unit reported. */
  | { readonly kind: 'runs'; readonly version: number; readonly settings: Settings }
  /** The newest was released, and the unit has not said what became of it. */
  | { readonly kind: 'open'; readonly version: number; readonly settings: Settings }
  /** It runs a version that was not released here. */
  | { readonly kind: 'elsewhere'; readonly version: number };

/** A version that the unit refused, or took and gave back. */
export interface FailedVersion {
  readonly version: number;
  readonly outcome: 'rejected' | 'rolled-back';
  readonly at: string;
  readonly reasons: readonly string[];
}

/** Versions that are looked through for settings that failed before. */
const mostLookedAt = 20;

/** The last word of the unit on a version; undefined while it has said nothing. */
export function outcomeOf(
  { version, became }: Pick<Row, 'version' | 'became'>,
  reported: Reported | undefined,
): Reported['outcome'] | undefined {
  if (became !== undefined) return became.outcome;
  if (reported?.version === version) return reported.outcome;
  return reported?.inForce.version === version && reported.trialUntil === undefined ? 'confirmed' : undefined;
}

/** What the unit has by its own word; while it has said nothing of the newest, that. */
export async function standingOf(session: Session, unit: string, known: ConfigHistory): Promise<Standing> {
  const { desired, reported, history } = known;
  const now = session.io.clock.utc();
  if (desired !== undefined) {
    const { version, settings, expires } = desired;
    const row = history.find((one) => one.version === version) ?? { version };
    const outcome = outcomeOf(row, reported);
    const isOpen = outcome === undefined || outcome === 'none' || outcome === 'accepted' || outcome === 'trial';
    const expired = expires !== undefined && Date.parse(expires) <= now && outcome === undefined;
    if (isOpen && !expired) return { kind: 'open', version, settings };
  }
  const version = inForceOf(known);
  if (version === 0) return { kind: 'own', settings: {} };
  const row = history.find((one) => one.version === version);
  const said = reported?.inForce;
  if (row !== undefined && said?.version === version && row.sha256 !== said.sha256)
    return { kind: 'elsewhere', version };
  const settings = await settingsOf(session, unit, version, known);
  return settings === undefined ? { kind: 'elsewhere', version } : { kind: 'runs', version, settings };
}

/** What the unit runs: 0 is its own file. A report from before it gave a version back may still name that one; it runs the last that it kept. */
function inForceOf({ reported, history }: ConfigHistory): number {
  const version = reported?.inForce.version ?? 0;
  const row = history.find((one) => one.version === version);
  if (row === undefined || !wasRefused(outcomeOf(row, reported))) return version;
  return history.find((one) => one.version < version && outcomeOf(one, reported) === 'confirmed')?.version ?? 0;
}

/** `version 3, which it runs`; follows "nothing differs from". */
export function standingWords(standing: Standing): string {
  if (standing.kind === 'own') return "the unit's own file, which it runs";
  if (standing.kind === 'runs') return `version ${standing.version}, which it runs`;
  if (standing.kind === 'open')
    return `version ${standing.version}, which is released; the unit has not said yet what became of it`;
  return `version ${standing.version}, which it runs and which was not released here`;
}

/** What failed with these settings when the unit was given them last: undefined where it kept them, or never had them. */
export async function failedWith(
  session: Session,
  unit: string,
  known: ConfigHistory,
  settings: Settings,
): Promise<FailedVersion | undefined> {
  const judged = known.history
    .slice(0, mostLookedAt)
    .map((row) => ({ row, failure: failureOf(row, known.reported), outcome: outcomeOf(row, known.reported) }))
    .filter(({ outcome, failure }) => outcome === 'confirmed' || failure !== undefined);
  // Beyond the oldest that failed nothing can be found.
  const oldest = judged.findLastIndex(({ failure }) => failure !== undefined);
  for (const { row, failure } of judged.slice(0, oldest + 1)) {
    if (isDeepStrictEqual(await settingsOf(session, unit, row.version, known), settings)) return failure;
  }
  return undefined;
}

/** The version, where the unit refused its settings or gave them back. */
export function failureAt(version: number, { history, reported }: ConfigHistory): FailedVersion | undefined {
  const row = history.find((one) => one.version === version);
  return row === undefined ? undefined : failureOf(row, reported);
}

/** Throws `usage-invalid` where settings failed before, and nobody has said that they are to be tried again. */
export function requireAgain(
  next: readonly { readonly unit: string; readonly failed: FailedVersion | undefined }[],
  again: boolean | undefined,
): void {
  if (again === true) return;
  const lines = next.flatMap(({ unit, failed }) => (failed === undefined ? [] : [`  ${unit}: ${failedWords(failed)}`]));
  if (lines.length === 0) return;
  throw new AtalayaError('usage-invalid', `the same settings failed before:\n${lines.join('\n')}`, {
    hint: 'Correct the settings; or, where what was in their way is gone, say --again.',
  });
}

export function failedWords({ version, outcome, at, reasons }: FailedVersion): string {
  const what = outcome === 'rejected' ? 'was refused by the unit' : 'was rolled back';
  return `version ${version} ${what} at ${timeWords(at)}: ${reasons.length === 0 ? 'no reason was given' : reasons.join('; ')}`;
}

/** Whether the unit did not keep a version, for whatever reason. */
export const wasRefused = (outcome: Reported['outcome'] | undefined): outcome is FailedVersion['outcome'] =>
  outcome === 'rejected' || outcome === 'rolled-back';

/** Reasons that are about the document, its signature or its time: other settings in its place would have been refused, too. */
const aboutDocument: ReadonlySet<string> = new Set<RefusalCode>([
  ...(['oversized', 'not-json', 'malformed', 'other-schema'] as const),
  ...(['no-trust', 'not-signed', 'signature-malformed', 'unknown-key', 'altered', 'not-allowed'] as const),
  ...(['other-unit', 'older-version', 'version-taken', 'expired', 'issued-later', 'expires-first'] as const),
  ...(['not-durable', 'audit-behind'] as const),
]);

function failureOf(row: Row, reported: Reported | undefined): FailedVersion | undefined {
  const outcome = outcomeOf(row, reported);
  if (!wasRefused(outcome)) return undefined;
  const { at, reasons } = row.became ?? reported ?? { at: row.released, reasons: [] };
  const ofDocument = reasons.length > 0 && reasons.every((reason) => aboutDocument.has(reason.split(':')[0] ?? ''));
  return outcome === 'rejected' && ofDocument ? undefined : { version: row.version, outcome, at, reasons };
}

async function settingsOf(
  { client, io }: Session,
  unit: string,
  version: number,
  { desired }: ConfigHistory,
): Promise<Settings | undefined> {
  if (desired?.version === version) return desired.settings;
  const found = await client.find('configVersion', { parameters: { unit, version: `${version}` } }, io.signal);
  return found?.settings;
}
