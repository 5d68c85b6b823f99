import type { Desired } from '../../contract/acts.ts';
import type { Reported } from '../../contract/state.ts';

/** The last word of a unit on one version. */
export interface ConfigOutcome {
  readonly outcome: Exclude<Reported['outcome'], 'none'>;
  /** When the unit says that it came to this. */
  readonly at: string;
  readonly reasons: readonly string[];
}

/** The document `config/{unit}/{version, 12 digits}`. */
export interface ReleasedConfig {
  /** As it was signed. */
  readonly document: Desired;
  /** Of what was signed. */
  readonly sha256: string;
  readonly released: string;
  /** Name of who released it. */
  readonly by: string;
  /** When the broker had it. */
  readonly published?: string;
  /** The last word of the unit on it; absent while it has said nothing. */
  readonly became?: ConfigOutcome;
}

/** Of the document of a version: in the order of versions. */
export function configKey(unit: string, version: number): string {
  return `${unit}/${String(version).padStart(12, '0')}`;
}
