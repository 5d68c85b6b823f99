import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { Link } from '../../link/link.ts';
import type { Refusal, Watermark } from '../archive/archive.ts';

/** Acknowledgements on their way at the same time. */
const wide = 128;
const mostMarks = 50;
const mostRefused = 100;
/** Kept for a unit while the broker is slow; of what is beyond it the unit hears when it sends it again. */
const mostKept = 1000;

interface Pending {
  /** By lane and stream: the highest. */
  readonly marks: Map<string, Watermark>;
  refused: Refusal[];
}

/**
 * Tells units how far their lanes are durable. Marks that wait are put together, so a slow broker costs no memory. One that is lost on the
 * way is not sent again from here: the unit sends what it has no acknowledgement for, and that is acknowledged again.
 */
export class Acks {
  readonly #link: Pick<Link, 'publish' | 'state'>;
  readonly #log: Log;
  readonly #pending = new Map<string, Pending>();
  #inFlight = 0;
  #sent = 0;
  #lost = 0;

  constructor(link: Pick<Link, 'publish' | 'state'>, log: Log) {
    this.#link = link;
    this.#log = log;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Those that the broker did not take. */
  get lost(): number {
    return this.#lost;
  }

  /** What is durable, and nothing else. */
  add(marks: readonly Watermark[], refused: readonly Refusal[]): void {
    for (const mark of marks) {
      const { marks: waiting } = this.#of(mark.unit);
      const key = `${mark.lane}/${mark.stream}`;
      if (mark.upTo >= (waiting.get(key)?.upTo ?? 0)) waiting.set(key, mark);
    }
    for (const event of refused) {
      const pending = this.#of(event.unit);
      if (pending.refused.length < mostKept) pending.refused.push(event);
    }
    this.#pump();
  }

  #of(unit: string): Pending {
    const known = this.#pending.get(unit) ?? { marks: new Map(), refused: [] };
    this.#pending.set(unit, known);
    return known;
  }

  #pump(): void {
    while (this.#inFlight < wide) {
      const next = this.#pending.entries().next();
      if (next.done === true) return;
      const [unit, pending] = next.value;
      this.#pending.delete(unit);
      const marks = [...pending.marks.values()];
      const rest = { marks: marks.slice(mostMarks), refused: pending.refused.slice(mostRefused) };
      void this.#send(unit, marks.slice(0, mostMarks), pending.refused.slice(0, mostRefused));
      if (rest.marks.length > 0 || rest.refused.length > 0) {
        const later = this.#of(unit);
        // A message bears at least one mark; the last one is as true the second time.
        for (const mark of rest.marks.length > 0 ? rest.marks : marks.slice(-1)) {
          later.marks.set(`${mark.lane}/${mark.stream}`, mark);
        }
        later.refused.push(...rest.refused);
      }
    }
  }

  async #send(unit: string, marks: readonly Watermark[], refused: readonly Refusal[]): Promise<void> {
    if (marks.length === 0 || this.#link.state.kind !== 'online') {
      this.#lost += 1;
      return;
    }
    this.#inFlight += 1;
    try {
      const { payload, qos } = encodeMessage('ack', {
        marks: marks.map(({ lane, stream, upTo }) => ({ lane, stream, upTo })),
        ...(refused.length === 0
          ? {}
          : {
              refused: refused.map(({ lane, stream, sequence, reason }) => ({ lane, stream, sequence, reason })),
            }),
      });
      await this.#link.publish(topicOf('ack', unit, {}), payload, { qos });
      this.#sent += 1;
    } catch (error) {
      this.#lost += 1;
      if (!isAtalayaError(error, 'link-down'))
        this.#log.warn({ part: 'acks', unit, error }, 'an acknowledgement was not taken');
      if (!(error instanceof AtalayaError)) throw error;
    } finally {
      this.#inFlight -= 1;
      this.#pump();
    }
  }
}
