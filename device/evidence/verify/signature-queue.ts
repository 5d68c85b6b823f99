import type { Finding, Ledger } from './finding.ts';
import { type PublicKey, verifies, verifiesAside } from './keys.ts';

export interface Signed {
  readonly bytes: Buffer;
  readonly signature: Buffer;
  readonly where: Pick<Finding, 'path' | 'byte' | 'entry'>;
}

/**
 * Checks the signatures of entries: at once where `workers` is 0, else on as many threads of Node's pool (which has
 * UV_THREADPOOL_SIZE of them), while the journal is read on.
 */
export class SignatureQueue {
  readonly #key: PublicKey;
  readonly #workers: number;
  readonly #ledger: Ledger;
  #waiting: Signed[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(key: PublicKey, workers: number, ledger: Ledger) {
    this.#key = key;
    this.#workers = workers;
    this.#ledger = ledger;
  }

  add(signed: Signed): void {
    this.#ledger.counts.signatures += 1;
    if (this.#workers === 0) this.#judge(signed, verifies(this.#key, signed.bytes, signed.signature));
    else this.#waiting.push(signed);
  }

  /** Starts what was added since the last call, once what was started then is done: two batches at most are in memory. */
  async turn(): Promise<void> {
    await this.#running;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#running = Promise.all(Array.from({ length: this.#workers }, (_, lane) => this.#lane(batch, lane)));
    // A fault of one batch is met by the next turn; until then it must not count as unhandled.
    this.#running.catch(() => undefined);
  }

  async finish(): Promise<void> {
    await this.turn();
    await this.#running;
  }

  async #lane(batch: readonly Signed[], lane: number): Promise<void> {
    for (let at = lane; at < batch.length; at += this.#workers) {
      const signed = batch[at] as Signed;
      this.#judge(signed, await verifiesAside(this.#key, signed.bytes, signed.signature));
    }
  }

  #judge({ where }: Signed, good: boolean): void {
    if (good) return;
    const check = this.#key.kind === 'ed25519' ? 'RFC 8032' : 'FIPS 186-5, ECDSA';
    const says = `The signature of entry ${where.entry} is not one of the given key over these bytes of its record.`;
    this.#ledger.fail({ ...where, part: 'signature', check, says });
  }
}
