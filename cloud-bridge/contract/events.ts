import { z } from 'zod';
import { actId, digest, instant, reason, sequence, shortText, streamId } from './names.ts';

/** What units tell, each kind once. Unknown fields pass: newer units talk to older centres. */

/** An entry of the unit's ledger as it is signed: whoever writes `record` as RFC 8785 canonical JSON has the bytes that `signature` is over. */
export const ledgerEntry = z.looseObject({
  record: z.looseObject({ schema: z.string().min(1).max(100), unit: z.string(), sequence: z.int().positive() }),
  /** Base64; over the canonical JSON of `record`. */
  signature: z.string().min(1).max(1000),
});

export const alertStates = ['raised', 'critical', 'closed'] as const;

/** An alert is one state of affairs with one id from `raised` to `closed`. */
export const alert = z.looseObject({
  id: actId,
  /** What is the matter, of a closed list on the unit: `camera-lost`, `disk-nearly-full`, `clock-unreliable`, `watch-list`, ... */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  state: z.enum(alertStates),
  /** When this state began. */
  since: instant,
  /** For a person; never a plate. */
  detail: z.string().max(1000),
  /** Figures that it was judged by. */
  figures: z.record(z.string().max(60), z.union([z.number(), z.string().max(200)])).optional(),
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
  /** Seconds since the program began. */
  uptimeS: figure,
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
      /** 0 new, 100 worn out. */
      diskWearPercent: figure.optional(),
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
});

/** The data of an event by its kind. */
export const eventData = { infraction: ledgerEntry, audit: ledgerEntry, alert, count, telemetry } as const;

const place = {
  lane: z.enum(['alert', 'infraction', 'telemetry']),
  /** Which numbering: a unit that lost its queue begins another. */
  stream: streamId,
};

const link = {
  sequence,
  /** The event before it in this stream; 0 before the first. Between the two the unit has dropped what its bound did not hold. */
  previous: z.int().min(0),
  time: instant,
};

/** Events that follow one another in one lane, as many as fit a packet, or a piece of one that fits none. */
export const eventMessage = <Data extends z.ZodType>(data: Data) =>
  z.union([
    z.looseObject({
      ...place,
      events: z
        .array(z.looseObject({ ...link, data }))
        .min(1)
        .max(1000),
    }),
    z.looseObject({
      ...place,
      ...link,
      /** The event's data as JSON text, UTF-8, cut in pieces of equal length, each in base64. */
      part: z.looseObject({ index: z.int().min(0), count: z.int().min(2).max(1000), sha256: digest }),
      content: z.string().min(1),
    }),
  ]);

export type Alert = z.infer<typeof alert>;
export type AlertState = (typeof alertStates)[number];
export type Telemetry = z.infer<typeof telemetry>;
export type LedgerEntry = z.infer<typeof ledgerEntry>;

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
