import { z } from 'zod';
import type { ModelIdentity } from '../../detect/detect-messages.ts';
import type { Box } from '../../detect/detection.ts';
import { rejectReasons } from '../../plate/plate-reader.ts';
import { type TrackPlate, type TrackRead, unreadReasons } from '../../plate/vote/track-plate.ts';
import { momentOf } from './make-record.ts';
import { count, digest, moment, text } from './record.ts';

/**
 * What is sealed of a plate as `plate.json`: canonical JSON, to whose bytes the record commits by their SHA-256. Places are pixels of the
 * full picture, confidences probabilities from 0 to 1.
 */
export const plateSchema = 'atalaya/plate/1';

const probability = z.number().min(0).max(1);
const point = z.tuple([z.number(), z.number()]);
/** Corners of a text line, clockwise from the top left as it reads. */
const quad = z.tuple([point, point, point, point]);

/** Left, top, width, height. */
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const read = z.strictObject({
  frame: count,
  /** Since the source began, as in the record's track. */
  elapsedMs: z.number(),
  /** Empty where nothing could be read. */
  text: z.string(),
  confidence: probability,
  /** In the vote. */
  weight: z.number().min(0),
  reason: z.enum([...rejectReasons, 'counted', 'outvoted']),
  quad,
});

const common = {
  schema: z.literal(plateSchema),
  /** 32 random bytes: nobody finds the rest by trying all plates against the commitment. */
  salt: digest,
  /** The track of the infraction. */
  track: z.int(),
  /** Crops that the reader has answered for, and crops for which there was no time. */
  looked: count,
  dropped: count,
  /** Every read of the track, oldest frame first. */
  reads: z.array(read),
  /** Reads that are not among them, because there were too many. */
  omitted: count,
  /** The plate's pictures beside this file, before they are sealed: whoever opened them without the authority's key holds them against this. */
  pictures: z.array(z.strictObject({ name: text, sha256: digest })),
  /** The networks that read. */
  models: z.array(z.strictObject({ id: text, version: text, sha256: digest })),
  /** Blanks that fill the file up, so that its size does not tell what was read. */
  padding: z.string().regex(/^ *$/),
};

export const plateFile = z.discriminatedUnion('outcome', [
  z.strictObject({
    ...common,
    outcome: z.literal('read'),
    text,
    /** Id of the national format that it fits. */
    format: text,
    confidence: probability,
    /** As the frame that shows it best has them. */
    characters: z.array(z.strictObject({ character: text, confidence: probability })),
    /** Looks, each independent of the others, that by themselves say the text. */
    agreeing: z.number().min(0),
    /** Which frame shows it best. */
    frame: count,
    time: moment,
    quad,
    /** The vehicle in that frame, as it was followed: the record's track ends with the accusation, and the plate may be read later. */
    vehicle: box,
    /** `read`: this frame by itself says the text; `alternative`: none does, and this one supports it most. */
    said: z.enum(['read', 'alternative']),
  }),
  z.strictObject({
    ...common,
    outcome: z.literal('unread'),
    reason: z.enum(unreadReasons),
    /** The frame that came closest; none where there was no crop. */
    frame: count.nullable(),
    time: moment.nullable(),
    quad: quad.nullable(),
    vehicle: box.nullable(),
  }),
]);

export type PlateFile = z.infer<typeof plateFile>;
export type PlateRead = PlateFile['reads'][number];
type Statement<File> = File extends unknown ? Omit<File, 'schema' | 'salt' | 'padding'> : never;
/** What is stated of a plate, before salt and padding make it a file. */
export type PlateStatement = Statement<PlateFile>;

/** What the unit states of the plate of the road user that the infraction's track is. */
export function statementOf(
  plate: TrackPlate,
  track: number,
  models: readonly ModelIdentity[],
  pictures: readonly PlateFile['pictures'][number][] = [],
): PlateStatement {
  const { looked, dropped, omitted, reads } = plate;
  const about = {
    track,
    looked,
    dropped,
    omitted,
    reads: reads.map(readOf),
    pictures: [...pictures],
    models: models.map(({ id, version, sha256 }) => ({ id, version, sha256 })),
  };
  if (plate.kind === 'unread') {
    const { best } = plate;
    return {
      ...about,
      outcome: 'unread',
      reason: plate.reason,
      frame: best?.frame ?? null,
      time: best === undefined ? null : momentOf(best.time),
      quad: best?.quad === undefined ? null : cornersOf(best.quad),
      vehicle: best === undefined ? null : sidesOf(best.crop.vehicle),
    };
  }
  const { text, format, confidence, agreeing, characters, winner } = plate;
  return {
    ...about,
    outcome: 'read',
    text,
    format,
    confidence,
    agreeing,
    characters: characters.map(({ character, confidence }) => ({ character, confidence })),
    frame: winner.frame,
    time: momentOf(winner.time),
    quad: cornersOf(winner.quad),
    vehicle: sidesOf(winner.crop.vehicle),
    said: winner.said,
  };
}

function readOf({ frame, time, text, confidence, weight, reason, quad }: TrackRead): PlateRead {
  return { frame, elapsedMs: time.elapsed, text, confidence, weight, reason, quad: cornersOf(quad) };
}

const sidesOf = ({ x, y, width, height }: Box): [number, number, number, number] => [x, y, width, height];

function cornersOf([a, b, c, d]: TrackRead['quad']): PlateRead['quad'] {
  return [
    [a.x, a.y],
    [b.x, b.y],
    [c.x, c.y],
    [d.x, d.y],
  ];
}
