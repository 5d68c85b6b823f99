import type { Ledger } from '../../evidence/ledger.ts';
import { unknownWitness } from '../../evidence/log/transparency-log.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log/log.ts';

/** Takes the centre's cosignatures under the log's checkpoints. */
export class Cosigning {
  readonly #ledger: Pick<Ledger, 'cosign'>;
  readonly #log: Log;
  readonly #notice: (fault: AtalayaError) => void;
  readonly #maySay: () => boolean;
  /** The note that was taken last. */
  #taken: string | undefined;
  /** Why none is, where the unit's own settings are the reason. */
  #untaken: string | undefined;

  /** `maySay`: whether there is room in the log for one more line about what the other end sends. */
  constructor(ledger: Pick<Ledger, 'cosign'>, log: Log, notice: (fault: AtalayaError) => void, maySay: () => boolean) {
    this.#ledger = ledger;
    this.#log = log;
    this.#notice = notice;
    this.#maySay = maySay;
  }

  /** The same note once more is not written once more. Never throws. */
  async take(note: string): Promise<void> {
    if (note === this.#taken) return;
    try {
      const { size } = await this.#ledger.cosign(note);
      this.#taken = note;
      this.#untaken = undefined;
      this.#log.info({ part: 'witness', size }, 'a checkpoint was cosigned');
    } catch (error) {
      if (isAtalayaError(error, 'cosignature-refused') && error.message.includes(unknownWitness)) {
        // Every checkpoint will be refused for it until somebody changes the settings.
        if (this.#untaken === error.message) return;
        this.#untaken = error.message;
        this.#notice(error);
      } else if (this.#maySay()) this.#log.warn({ part: 'witness', error }, 'a cosignature was not taken');
    }
  }
}
