import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { eventData } from '../../contract/events.ts';
import type { LaneEvent } from '../../contract/lane-source.ts';
import { type Lane, laneOf, type OutboxEvent } from '../../contract/outbox.ts';
import type { EventKind } from '../../contract/topics.ts';

/**
 * An event as it lies in a spool, RFC 8785: `{"data":...,"kind":"count","time":"2026-03-01T12:00:00.000Z"}`. Kind and time stand at the end
 * and have known lengths, so the text of the data is cut out as it is, without being parsed.
 *
 * Throws `internal` for an event of another lane, data that its schema refuses, and a time outside the years 0 to 9999.
 */
export function encodeEntry(lane: Lane, { kind, time, data }: OutboxEvent): Buffer {
  if (laneOf[kind] !== lane) throw new AtalayaError('internal', `an event of kind ${kind} is not for the lane ${lane}`);
  const checked = eventData[kind].safeParse(data);
  if (!checked.success) {
    const fields = checked.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
    throw new AtalayaError(
      'internal',
      `the data of an event of kind ${kind} is not as its schema has it: ${fields.join('; ')}`,
    );
  }
  const text = Number.isFinite(time) ? toIso(time) : '';
  if (text.length !== timeLength)
    throw new AtalayaError('internal', 'the time of an event is not of the years 0 to 9999');
  return Buffer.from(`${begin}${canonicalJson(data)}${kindMark}${kind}${timeMark}${text}${end}`);
}

/** An entry of a spool as the drain takes it. Throws `store-damaged` where it is something else. */
export function decodeEntry(
  payload: Buffer,
  { sequence, previous, bytes }: { readonly sequence: number; readonly previous: number; readonly bytes: number },
): LaneEvent {
  const timeAt = payload.byteLength - end.length - timeLength;
  const kindEnd = timeAt - timeMark.length;
  const kindAt = payload.lastIndexOf(kindMark, kindEnd, 'latin1');
  const kind = kindAt === -1 ? '' : payload.toString('latin1', kindAt + kindMark.length, kindEnd);
  const framed =
    payload.toString('latin1', 0, begin.length) === begin && payload.toString('latin1', kindEnd, timeAt) === timeMark;
  if (!framed || !isKind(kind)) {
    throw new AtalayaError('store-damaged', `entry ${sequence} of the spool is no event`, {
      hint: 'Keep the folder of the spool and start with an empty one.',
    });
  }
  const time = payload.toString('latin1', timeAt, timeAt + timeLength);
  return new StoredEvent({ sequence, previous, kind, time, bytes }, payload.subarray(begin.length, kindAt));
}

class StoredEvent implements LaneEvent {
  readonly sequence: number;
  readonly previous: number;
  readonly kind: EventKind;
  readonly time: string;
  readonly bytes: number;
  readonly json: Buffer;

  constructor(head: Omit<LaneEvent, 'data' | 'json'>, json: Buffer) {
    this.sequence = head.sequence;
    this.previous = head.previous;
    this.kind = head.kind;
    this.time = head.time;
    this.bytes = head.bytes;
    this.json = json;
  }

  get data(): JsonValue {
    return JSON.parse(this.json.toString()) as JsonValue;
  }
}

const begin = '{"data":';
const kindMark = ',"kind":"';
const timeMark = '","time":"';
const end = '"}';
const timeLength = '2026-03-01T12:00:00.000Z'.length;

const isKind = (kind: string): kind is EventKind => Object.hasOwn(eventData, kind);
