import type { People } from '../../../cloud-bridge/contract/people.ts';
import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import type { Timer } from '../../kernel/timer.ts';
import type { Milliseconds } from '../../kernel/units.ts';
import type { Config } from '../config-schema.ts';
import type { DocumentRef } from './judge-desired.ts';
import type { TrialProbe } from './keeper-plan.ts';
import type { ConfigAct } from './keeper-state.ts';
import type { Needs } from './settings.ts';
import type { UnitFacts } from './unit-facts.ts';

/**
 * What the keeper is given of the unit. Nothing of it is called before `begin`: until then there is no unit yet, only the question what to
 * start it with.
 */
export interface KeeperOptions {
  /** `config/` in the data folder. */
  readonly folder: string;
  readonly files: Files;
  /** The unit's own file, complete, its paths absolute. */
  readonly base: Config;
  readonly facts: UnitFacts;
  /** Who is trusted now; undefined: nobody. */
  readonly people: () => People | undefined;
  readonly clock: Clock;
  readonly timer: Timer;
  /**
   * Brings a configuration into force. `live`: resolves when every changed field is obeyed. `restart`: resolves when a start is
   * arranged, and does not wait for it, nor for the keeper, which waits for this. A fault, or no end within a minute, is a failed trial.
   */
  readonly apply: (config: Config, changed: readonly string[], needs: Needs) => Promise<void>;
  /** What the unit has done since a moment of the monotonic clock, under the configuration in force: heard the broker, seen a frame, sealed. */
  readonly probe: (since: Milliseconds) => TrialProbe;
  /** Seals something for the trial: an entry of the signed ledger. It is asked again after a fault. */
  readonly prove: (trial: DocumentRef) => Promise<void>;
  /** Not waited for; the unit says `reported()` again at every connection. */
  readonly report: (reported: Reported) => void | Promise<void>;
  /** Writes an act into the audit log. One that failed is tried again, after a power cut perhaps a second time. */
  readonly audit: (act: ConfigAct) => Promise<void>;
  /** What went wrong and was survived. */
  readonly problem: (fault: AtalayaError) => void;
}
