import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { withDeadline } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { KeeperOptions } from './keeper-options.ts';
import type { ConfigAct } from './keeper-state.ts';

/** What goes on waits no longer than this for the audit log. */
const AUDIT_DEADLINE = milliseconds(10_000);

/**
 * Brings owed acts into the audit log, oldest first, one run at a time: an act whose writing takes longer than its caller waits is not
 * written a second time beside it.
 */
export class AuditRun {
  readonly #options: Pick<KeeperOptions, 'audit' | 'problem' | 'timer'>;
  #taken = 0;
  #work: Promise<void> | undefined;

  constructor(options: Pick<KeeperOptions, 'audit' | 'problem' | 'timer'>) {
    this.#options = options;
  }

  /** Whether `run` has something to do. */
  due(owed: readonly ConfigAct[]): boolean {
    return this.#taken > 0 || (owed.length > 0 && this.#work === undefined);
  }

  /** How many of the oldest acts are in the log now; whoever calls takes them off before the next call. Never throws. */
  async run(owed: readonly ConfigAct[]): Promise<number> {
    if (this.#taken === 0) {
      this.#work ??= this.#write(owed).finally(() => {
        this.#work = undefined;
      });
      await withDeadline(this.#work, AUDIT_DEADLINE, 'writing to the audit log', this.#options.timer).catch(
        (error: unknown) => this.#tell(error),
      );
    }
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  async #write(owed: readonly ConfigAct[]): Promise<void> {
    for (const act of owed) {
      try {
        await this.#options.audit(act);
      } catch (error) {
        this.#tell(error);
        return;
      }
      this.#taken += 1;
    }
  }

  #tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.problem(isAtalayaError(error) ? error : new AtalayaError('internal', reason, { cause: error }));
  }
}
