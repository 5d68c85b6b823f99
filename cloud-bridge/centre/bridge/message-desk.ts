import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { correlationOf, eventName, type Log } from '../../../device/kernel/log/log.ts';
import { commandArguments } from '../../contract/acts.ts';
import type { LedgerEntry } from '../../contract/events.ts';
import { type Message, parseMessage } from '../../contract/message.ts';
import type { TopicName, topics } from '../../contract/topics.ts';
import type { Archive, WholeEvent } from '../archive/archive.ts';
import type { CertificateKeeper } from '../renewal/certificate-keeper.ts';
import type { StreamDesk, UpdateDesk } from '../updates/update-ports.ts';
import type { AlertKeeper } from './alert-keeper.ts';
import type { Sentence } from './batch.ts';
import type { CommandRelay } from './command-relay.ts';
import type { ConfigOutcomes } from './config-outcomes.ts';
import type { EvidenceCollector } from './evidence-collector.ts';
import { queuesOf } from './forwarder.ts';
import type { Ingest } from './ingest.ts';
import { type EventMessageOf, type Offered, offeredOf, readWhole } from './offered-events.ts';
import { checkRecord, type RecordVerdict } from './record-check.ts';
import type { Refusals } from './refusals.ts';
import type { Twins } from './twins.ts';
import type { WitnessDesk } from './witness-desk.ts';

export interface DeskOptions {
  readonly archive: Archive;
  readonly twins: Twins;
  readonly ingest: Pick<Ingest, 'offer'>;
  readonly witness: Pick<WitnessDesk, 'offer'>;
  readonly collector: Pick<EvidenceCollector, 'block' | 'request'>;
  readonly commands: Pick<CommandRelay, 'replied'>;
  readonly outcomes: Pick<ConfigOutcomes, 'stands' | 'take'>;
  readonly certificates: Pick<CertificateKeeper, 'take'>;
  readonly updates: UpdateDesk;
  /** Absent: there is no update repository here. */
  readonly streams?: Pick<StreamDesk, 'asked'>;
  readonly alerts: Pick<AlertKeeper, 'raise'>;
  readonly refusals: Refusals;
  /** There are other programs behind queues. */
  readonly forward: boolean;
  /** A unit reported what became of its configuration. */
  readonly onReported: (unit: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

type UpName = { [N in TopicName]: (typeof topics)[N]['way'] extends 'up' ? N : never }[TopicName];
type UpMessage<N extends UpName> = Extract<Message, { readonly name: N }>;

/**
 * What becomes of each message of a unit. Hostile input ends here: it is counted, and changes nothing.
 *
 * Throws what the archive and the blobs throw; the message is then to be given again, or counted.
 */
export class MessageDesk {
  readonly #options: DeskOptions;
  #messages = 0;
  #bytes = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  get figures(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#messages, bytes: this.#bytes };
  }

  /** `retained`: the broker had it, from whenever. */
  async take(topic: string, payload: Buffer, retained = false): Promise<void> {
    this.#messages += 1;
    this.#bytes += payload.byteLength;
    const message = parseMessage(topic, payload, 'up');
    if (message.kind === 'refused') {
      this.#options.refusals.count(message.unit, message.reason, message.detail);
      return;
    }
    await this.#options.twins.seen(message.unit, retained);
    await this.#dispatch(message, payload.byteLength);
  }

  #dispatch<N extends UpName>(message: Message, bytes: number): Promise<void> {
    // What travels down was refused by `parseMessage`; the name picks the type of the message.
    const takers = this.#takers as Readonly<Record<string, (message: UpMessage<N>, bytes: number) => Promise<void>>>;
    return takers[message.name]?.(message as UpMessage<N>, bytes) ?? Promise.resolve();
  }

  readonly #takers: { readonly [N in UpName]: (message: UpMessage<N>, bytes: number) => Promise<void> } = {
    state: (message) => this.#state(message),
    infraction: (message, bytes) => this.#events(message, bytes),
    audit: (message, bytes) => this.#events(message, bytes),
    alert: (message, bytes) => this.#events(message, bytes),
    count: (message, bytes) => this.#events(message, bytes),
    telemetry: (message, bytes) => this.#events(message, bytes),
    checkpoint: async ({ unit, content }) => this.#options.witness.offer(unit, content.note),
    evidenceBlock: ({ unit, parameters: { id, file, block }, content }) =>
      this.#options.collector.block(unit, id, file, Number(block), content),
    reported: (message) => this.#reported(message),
    certificate: (message) => this.#certificate(message),
    reply: (message) => this.#reply(message),
    jobUpdate: ({ unit, content }) => this.#options.updates.said(unit, content),
    versions: (message) => this.#versions(message),
    streamGet: async ({ unit, content }) => this.#options.streams?.asked(unit, content),
  };

  async #state({ unit, content }: UpMessage<'state'>): Promise<void> {
    const { twins, alerts, refusals, updates } = this.#options;
    const outcome = await twins.state(unit, content);
    if (outcome.kind === 'refused') refusals.count(unit, 'malformed', outcome.detail);
    if (outcome.kind === 'taken' && content.signingKey !== undefined) await updates.keyKnown(unit);
    if (outcome.kind === 'other-key') {
      const detail = `the unit came with another signing key, ${outcome.key}, and nobody has accepted it`;
      await alerts.raise(unit, 'signing-key-changed', detail);
    }
  }

  async #events(message: EventMessageOf, bytes: number): Promise<void> {
    const { ingest, refusals } = this.#options;
    const { unit } = message;
    const offered = offeredOf(message);
    if (offered.kind === 'disorder') return refusals.count(unit, 'disorder', offered.detail);
    if (offered.kind === 'part') return ingest.offer(unit, [{ kind: 'piece', part: offered.part }], bytes);
    return ingest.offer(
      unit,
      offered.events.map((event) => this.#sentence(event)),
      bytes,
    );
  }

  /** What is to be made of an event that came in pieces: the same as of any other. */
  judge(whole: WholeEvent): Sentence | Promise<Sentence> {
    const read = readWhole(whole);
    if (read.kind === 'event') return this.#sentence(read.event);
    const { unit, lane, stream, sequence, previous } = whole;
    this.#options.refusals.count(unit, read.reason, read.detail, { event: nameOf(whole) });
    const reason = `${read.reason}: ${read.detail}`;
    return { kind: 'refuse', refusal: { unit, lane, stream, sequence, previous, reason } };
  }

  #sentence(event: Offered): Sentence | Promise<Sentence> {
    const { kind, data } = event;
    if (kind === 'infraction' || kind === 'audit') return this.#judged(event, data as unknown as LedgerEntry);
    return { kind: 'archive', event: this.#arrived(event) };
  }

  #arrived(event: Offered) {
    return { ...event, forwardTo: this.#options.forward ? queuesOf(event.kind, event.data) : [] };
  }

  async #judged(event: Offered, entry: LedgerEntry): Promise<Sentence> {
    const { twins, refusals, alerts, log } = this.#options;
    const { unit, lane, stream, sequence, previous } = event;
    const verdict = await this.#verdict(unit, entry, twins);
    if (verdict.kind === 'good') return { kind: 'archive', event: this.#arrived(event) };
    refusals.count(unit, verdict.reason, verdict.detail, { event: nameOf(event) });
    if (verdict.kind === 'held') return { kind: 'drop' };
    log.debug(
      { part: 'bridge', unit, event: nameOf(event), correlation: correlationOf(unit, nameOf(event)) },
      verdict.detail,
    );
    await alerts.raise(unit, 'record-refused', `${nameOf(event)}: ${verdict.detail}`);
    const reason = `${verdict.reason}: ${verdict.detail}`;
    return { kind: 'refuse', refusal: { unit, lane, stream, sequence, previous, reason } };
  }

  async #verdict(unit: string, entry: LedgerEntry, twins: Twins): Promise<RecordVerdict> {
    const verdict = await checkRecord(unit, entry, await twins.keys(unit));
    // Another bridge may have seen or accepted a key since.
    return verdict.kind === 'held' ? checkRecord(unit, entry, await twins.keys(unit, true)) : verdict;
  }

  async #reported({ unit, content }: UpMessage<'reported'>): Promise<void> {
    const { archive, outcomes, forward, onReported } = this.#options;
    // A retained report comes again with each connection.
    if (await outcomes.stands(unit, content)) return;
    const { version = 0, outcome, at } = content;
    // First the queue, so that a crash in between tells twice.
    if (forward) {
      const value = { unit, reported: content as unknown as JsonValue };
      await archive.forward('config.updates', `${unit}/config/${version}/${outcome}/${at}`, value);
    }
    if (await outcomes.take(unit, content)) onReported(unit);
  }

  async #certificate({ unit, content }: UpMessage<'certificate'>): Promise<void> {
    const { certificates, refusals } = this.#options;
    const why = await certificates.take(unit, content);
    if (why !== undefined) refusals.count(unit, 'malformed', why);
  }

  async #versions({ unit, content }: UpMessage<'versions'>): Promise<void> {
    const { updates, refusals } = this.#options;
    // What another unit has signed is none of this one's, whatever its topic.
    if (content.unit !== unit) return refusals.count(unit, 'malformed', 'unit: is another unit');
    await updates.reported(unit, content);
  }

  async #reply({ unit, content }: UpMessage<'reply'>): Promise<void> {
    const { commands, collector, refusals } = this.#options;
    const answered = await commands.replied(unit, content);
    if (answered.kind === 'unknown') refusals.count(unit, 'not-asked', 'a reply to a command that nobody gave here');
    if (answered.kind === 'unknown' || content.outcome !== 'done') return;
    // Also of a reply that came before: the one who took it may have died before this.
    const { command } = answered;
    if (command.name !== 'evidence-pull') return;
    const pull = commandArguments['evidence-pull'].safeParse(command.arguments);
    if (!pull.success) return;
    const { evidence, files } = pull.data;
    await collector.request(unit, evidence, files);
  }
}

const nameOf = ({ lane, stream, sequence }: Pick<Offered, 'lane' | 'stream' | 'sequence'>): string =>
  eventName(lane, stream, sequence);
