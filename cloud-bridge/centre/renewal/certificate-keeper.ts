import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { topicOf } from '../../contract/address.ts';
import type { CertificateReport, GrantAnswer, RenewalGrant, RenewalView } from '../../contract/certificate.ts';
import { encodeMessage } from '../../contract/message.ts';
import { longestPayload } from '../../contract/topics.ts';
import type { Link } from '../../link/link.ts';
import type { Archive } from '../archive/archive.ts';
import { changeDocument } from '../bridge/documents.ts';
import { grantFault } from './grant-fault.ts';

/** The document `certificate/{unit}`. */
export interface KeptCertificate {
  readonly report: CertificateReport;
  /** When that came. */
  readonly reported: string;
  /** The newest. */
  readonly grant?: KeptGrant;
}

export interface KeptGrant {
  readonly document: RenewalGrant;
  /** Of the bytes that the unit is given. */
  readonly sha256: string;
  /** Name of who delivered it. */
  readonly by: string;
  readonly delivered: string;
  /** When the broker had it. */
  readonly relayed?: string;
  readonly answer?: GrantAnswer;
  /** When it was taken from the broker again. */
  readonly cleared?: string;
}

export type Delivery =
  | { readonly kind: 'delivered'; readonly sha256: string; readonly relayed: string | undefined }
  | { readonly kind: 'refused'; readonly reason: string };

/** A unit that speaks and says nothing of its grant is given it again, no more often than that. */
const sendAgainAfter = 600_000;

/**
 * What units say of their certificates, and the grants that they are given, as retained messages until they have answered.
 *
 * Guarantees: the newest request of each unit is durable before the broker's acknowledgement; a grant is durable before it is published;
 * what could not be published, or taken back, is as soon as there is a broker, by whichever bridge is there.
 */
export class CertificateKeeper {
  readonly #archive: Archive;
  readonly #link: Pick<Link, 'publish' | 'state'>;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Units of which the broker does not have what it is to have. */
  readonly #pending = new Set<string>();
  /** When a grant was given to the broker, of the monotonic clock. */
  readonly #sentAt = new Map<string, number>();

  constructor(archive: Archive, link: Pick<Link, 'publish' | 'state'>, clock: Clock, log: Log) {
    this.#archive = archive;
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
  }

  /** Finds what an earlier run left undone. `all`: every grant without an answer, for a broker that may have lost what it retained. */
  async load(all: boolean): Promise<void> {
    for (const { key, value } of await this.#archive.documents('certificate')) {
      const { grant } = value as unknown as KeptCertificate;
      if (grant !== undefined && (isOpen(grant) || (all && grant.answer === undefined))) this.#pending.add(key);
    }
  }

  /** Takes what a unit says. Why it is refused comes out, undefined where it is taken. Throws what the archive throws. */
  async take(unit: string, report: CertificateReport): Promise<string | undefined> {
    if (report.enrolled.unit !== unit) return 'enrolled.unit: is another unit';
    if (report.request !== undefined && report.request.unit !== unit) return 'request.unit: is another unit';
    const now = this.#clock.utc();
    const after = await changeDocument(this.#archive, 'certificate', unit, (before) => {
      const kept = before as unknown as KeptCertificate | undefined;
      if (kept !== undefined && (isSame(kept.report, report) || isLate(report, kept.report, now)))
        return before as JsonValue;
      const grant = kept?.grant && answeredBy(kept.grant, report);
      return { report, reported: toIso(now), ...(grant === undefined ? {} : { grant }) } as unknown as JsonValue;
    });
    const { grant } = after as unknown as KeptCertificate;
    if (grant === undefined) return undefined;
    if (isOpen(grant)) await this.#settle(unit);
    // It speaks of something else: a broker may have lost what it retained, and RabbitMQ gives it to no filter with a wildcard.
    else if (grant.answer === undefined && this.#isLongSince(unit)) await this.#settle(unit, true);
    return undefined;
  }

  #isLongSince(unit: string): boolean {
    return this.#clock.monotonic() - (this.#sentAt.get(unit) ?? Number.NEGATIVE_INFINITY) >= sendAgainAfter;
  }

  /** The same grant again is published again, where it has no answer yet. Throws what the archive throws. */
  async deliver(unit: string, document: RenewalGrant, by: string): Promise<Delivery> {
    const text = JSON.stringify(document);
    const bytes = Buffer.byteLength(text);
    if (bytes > longestPayload) return refused(`the grant has ${bytes} bytes, and ${longestPayload} is the most`);
    const digest = sha256(text);
    const now = this.#clock.utc();
    const standing = await this.#kept(unit);
    const why = standing?.grant?.sha256 === digest ? undefined : grantFault(unit, document, standing?.report, now);
    if (why !== undefined) return refused(why);
    let other: string | undefined;
    await changeDocument(this.#archive, 'certificate', unit, (before) => {
      const kept = before as unknown as KeptCertificate;
      other = kept.grant && takesPlaceFault(kept.grant, document, digest);
      if (other !== undefined || kept.grant?.sha256 === digest) return before as JsonValue;
      const grant: KeptGrant = { document, sha256: digest, by, delivered: toIso(now) };
      return { ...kept, grant } as unknown as JsonValue;
    });
    if (other !== undefined) return refused(other);
    await this.#settle(unit, true);
    return { kind: 'delivered', sha256: digest, relayed: (await this.#kept(unit))?.grant?.relayed };
  }

  /** In the order of names. */
  async list(): Promise<readonly RenewalView[]> {
    return (await this.#archive.documents('certificate')).map(({ key, value }) => {
      const { report, reported, grant } = value as unknown as KeptCertificate;
      return { unit: key, report, reported, ...(grant === undefined ? {} : { grant: viewOf(grant) }) };
    });
  }

  /** Publishes what waits for a broker. Throws what the archive throws. */
  async publishPending(): Promise<void> {
    for (const unit of [...this.#pending]) {
      if (this.#link.state.kind !== 'online') return;
      await this.#settle(unit, true);
    }
  }

  /**
   * Gives the broker what it is to have of a unit: the grant without an answer, or nothing. Looks again afterwards, since another bridge may
   * have delivered one while this one emptied the topic.
   */
  async #settle(unit: string, again = false): Promise<void> {
    this.#pending.add(unit);
    let publishAgain = again;
    for (;;) {
      const grant = (await this.#kept(unit))?.grant;
      const isDue = grant !== undefined && (isOpen(grant) || (publishAgain && grant.answer === undefined));
      if (!isDue) break;
      if (!(await this.#publish(unit, grant))) return;
      publishAgain = grant.answer !== undefined;
      await this.#mark(unit, grant);
    }
    this.#pending.delete(unit);
  }

  async #publish(unit: string, { document, answer }: KeptGrant): Promise<boolean> {
    const { payload, qos, retain } = encodeMessage('certificateGrant', document);
    try {
      // An empty message takes back what is retained (MQTT 5, 3.3.1.3).
      const content = answer === undefined ? payload : '';
      await this.#link.publish(topicOf('certificateGrant', unit, {}), content, { qos, retain });
      this.#sentAt.set(unit, this.#clock.monotonic());
      return true;
    } catch (error) {
      if (!(error instanceof AtalayaError)) throw error;
      this.#log.warn({ part: 'certificates', unit, version: document.version, error }, 'a grant waits for the broker');
      return false;
    }
  }

  async #mark(unit: string, { sha256: digest, answer }: KeptGrant): Promise<void> {
    const now = toIso(this.#clock.utc());
    await changeDocument(this.#archive, 'certificate', unit, (before) => {
      const kept = before as unknown as KeptCertificate;
      if (kept.grant?.sha256 !== digest) return before as JsonValue;
      const mark = answer === undefined ? { relayed: kept.grant.relayed ?? now } : { cleared: now };
      return { ...kept, grant: { ...kept.grant, ...mark } } as unknown as JsonValue;
    });
  }

  async #kept(unit: string): Promise<KeptCertificate | undefined> {
    return (await this.#archive.document('certificate', unit))?.value as unknown as KeptCertificate | undefined;
  }
}

/** Why a grant does not take the place of the one before it; the very same one stays where it is. */
function takesPlaceFault(before: KeptGrant, document: RenewalGrant, digest: string): string | undefined {
  const isRefused = before.answer?.outcome === 'refused';
  if (before.sha256 === digest) {
    return isRefused ? 'the unit has refused this very grant: sign its newest request again' : undefined;
  }
  if (isRefused || before.document.version <= document.version) return undefined;
  return `version ${before.document.version} was delivered; this grant is version ${document.version}: sign the newest request again`;
}

/** The broker does not have what it is to have. */
function isOpen({ relayed, answer, cleared }: KeptGrant): boolean {
  return answer === undefined ? relayed === undefined : cleared === undefined;
}

function isSame(one: CertificateReport, other: CertificateReport): boolean {
  return canonicalJson(one as JsonValue) === canonicalJson(other as JsonValue);
}

/** A clock of a unit that was ahead of ours by more than this was wrong, and what it dated holds nothing up. */
const ahead = 86_400_000;

/** A report that was overtaken: reports come again, retained, or by a second bridge that is slower. */
function isLate(said: CertificateReport, standing: CertificateReport, now: number): boolean {
  const at = Date.parse(standing.at);
  if (said.enrolled.version !== standing.enrolled.version) return said.enrolled.version < standing.enrolled.version;
  return Date.parse(said.at) < at && at <= now + ahead;
}

/** What the unit's words mean for a grant: its answer, or that it, or a later one, is in force. */
function answeredBy(grant: KeptGrant, { at, enrolled, answer }: CertificateReport): KeptGrant {
  if (grant.answer !== undefined) return grant;
  if (answer?.sha256 === grant.sha256) return { ...grant, answer };
  if (enrolled.version < grant.document.version) return grant;
  return { ...grant, answer: { sha256: grant.sha256, at, outcome: 'installed' } };
}

const viewOf = ({ document, sha256: digest, by, delivered, relayed, answer }: KeptGrant) => ({
  ...{ version: document.version, sha256: digest, by, delivered },
  ...(relayed === undefined ? {} : { relayed }),
  ...(answer === undefined ? {} : { answer }),
});

const refused = (reason: string): Delivery => ({ kind: 'refused', reason });
