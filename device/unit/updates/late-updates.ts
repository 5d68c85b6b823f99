import type { JobUpdate } from '../../../ota/contract/job.ts';
import type { VersionReport } from '../../../ota/contract/version-report.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { CloudUpdates } from '../cloud/connected-cloud.ts';
import type { UnitUpdates, UpdateLink } from './unit-updates.ts';

export interface LateUpdatesOptions {
  /** Undefined: this unit trusts nobody's updates. */
  readonly open: () => Promise<UnitUpdates | undefined>;
  readonly timer: Timer;
  readonly notice: (fault: AtalayaError) => void;
}

const again: Milliseconds = milliseconds(600_000);

/**
 * The updates of a unit that may not be able to take any for the moment: a full disk, a medium that fails once. The unit does its work all the
 * same, says why, and tries again every ten minutes, since without them somebody would have to come.
 */
export class LateUpdates implements CloudUpdates {
  readonly #options: LateUpdatesOptions;
  readonly #closing = new AbortController();
  #inner: UnitUpdates | undefined;
  #link: UpdateLink | undefined;
  #online = false;
  #trying: Promise<void> = Promise.resolve();

  private constructor(options: LateUpdatesOptions) {
    this.#options = options;
  }

  /** Undefined where this unit takes none. Throws what is no fault of ours. */
  static async open(options: LateUpdatesOptions): Promise<LateUpdates | undefined> {
    const late = new LateUpdates(options);
    return (await late.#try()) === 'none' ? undefined : late;
  }

  get jobUpdate(): JobUpdate | undefined {
    return this.#inner?.jobUpdate;
  }

  get versions(): VersionReport | undefined {
    return this.#inner?.versions;
  }

  begin(link: UpdateLink | undefined): void {
    this.#link = link;
    if (this.#inner === undefined) this.#trying = this.#tryAgain();
    else this.#inner.begin(link);
  }

  judged(): void {
    this.#inner?.judged();
  }

  notified(job: string): void {
    this.#inner?.notified(job);
  }

  answered(answer: Parameters<CloudUpdates['answered']>[0]): void {
    this.#inner?.answered(answer);
  }

  block(stream: string, block: number, bytes: Buffer): void {
    this.#inner?.block(stream, block, bytes);
  }

  online(): void {
    this.#online = true;
    this.#inner?.online();
  }

  offline(): void {
    this.#online = false;
    this.#inner?.offline();
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#trying;
    await this.#inner?.close();
  }

  async #tryAgain(): Promise<void> {
    const { timer } = this.#options;
    const { signal } = this.#closing;
    while (this.#inner === undefined && !signal.aborted) {
      await timer.sleep(again, signal);
      if (!signal.aborted) await this.#try();
    }
    if (signal.aborted) return;
    this.#inner?.begin(this.#link);
    if (this.#online) this.#inner?.online();
  }

  async #try(): Promise<'none' | 'open' | 'later'> {
    try {
      this.#inner = await this.#options.open();
      return this.#inner === undefined ? 'none' : 'open';
    } catch (error) {
      // Whatever it is: a unit that can take no updates does its work all the same, and whoever would mend it needs it alive.
      this.#options.notice(
        isAtalayaError(error)
          ? error
          : new AtalayaError(
              'internal',
              `updates cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
              {
                cause: error,
              },
            ),
      );
      return 'later';
    }
  }
}
