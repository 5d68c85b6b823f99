import type { CertificateReport } from '../../../cloud-bridge/contract/certificate.ts';
import type { LinkCredentials } from '../../../cloud-bridge/link/link-options.ts';
import type { CertificateChoice } from '../../../cloud-bridge/unit-end/renewal/certificate-choice.ts';
import { RenewalKeeper, type RenewalStanding } from '../../../cloud-bridge/unit-end/renewal/renewal-keeper.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log/log.ts';
import { supervise } from '../../kernel/supervise.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds, seconds, toMilliseconds } from '../../kernel/units.ts';
import type { UnitRenewal } from './renewal.ts';

export interface UnitRenewingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly notice: (fault: AtalayaError) => void;
  readonly tell: (sentence: string) => void;
  /** What is said of the certificate has changed, or is to be said again. */
  readonly changed: () => void;
  /** Connections are to be made anew. */
  readonly reopen: () => void;
}

/** A running unit's renewal: what it connects with, what it says of it, and the loop that looks after it. */
export class UnitRenewing {
  readonly #parts: UnitRenewingParts;
  readonly #choice: CertificateChoice;
  readonly #keeper: RenewalKeeper;

  constructor({ identity, choice }: UnitRenewal, parts: UnitRenewingParts) {
    const { clock, log, notice, changed, reopen } = parts;
    this.#parts = parts;
    this.#choice = choice;
    this.#keeper = new RenewalKeeper({
      ...{ identity, clock, timer: systemTimer, changed, notice },
      session: () => ({ serial: choice.session, problem: choice.problem }),
      answered: ({ outcome, reason, detail }) => this.#answered(outcome, reason, detail),
      replaced: ({ enrolled: { certificate: serial, expires } }) => {
        log.info({ part: 'certificate', serial, expires }, 'connecting anew, with the new certificate');
        reopen();
      },
    });
  }

  get report(): CertificateReport | undefined {
    return this.#keeper.report;
  }

  get standing(): RenewalStanding | undefined {
    return this.#keeper.standing;
  }

  credentials(): Promise<LinkCredentials> {
    return this.#choice.next();
  }

  online(): void {
    this.#choice.online();
    this.#keeper.look();
  }

  offline(fault: AtalayaError | undefined): void {
    this.#choice.offline(fault);
  }

  /** A grant came. */
  offer(grant: Uint8Array): void {
    this.#keeper.offer(grant);
  }

  /** Until stopped. Never rejects. */
  async run(stopping: AbortSignal): Promise<void> {
    const { clock, notice, reopen } = this.#parts;
    await supervise(
      ({ signal, beat }) =>
        this.#keeper.run(signal, () => {
          beat();
          if (this.#choice.isToTryAgain) reopen();
        }),
      {
        ...{ name: 'the renewal of the certificate', signal: stopping, clock, timer: systemTimer, random: Math.random },
        backoff: { first: milliseconds(1000), most: milliseconds(60_000) },
        deadline: toMilliseconds(seconds(300)),
        grace: toMilliseconds(seconds(3)),
        onFault: notice,
      },
    ).catch((error: unknown) => notice(error as AtalayaError));
  }

  #answered(outcome: 'installed' | 'refused', reason = '', detail = ''): void {
    const { log, tell } = this.#parts;
    const isGood = outcome === 'installed';
    const words = isGood
      ? 'certificate: the next one is in force'
      : `certificate: a grant of the next one was refused, ${reason}: ${detail}`;
    log[isGood ? 'info' : 'warn']({ part: 'certificate', outcome, reason }, words);
    tell(words);
  }
}
