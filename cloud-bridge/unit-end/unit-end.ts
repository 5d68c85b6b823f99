import type { Clock } from '../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { toIso } from '../../device/kernel/units.ts';
import type { JobUpdate } from '../../ota/contract/job.ts';
import type { VersionReport } from '../../ota/contract/version-report.ts';
import type { Command, Reply } from '../contract/acts.ts';
import { filtersOf, topicOf } from '../contract/address.ts';
import type { CertificateReport } from '../contract/certificate.ts';
import type { Ack } from '../contract/events.ts';
import type { EvidenceGet } from '../contract/evidence.ts';
import { encodeMessage, type Message, parseMessage, type Refused } from '../contract/message.ts';
import { refusedFor } from '../contract/refusal.ts';
import type { Reported, UnitState } from '../contract/state.ts';
import type { StreamAnswer, StreamGet } from '../contract/stream.ts';
import type { TopicName, TopicParameters, TopicPayload } from '../contract/topics.ts';
import type { Arrival, Link, LinkHandlers, LinkSession } from '../link/link.ts';

/** What the unit says of itself besides whether it is there. */
export type OwnState = Omit<UnitState, 'online' | 'at' | 'protocol'>;

/** Where each message from the centre goes. None of them throws; what takes long returns at once and goes on by itself. */
export interface Inboxes {
  readonly ack: (ack: Ack) => void;
  /** The bytes as they came: a signature is over what was sent. */
  readonly desired: (payload: Buffer) => Promise<void>;
  readonly command: (command: Command, topic: { readonly name: string; readonly id: string }) => Promise<void>;
  readonly evidenceGet: (get: EvidenceGet) => Promise<void>;
  readonly cosigned: (note: string) => Promise<void>;
  /** The bytes as they came; absent where the certificate is renewed by hand. */
  readonly certificateGrant?: (payload: Buffer) => void;
  /** Absent where this unit takes no updates. */
  readonly updates?: UpdateInbox;
}

/** What concerns updates. None of it throws; a file's blocks come faster than anything else, and are taken at once. */
export interface UpdateInbox {
  /** Id of the job that is hinted at; nothing of it is believed. */
  readonly notified: (job: string) => void;
  readonly answered: (answer: StreamAnswer) => void;
  readonly block: (stream: string, block: number, bytes: Buffer) => void;
}

export interface UnitEndParts {
  readonly unit: string;
  /** Opens the link to the broker with this last will. */
  readonly openLink: (handlers: LinkHandlers, will: LastWill) => Link;
  readonly inboxes: Inboxes;
  readonly state: () => OwnState;
  /** The newest signed state of the log; undefined while there is none. */
  readonly checkpoint: () => string | undefined;
  /** How old the certificate is, and whether the next one is asked for; absent or undefined where that is nobody's to say. */
  readonly certificate?: () => CertificateReport | undefined;
  /** How far the newest update has got; absent or undefined where there is none. */
  readonly jobUpdate?: () => JobUpdate | undefined;
  /** What the unit runs, signed. */
  readonly versions?: () => VersionReport | undefined;
  readonly clock: Clock;
  /** A connection stands, and the unit has said that it is there. */
  readonly online: (session: LinkSession) => void;
  readonly offline: (fault: AtalayaError | undefined) => void;
  /** A message that was not taken, and why. */
  readonly refused: (refused: Refused) => void;
  /** What stands for the unit could not be said as it is: of no form that the contract has, or more than the broker takes. */
  readonly onFault?: (fault: AtalayaError) => void;
}

export interface LastWill {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

/** Everything that a centre may send. */
const inbound: readonly TopicName[] = [
  'ack',
  'cosigned',
  'evidenceGet',
  'desired',
  'certificateGrant',
  'command',
  'jobNotify',
  'streamAnswer',
  'streamData',
];

/**
 * What stands for the whole unit and is said anew at each connection; of each only the newest counts. In this order: the state names the
 * key that a checkpoint is checked with.
 */
const standing = ['state', 'reported', 'certificate', 'checkpoint', 'jobUpdate', 'versions'] as const;
type Standing = (typeof standing)[number];

/**
 * The unit's end of the conversation with its centre: one session, its retained state, and the way of each message to whom it concerns.
 *
 * Guarantees: `online` is told of a connection that stands, has the subscriptions, and whose retained state says so; when it is lost or the
 * program dies, the broker says that the unit is gone; of what stands for the unit the newest gets through, however
 * often the link fails meanwhile, and one that never will does not hold up the others; a message that is not of the contract
 * changes nothing and is counted.
 */
export class UnitEnd {
  readonly #parts: UnitEndParts;
  readonly #dirty = new Set<Standing>();
  readonly #counts = { taken: 0, refused: 0 };
  #link: Link | undefined;
  #session: LinkSession | undefined;
  #reported: Reported | undefined;
  #saying: Promise<void> | undefined;
  #closed = false;

  constructor(parts: UnitEndParts) {
    this.#parts = parts;
  }

  get counts(): { readonly taken: number; readonly refused: number } {
    return { ...this.#counts };
  }

  /** Undefined while the link is down. */
  get session(): LinkSession | undefined {
    return this.#session;
  }

  /** Opens the link; it connects by itself, now and whenever it is lost. To be called once. */
  open(): Link {
    const { unit, openLink } = this.#parts;
    const will = { topic: topicOf('state', unit, {}), payload: this.#gone(), retain: true };
    const link = openLink(
      {
        online: (session) => this.#online(session),
        offline: (fault) => {
          this.#session = undefined;
          this.#parts.offline(fault);
        },
        arrived: (arrival) => this.#arrived(arrival),
      },
      will,
    );
    this.#link = link;
    void link.subscribe(inbound.flatMap((name) => filtersOf(name, unit, { anyVersion: true }))).catch(() => {});
    return link;
  }

  /** The unit's state has changed. */
  stateChanged(): void {
    this.#say('state');
  }

  /** What became of a configuration: kept, and said at each connection. */
  report(reported: Reported): void {
    this.#reported = reported;
    this.#say('reported');
  }

  /** There is a newer checkpoint. */
  checkpointed(): void {
    this.#say('checkpoint');
  }

  /** What is said of the certificate has changed. */
  certificateChanged(): void {
    this.#say('certificate');
  }

  /** What is said of the newest update has changed. */
  jobChanged(): void {
    this.#say('jobUpdate');
  }

  /** What the unit runs has changed, or is asked for under another nonce. */
  versionsChanged(): void {
    this.#say('versions');
  }

  /** Asks for blocks of a file of the update repositories. Rejects with `link-down`. */
  streamGet(get: StreamGet): Promise<void> {
    return this.#publish('streamGet', {}, get);
  }

  /** Publishes the answer to a command. Rejects with `link-down` where it did not get through: offer it again when online. */
  reply(reply: Reply): Promise<void> {
    return this.#publish('reply', { id: reply.id }, reply);
  }

  /** Publishes a block of evidence. Rejects with `link-down`. */
  block(evidence: string, file: string, block: number, content: Uint8Array): Promise<void> {
    return this.#publish('evidenceBlock', { id: evidence, file, block: String(block) }, content);
  }

  /** Says that the unit is gone, and ends. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#link?.close({ topic: topicOf('state', this.#parts.unit, {}), payload: this.#gone(), retain: true });
    await this.#saying?.catch(() => undefined);
  }

  async #online(session: LinkSession): Promise<void> {
    this.#session = session;
    // What was being said on the connection before ends with it.
    await this.#saying?.catch(() => undefined);
    for (const one of standing) this.#dirty.add(one);
    await this.#sayAll();
    // A connection that was lost meanwhile is none, whatever else was said of it.
    if (this.#session === session) this.#parts.online(session);
  }

  async #arrived({ topic, payload }: Arrival): Promise<void> {
    const message = parseMessage(topic, payload, 'down');
    if (message.kind === 'refused') return this.#unreadable(message, payload);
    if (message.unit !== this.#parts.unit) {
      return this.#refuse(refusedFor('foreign-topic', `it is for ${message.unit}`));
    }
    this.#counts.taken += 1;
    await this.#deliver(message, payload);
  }

  /** A document that cannot even be read is answered as any other that is refused: with the reasons. */
  async #unreadable(refused: Refused, payload: Buffer): Promise<void> {
    const { unit, inboxes } = this.#parts;
    const own = refused.unit === unit;
    // What is emptied is no grant: the centre has heard the answer.
    if (own && refused.name === 'certificateGrant' && payload.byteLength === 0) return;
    // Nor a hint: what it hinted at is over.
    if (own && refused.name === 'jobNotify' && payload.byteLength === 0) return;
    this.#refuse(refused);
    if (own && refused.name === 'desired') await inboxes.desired(payload);
    if (own && refused.name === 'certificateGrant') inboxes.certificateGrant?.(payload);
  }

  #deliver(message: Message, payload: Buffer): Promise<void> | void {
    const { inboxes } = this.#parts;
    switch (message.name) {
      case 'ack':
        return inboxes.ack(message.content);
      case 'desired':
        return inboxes.desired(payload);
      case 'certificateGrant':
        if (inboxes.certificateGrant !== undefined) return inboxes.certificateGrant(payload);
        return this.#refuse(refusedFor('wrong-way', 'the certificate of this unit is renewed by hand'));
      case 'command':
        return inboxes.command(message.content, message.parameters);
      case 'evidenceGet':
        return inboxes.evidenceGet(message.content);
      case 'cosigned':
        return inboxes.cosigned(message.content.note);
      case 'jobNotify':
        return inboxes.updates?.notified(message.content.job);
      case 'streamAnswer':
        return inboxes.updates?.answered(message.content);
      case 'streamData':
        return inboxes.updates?.block(message.parameters.id, Number(message.parameters.block), message.content);
      default:
        return this.#refuse(refusedFor('wrong-way', `${message.name} is not for a unit`));
    }
  }

  #refuse(refused: Refused): void {
    this.#counts.refused += 1;
    this.#parts.refused(refused);
  }

  #say(what: Standing): void {
    this.#dirty.add(what);
    if (this.#session === undefined || this.#closed) return;
    this.#sayAll().catch((error: unknown) => this.#tell(error));
  }

  /** One at a time; what changes while it goes on is said by it too. Rejects with `link-refused` where the broker does not take the state. */
  #sayAll(): Promise<void> {
    this.#saying ??= this.#sayDirty().finally(() => {
      this.#saying = undefined;
    });
    return this.#saying;
  }

  /** What fails for want of a link is said at the next connection. What fails for itself is told, and said again when it has changed. */
  async #sayDirty(): Promise<void> {
    const next = () => standing.find((one) => this.#dirty.has(one));
    for (let what = next(); what !== undefined; what = next()) {
      this.#dirty.delete(what);
      try {
        await this.#sayOne(what);
      } catch (error) {
        if (isAtalayaError(error, 'link-down')) {
          this.#dirty.add(what);
          return;
        }
        // A broker that does not let the unit say that it is there is not its broker.
        if (what === 'state') throw error;
        this.#tell(error);
      }
    }
  }

  async #sayOne(what: Standing): Promise<void> {
    switch (what) {
      case 'state':
        return this.#sayState();
      case 'reported':
        return this.#reported === undefined ? undefined : this.#publish('reported', {}, this.#reported);
      case 'certificate': {
        const report = this.#parts.certificate?.();
        return report === undefined ? undefined : this.#publish('certificate', {}, report);
      }
      case 'jobUpdate': {
        const update = this.#parts.jobUpdate?.();
        return update === undefined ? undefined : this.#publish('jobUpdate', {}, update);
      }
      case 'versions': {
        const report = this.#parts.versions?.();
        return report === undefined ? undefined : this.#publish('versions', {}, report);
      }
      case 'checkpoint': {
        const note = this.#parts.checkpoint();
        return note === undefined ? undefined : this.#publish('checkpoint', {}, { note });
      }
    }
  }

  /** A state that is not of the contract's form is told, and the unit says that it is there all the same. */
  async #sayState(): Promise<void> {
    const { protocol } = this.#session ?? {};
    const here = {
      ...(protocol === undefined ? {} : { protocol }),
      online: true,
      at: toIso(this.#parts.clock.utc()),
    };
    try {
      await this.#publish('state', {}, { ...this.#parts.state(), ...here });
    } catch (error) {
      if (!isAtalayaError(error, 'internal')) throw error;
      this.#tell(error);
      await this.#publish('state', {}, here);
    }
  }

  #tell(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#parts.onFault?.(isAtalayaError(error) ? error : new AtalayaError('internal', message, { cause: error }));
  }

  async #publish<N extends TopicName>(
    name: N,
    parameters: TopicParameters<N>,
    content: TopicPayload<N>,
  ): Promise<void> {
    const { payload, qos, retain } = encodeMessage(name, content);
    if (this.#link === undefined) throw new AtalayaError('link-down', 'the link is not open yet');
    await this.#link.publish(topicOf(name, this.#parts.unit, parameters), payload, { qos, retain });
  }

  #gone(): string {
    const { boot } = this.#parts.state();
    return JSON.stringify({ online: false, ...(boot === undefined ? {} : { boot }) });
  }
}
