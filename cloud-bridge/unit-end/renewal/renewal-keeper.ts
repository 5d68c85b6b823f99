import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds, toIso, type UtcMilliseconds } from '../../../device/kernel/units.ts';
import type { GrantOutcome } from '../../../provisioning/contract/enrolment.ts';
import type { RenewalRequest } from '../../../provisioning/contract/enrolment-documents.ts';
import { type CertificateReport, type GrantAnswer, renewalGrant } from '../../contract/certificate.ts';
import { faultsOf, readJson } from '../../contract/read-json.ts';
import { longestPayload } from '../../contract/topics.ts';
import { Allowance } from '../commands/allowance.ts';
import type { InForce, RenewableIdentity } from './renewable-identity.ts';

export interface RenewalKeeperParts {
  readonly identity: RenewableIdentity;
  readonly clock: Clock;
  readonly timer: Timer;
  /** The certificate of the session, and why it is not the one in force. */
  readonly session: () => { readonly serial: string | undefined; readonly problem: string | undefined };
  /** The report is another one than before, or is to be said again. */
  readonly changed: () => void;
  /** Another certificate is in force: connections are to be made with that one. */
  readonly replaced: (inForce: InForce) => void;
  /** A grant was judged. */
  readonly answered: (answer: GrantAnswer) => void;
  /** What is survived and a person should know; the same words once. */
  readonly notice: (fault: AtalayaError) => void;
}

/** What the health of a unit asks of its renewal. */
export interface RenewalStanding {
  readonly due: UtcMilliseconds;
  readonly until: UtcMilliseconds;
  /** Due, and not granted. */
  readonly isAsked: boolean;
  /** Why the grant that came last was not taken. */
  readonly refused: string | undefined;
  readonly problem: string | undefined;
}

/** Between two looks at the certificate. */
const lookEvery = milliseconds(60_000);
/** A request that nobody answers is said again after so long: a broker may have lost what it retained. */
const sayAgainAfter = milliseconds(6 * 3_600_000);
/** Grants that are judged: a signature costs a millisecond, an installation the disk. */
const judgements = { most: 20, every: milliseconds(600_000) };

/**
 * Has the certificate of a unit renewed: asks when that is due, until it is granted; judges what comes, and puts it in force.
 *
 * Guarantees: it asks with one key until that is granted, over restarts too; of what is offered each is judged once and answered with what
 * became of it, and what is no renewal of this unit changes nothing; a fault of the disk is no answer, and the grant is tried again.
 */
export class RenewalKeeper {
  readonly #parts: RenewalKeeperParts;
  readonly #allowance: Allowance;
  #inForce: InForce | undefined;
  #request: RenewalRequest | undefined;
  #answer: GrantAnswer | undefined;
  /** The newest that was offered and is not judged. */
  #offered: Uint8Array | undefined;
  #report: CertificateReport | undefined;
  #saidAt: Milliseconds | undefined;
  #fault: string | undefined;
  #wake: () => void = () => {};

  constructor(parts: RenewalKeeperParts) {
    this.#parts = parts;
    this.#allowance = new Allowance(judgements, parts.clock.monotonic());
  }

  /** Undefined until the first look, and where there is no certificate. */
  get report(): CertificateReport | undefined {
    return this.#report;
  }

  get standing(): RenewalStanding | undefined {
    if (this.#inForce === undefined) return undefined;
    const { due, life, plan } = this.#inForce;
    const { outcome, reason, detail } = this.#answer ?? {};
    return {
      due,
      until: life.until,
      isAsked: plan.kind !== 'not-due',
      refused: outcome === 'refused' ? `${reason}: ${detail}` : undefined,
      problem: this.#parts.session().problem,
    };
  }

  /** A grant came; it is judged soon. */
  offer(grant: Uint8Array): void {
    this.#offered = grant;
    this.#wake();
  }

  /** Something may have changed that the report says. */
  look(): void {
    this.#wake();
  }

  /** Until stopped. Never rejects. */
  async run(signal: AbortSignal, beat: () => void): Promise<void> {
    while (!signal.aborted) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      try {
        await this.#judge();
        await this.#look();
        this.#fault = undefined;
      } catch (error) {
        this.#survive(error);
      }
      beat();
      await this.#parts.timer.sleep(lookEvery, AbortSignal.any([signal, woken.signal]));
    }
  }

  async #judge(): Promise<void> {
    const { identity, clock, answered } = this.#parts;
    const grant = this.#offered;
    if (grant === undefined) return;
    const digest = sha256(grant);
    if (digest !== this.#answer?.sha256) {
      if (!this.#allowance.take(clock.monotonic())) return;
      const outcome = formFault(grant) ?? (await identity.install(grant));
      this.#answer = { sha256: digest, at: toIso(clock.utc()), ...answerOf(outcome) };
      answered(this.#answer);
    }
    // One that came meanwhile is the next.
    if (this.#offered === grant) this.#offered = undefined;
    else this.#wake();
  }

  async #look(): Promise<void> {
    const { identity, clock, replaced } = this.#parts;
    const before = this.#inForce;
    const inForce = await identity.certificate();
    this.#inForce = inForce;
    if (inForce === undefined) return;
    const isOther = before !== undefined && before.enrolled.certificate !== inForce.enrolled.certificate;
    if (isOther || this.#request?.enrolled.version !== inForce.enrolled.version) this.#request = undefined;
    if (inForce.plan.kind === 'not-due') this.#request = undefined;
    else this.#request ??= await identity.renewalRequest();
    this.#compose(inForce);
    const waited = clock.monotonic() - (this.#saidAt ?? clock.monotonic());
    if (this.#saidAt === undefined || (this.#request !== undefined && waited >= sayAgainAfter)) {
      this.#saidAt = clock.monotonic();
      this.#parts.changed();
    }
    if (isOther) replaced(inForce);
  }

  /** A report that says the same keeps its instant. */
  #compose({ enrolled, life, due, plan }: InForce): void {
    const { serial, problem } = this.#parts.session();
    const said: Omit<CertificateReport, 'at'> = {
      enrolled,
      from: toIso(life.from),
      due: toIso(due),
      age: plan.kind,
      ...(serial === undefined ? {} : { session: serial }),
      ...(this.#request === undefined ? {} : { request: this.#request }),
      ...(this.#answer === undefined ? {} : { answer: this.#answer }),
      ...(problem === undefined ? {} : { problem }),
    };
    const { at, ...before } = this.#report ?? { at: undefined };
    if (at !== undefined && JSON.stringify(before) === JSON.stringify(said)) return;
    this.#report = { at: toIso(this.#parts.clock.utc()), ...said } as CertificateReport;
    this.#saidAt = undefined;
  }

  #survive(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#fault) return;
    this.#fault = message;
    this.#parts.notice(isAtalayaError(error) ? error : new AtalayaError('internal', message, { cause: error }));
  }
}

/** Why this is no renewal at all: what else a grant may say is not taken from afar. */
function formFault(grant: Uint8Array): GrantOutcome | undefined {
  const malformed = (detail: string): GrantOutcome => ({ kind: 'refused', reason: 'malformed', detail });
  if (grant.byteLength > longestPayload) {
    return malformed(`the grant has ${grant.byteLength} bytes, and ${longestPayload} is the most`);
  }
  const json = readJson(grant);
  if (json.kind === 'refused') return malformed(`the grant cannot be read: ${json.detail}`);
  const read = renewalGrant.safeParse(json.value);
  return read.success ? undefined : malformed(`this is no grant that renews and nothing else: ${faultsOf(read.error)}`);
}

function answerOf(outcome: GrantOutcome): Pick<GrantAnswer, 'outcome' | 'reason' | 'detail'> {
  if (outcome.kind === 'installed') return { outcome: 'installed' };
  return { outcome: 'refused', reason: outcome.reason, detail: outcome.detail.slice(0, 2000) };
}
