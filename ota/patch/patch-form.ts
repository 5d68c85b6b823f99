import { z } from 'zod';

/**
 * A patch makes the archive of one tree (`ota/archive`) of that of another. The file, its numbers with the least byte first:
 *
 *     magic     8 bytes    `ATPATCH1`
 *     size      4 bytes    of the header as it stands here
 *     header    size       `patchHeader` as JSON, compressed by Zstandard
 *     frames               one after the other, each a Zstandard frame whose prefix is made of stretches of the base
 *
 * What the frames unpack to, one after the other, is the new content; `steps` say how it alternates with stretches of the base. The signed
 * metadata says which tree it is for and which it makes.
 */
export const patchMagic = Buffer.from('ATPATCH1', 'latin1');

/** Bounds of what somebody who applies a patch has to hold. Bytes. */
export const patchBounds = {
  /** Of the header, compressed and not. */
  header: 2 ** 20,
  headerText: 4 * 2 ** 20,
  /** Of what one frame unpacks to. */
  content: 8 * 2 ** 20,
  /** Of one frame's prefix. */
  prefix: 16 * 2 ** 20,
} as const;

const count = z.int().min(0);
/** Numbers of a list at most. */
const most = 300_000;

export const patchHeader = z.strictObject({
  /** Bytes of the archives. */
  base: count,
  result: count,
  /**
   * Three numbers a step: bytes of new content; then where in the base the copied stretch begins, counted from the end of the one before; and its bytes.
   */
  steps: z.array(z.int()).max(most),
  /** In their order. */
  frames: z
    .array(
      z.strictObject({
        /** Bytes of what it unpacks to. */
        content: count.min(1).max(patchBounds.content),
        /** Bytes of the frame. */
        size: count.min(1).max(patchBounds.content * 2),
        /** Its prefix: two numbers a stretch, as the last two of a step. */
        prefix: z.array(z.int()).max(most),
      }),
    )
    .max(most),
});
export type PatchHeader = z.infer<typeof patchHeader>;

/** A part of the base's archive. */
export interface Stretch {
  readonly offset: number;
  /** Bytes; more than none. */
  readonly length: number;
}

export interface PatchStep {
  /** Bytes of new content that come first. */
  readonly fresh: number;
  /** What is copied then; absent at the end. */
  readonly copy?: Stretch;
}

/** The numbers of stretches, each counted from the end of the one before, so that they are small and alike. */
export function numbersOf(stretches: readonly Stretch[]): number[] {
  let at = 0;
  return stretches.flatMap(({ offset, length }) => {
    const from = offset - at;
    at = offset + length;
    return [from, length];
  });
}

export function stepNumbers(steps: readonly PatchStep[]): number[] {
  let at = 0;
  return steps.flatMap(({ fresh, copy }) => {
    if (copy === undefined) return [fresh, 0, 0];
    const from = copy.offset - at;
    at = copy.offset + copy.length;
    return [fresh, from, copy.length];
  });
}

/**
 * What is before each frame's stretches of the base: so that no content is taken for a dictionary with tables, which begins with a magic number of
 * its own (RFC 8878, 5).
 */
export const prefixBeginning = Buffer.of(0);
