import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { eventName, type Log } from '../../../device/kernel/log/log.ts';
import { milliseconds, toIso } from '../../../device/kernel/units.ts';
import type { Archive, Arrived, Refusal } from '../archive/archive.ts';
import { messageOf } from '../archive/place.ts';
import type { AlertKeeper } from './alert-keeper.ts';
import { changeDocument } from './documents.ts';
import type { Refusals } from './refusals.ts';

export interface SetAsideOptions {
  readonly archive: Pick<Archive, 'ingest' | 'refuse' | 'document' | 'documents' | 'putDocument' | 'removeDocument'>;
  readonly alerts: Pick<AlertKeeper, 'raise'>;
  readonly refusals: Pick<Refusals, 'count'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The document `set-aside/{unit}/{lane}/{stream}/{sequence}`: the whole event, its data as bytes, so that no engine looks into them. */
interface AsideDocument extends Omit<Arrived, 'data'> {
  /** Base64 of the data as JSON text. */
  readonly content: string;
  /** Code of the fault with which the archive would not have it. */
  readonly code: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

interface Failing {
  times: number;
  /** Monotonic milliseconds of the first time. */
  readonly since: number;
}

/** An event is set aside when the archive took others beside it, and not this one, so many times over so long. */
const mostTimes = 5;
const longEnough = milliseconds(10 * 60_000);
/** Events whose failing is remembered; the one remembered longest is forgotten first, and begins anew. */
const mostRemembered = 10_000;

/**
 * Keeps an event that the archive will never have from holding up its lane for ever: it is put aside whole, durably, an alert is raised, the
 * unit is told, and the lane goes on.
 *
 * Guarantees: a fault of the archive itself sets nothing aside, for only those times count in which other events were taken in the same
 * moment; what is set aside is durable before its place is passed, and is in no log and no message; each start of a bridge offers it to the
 * archive again, so that a mended bridge brings it in, once.
 */
export class SetAside {
  readonly #options: SetAsideOptions;
  readonly #failing = new Map<string, Failing>();
  #count = 0;

  constructor(options: SetAsideOptions) {
    this.#options = options;
  }

  /** Events set aside by this bridge since its start. */
  get count(): number {
    return this.#count;
  }

  /** The archive did not take it, while it took others. Its refusal, where that is final now. Throws what the archive throws. */
  async failed(event: Arrived, { code }: AtalayaError): Promise<Refusal | undefined> {
    const { archive, alerts, refusals, clock, log } = this.#options;
    const key = messageOf(event);
    const failing = this.#failing.get(key) ?? { times: 0, since: clock.monotonic() };
    failing.times += 1;
    this.#failing.set(key, failing);
    this.#forgetOldest();
    if (failing.times < mostTimes || clock.monotonic() - failing.since < longEnough) return undefined;
    const { unit, lane, stream, sequence, previous, data, ...rest } = event;
    const name = eventName(lane, stream, sequence);
    const kept: AsideDocument = {
      ...{ unit, lane, stream, sequence, previous, ...rest, code, since: toIso(clock.utc()) },
      content: Buffer.from(JSON.stringify(data)).toString('base64'),
    };
    try {
      await changeDocument(archive, 'set-aside', key, () => kept as unknown as JsonValue);
    } catch (error) {
      if (!isAtalayaError(error) || error.disposition === 'retry') throw error;
      log.error({ part: 'ingest', unit, event: name, error }, 'an event cannot be set aside; its lane waits');
      return undefined;
    }
    const detail = `${name}: the archive takes others and not this event (${code}); it is kept aside, whole`;
    await alerts.raise(unit, 'event-set-aside', detail);
    log.error({ part: 'ingest', unit, event: name, code, times: failing.times }, 'an event is set aside');
    refusals.count(unit, 'set-aside', `the archive takes others and not this event: ${code}`, { event: name });
    this.#failing.delete(key);
    this.#count += 1;
    return { unit, lane, stream, sequence, previous, reason: `set-aside: the centre keeps it aside: ${code}` };
  }

  /** They were taken: what failed before was no fault of theirs. */
  taken(events: readonly Arrived[]): void {
    if (this.#failing.size === 0) return;
    for (const event of events) this.#failing.delete(messageOf(event));
  }

  /** Offers to the archive what lies aside. Resolves with the events that are archived now. Throws where the archive cannot be reached. */
  async offerAgain(): Promise<readonly Arrived[]> {
    const { archive, log } = this.#options;
    const brought: Arrived[] = [];
    for (const { key, version, value } of await archive.documents('set-aside')) {
      const event = eventOf(value as unknown as AsideDocument);
      const fields = { part: 'ingest', unit: event.unit, event: eventName(event.lane, event.stream, event.sequence) };
      try {
        const { conflicts } = await archive.ingest([event]);
        if (conflicts.length > 0) {
          log.warn(fields, 'another event stands in the place of one that was set aside; it stays aside');
          continue;
        }
      } catch (error) {
        if (!isAtalayaError(error) || error.disposition === 'retry') throw error;
        log.warn({ ...fields, error }, 'an event stays aside');
        continue;
      }
      await archive.removeDocument('set-aside', key, version);
      log.info(fields, 'an event that was set aside is archived');
      brought.push(event);
    }
    return brought;
  }

  #forgetOldest(): void {
    if (this.#failing.size <= mostRemembered) return;
    const [oldest] = this.#failing.keys();
    if (oldest !== undefined) this.#failing.delete(oldest);
  }
}

function eventOf({ content, code: _, since: __, ...event }: AsideDocument): Arrived {
  return { ...event, data: JSON.parse(Buffer.from(content, 'base64').toString()) as JsonValue };
}
