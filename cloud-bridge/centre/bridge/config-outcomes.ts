import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Reported } from '../../contract/state.ts';
import type { Archive } from '../archive/archive.ts';
import { changeDocument } from './documents.ts';
import { type ConfigOutcome, configKey, type ReleasedConfig } from './released-config.ts';

/** How far a version has come by each outcome: what is further on was said later, whatever the unit's clock says. */
const rank: Readonly<Record<Reported['outcome'], number>> = {
  none: 0,
  rejected: 1,
  accepted: 2,
  trial: 3,
  confirmed: 4,
  'rolled-back': 5,
};

interface Said {
  readonly outcome: Reported['outcome'];
  readonly at: string;
  readonly version?: number | undefined;
}

/**
 * Whether a report is said after the one that stands. Reports come again: retained, not acknowledged, by a second bridge that is slower. By
 * its instant, and where that is the same or before, since a unit may say two things in a millisecond and set its clock back, by whether it
 * goes on from there: a later version, or further on with the same one.
 */
export function isLater(said: Said, standing: Said): boolean {
  const [now, before] = [Date.parse(said.at), Date.parse(standing.at)];
  if (now > before) return true;
  const [version, other] = [said.version ?? 0, standing.version ?? 0];
  if (version !== other) return now === before || version > other;
  return now === before ? rank[said.outcome] >= rank[standing.outcome] : rank[said.outcome] > rank[standing.outcome];
}

/** What a report says of versions: of the one that it is about, and of the one in force, whose own word may have been lost. */
export function outcomesIn({
  outcome,
  version,
  sha256,
  at,
  reasons,
  inForce,
  trialUntil,
}: Reported): readonly (ConfigOutcome & { readonly version: number; readonly sha256: string | undefined })[] {
  const own = outcome === 'none' || version === undefined ? [] : [{ version, sha256, outcome, at, reasons }];
  // While there is a trial, what is in force is the trial.
  if (trialUntil !== undefined || inForce.version === 0) return own;
  if (outcome === 'accepted' || outcome === 'trial' || inForce.version === version) return own;
  return [...own, { ...inForce, outcome: 'confirmed', at, reasons: [] }];
}

/** The last word after another one. What the unit had once taken it does not reject any more: that is an old document that came again. */
function lastWord(standing: ConfigOutcome | undefined, said: ConfigOutcome): ConfigOutcome {
  if (standing === undefined) return said;
  if (said.outcome === 'rejected' && standing.outcome !== 'rejected') return standing;
  if (said.outcome === standing.outcome && said.outcome === 'confirmed') return standing;
  return isLater(said, standing) ? said : standing;
}

/**
 * Keeps what became of every version of a unit, in the documents of the versions, and the newest report in `reported/{unit}`. Bears
 * repetition: the newest report is written last, so that one that was taken by half is taken again when it comes again.
 */
export class ConfigOutcomes {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Whether this very report stands. */
  async stands(unit: string, report: Reported): Promise<boolean> {
    const standing = await this.#archive.document('reported', unit);
    return standing !== undefined && canonicalJson(standing.value) === canonicalJson(report as unknown as JsonValue);
  }

  /** True where it is the newest. Throws what the archive throws. */
  async take(unit: string, report: Reported): Promise<boolean> {
    for (const { version, sha256, ...said } of outcomesIn(report)) await this.#settle(unit, version, sha256, said);
    const value = report as unknown as JsonValue;
    const after = await changeDocument(this.#archive, 'reported', unit, (before) =>
      before === undefined || isLater(report, before as unknown as Reported) ? value : before,
    );
    return canonicalJson(after) === canonicalJson(value);
  }

  /** Versions that were not released here are none of the history. */
  async #settle(unit: string, version: number, sha256: string | undefined, said: ConfigOutcome): Promise<void> {
    const key = configKey(unit, version);
    const released = (await this.#archive.document('config', key))?.value as unknown as ReleasedConfig | undefined;
    if (released === undefined || (sha256 !== undefined && sha256 !== released.sha256)) return;
    await changeDocument(this.#archive, 'config', key, (before) => {
      const config = before as unknown as ReleasedConfig;
      const became = lastWord(config.became, said);
      return (became === config.became ? before : { ...config, became }) as JsonValue;
    });
  }
}
