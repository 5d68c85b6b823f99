import { z } from 'zod';
import { actId, digest, instant, reason, sequence, shortText, streamId } from './names.ts';
import { type Lane, lanes } from './outbox.ts';

/** What units tell, each kind once. Unknown fields pass: newer units talk to older centres. */

/** An entry of the unit's ledger as it is signed: whoever writes `record` as RFC 8785 canonical JSON has the bytes that `signature` is over. */
export const ledgerEntry = z.looseObject({
  record: z.looseObject({ schema: z.string().min(1).max(100), unit: shortText, sequence }),
  signature: z.base64().min(4).max(1000).describe('Base64; over the canonical JSON of `record`'),
});

export const alertStates = ['raised', 'critical', 'closed'] as const;

/** An alert is one state of affairs with one id from `raised` to `closed`. */
export const alert = z.looseObject({
  id: actId,
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .describe(
      'What is the matter, of a closed list on the unit: `camera-lost`, `disk-nearly-full`, `clock-unreliable`, `watch-list`, ...',
    ),
  state: z.enum(alertStates),
  since: instant.describe('When this state began'),
  detail: z.string().max(1000).describe('For a person; never a plate'),
  figures: z
    .record(z.string().max(60), z.union([z.number(), z.string().max(200)]))
    .optional()
    .describe('Figures that it was judged by'),
});

/** A vehicle crossed a counting line. */
export const count = z.looseObject({
  line: shortText,
  direction: shortText,
  class: z.string().max(40),
  dated: z.boolean(),
});

const figure = z.number();

/** Figures of the machine and of the pipeline; what is not known is absent. */
export const telemetry = z.looseObject({
  uptimeS: figure.describe('Seconds since the program began'),
  machine: z
    .looseObject({
      cpuLoad: figure.optional(),
      temperatureC: figure.optional(),
      throttled: z.boolean().optional(),
      memoryUsedBytes: figure.optional(),
      memoryTotalBytes: figure.optional(),
      processBytes: figure.optional(),
      diskFreeBytes: figure.optional(),
      diskTotalBytes: figure.optional(),
      diskWearPercent: figure.optional().describe('0 new, 100 worn out'),
      networkReceivedBytes: figure.optional(),
      networkSentBytes: figure.optional(),
      powerVolts: figure.optional(),
      underVoltage: z.boolean().optional(),
    })
    .optional(),
  pipeline: z
    .looseObject({
      framesProcessed: figure.optional(),
      framesSkipped: figure.optional(),
      framesDamaged: figure.optional(),
      framesPerSecond: figure.optional(),
      inferenceMs: figure.optional(),
      tracksLive: figure.optional(),
      detections: figure.optional().describe('Road users found in frames, since the program began'),
      infractions: figure.optional(),
      lost: figure.optional(),
      platesRead: figure.optional(),
      platesUnread: figure.optional(),
    })
    .optional(),
  sync: z
    .looseObject({
      queued: z.record(z.string(), figure).optional(),
      dropped: figure.optional(),
      reconnects: figure.optional(),
      sentBytes: figure.optional(),
      refused: figure.optional(),
    })
    .optional(),
  degraded: z
    .array(z.string().max(60))
    .max(50)
    .optional()
    .describe('What the unit does without for the moment, of a closed list on the unit: `plates-not-read`, ...'),
});

/** The data of an event by its kind. */
export const eventData = { infraction: ledgerEntry, audit: ledgerEntry, alert, count, telemetry } as const;

/** Pieces of one event at the most, some 9 MB: whoever puts them together holds as much. */
export const mostParts = 100;

const numbering = {
  stream: streamId.describe('Which numbering: a unit that lost its queue begins another'),
};

/** Typed as any lane, so that whoever handles messages of all kinds needs no case for each. */
const only = (lane: Lane): z.ZodType<Lane, Lane> => z.literal(lane);

const link = {
  sequence,
  previous: z
    .int()
    .min(0)
    .describe(
      'The event before it in this stream; 0 before the first. Between the two the unit has dropped what its bound did not hold.',
    ),
  time: instant,
};

interface Linked {
  readonly sequence: number;
  readonly previous: number;
}

const backwards = 'previous is not below sequence';

/** Events in the order of their lane, each linked to the one before it. */
function inOrder(events: readonly Linked[]): boolean {
  return events.every(({ sequence, previous }, i) => {
    return previous < sequence && (i === 0 || previous >= (events[i - 1] as Linked).sequence);
  });
}

/** Events that follow one another in one lane, as many as fit a packet, or a piece of one that fits none. */
export const eventMessage = <Data extends z.ZodType>(lane: Lane, data: Data) =>
  z.union([
    z.looseObject({
      lane: only(lane),
      ...numbering,
      events: z
        .array(z.looseObject({ ...link, data }))
        .min(1)
        .max(1000)
        .refine(inOrder, 'is not in the order of its lane'),
    }),
    z
      .looseObject({
        lane: only(lane),
        ...numbering,
        ...link,
        part: z
          .looseObject({ index: z.int().min(0), count: z.int().min(2).max(mostParts), sha256: digest })
          .refine(({ index, count }) => index < count, 'has an index beyond its count')
          .describe('Which piece of how many; the SHA-256 is of the whole text'),
        content: z
          .base64()
          .min(4)
          .describe(
            "The event's data as JSON text, UTF-8, cut in pieces of equal length, the last one shorter; base64",
          ),
      })
      .refine(({ sequence, previous }) => previous < sequence, backwards),
  ]);

export type Alert = z.infer<typeof alert>;
export type AlertState = (typeof alertStates)[number];
export type Telemetry = z.infer<typeof telemetry>;
export type LedgerEntry = z.infer<typeof ledgerEntry>;

const place = { lane: z.enum(lanes), ...numbering };

/** Everything up to here is durable at the centre; the unit may forget it. */
export const ack = z.looseObject({
  marks: z
    .array(z.looseObject({ ...place, upTo: z.int().min(0) }))
    .min(1)
    .max(50),
  /** What the centre will not take, ever: the unit keeps it, tells a person and goes on behind it. */
  refused: z
    .array(z.looseObject({ ...place, sequence, reason }))
    .max(100)
    .optional(),
});
export type Ack = z.infer<typeof ack>;
