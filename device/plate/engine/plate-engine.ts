/** The two networks of a plate's reader, behind what the code around them needs. One call at a time each. */

/** Finds text. */
export interface TextFinder {
  /** Library, version and precision. */
  readonly name: string;
  /**
   * Probability of text for each pixel, `[height * width]`, from a picture of `[height, width, 3]` bytes, red first; both sides are
   * multiples of 32. The result belongs to the caller. Rejects with `engine-failed`.
   */
  find(picture: Uint8Array, width: number, height: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Height of the strips that are read, in pixels. */
export const stripHeight = 48;

export interface StripLogits {
  /** `[count, steps, 37]`, not normalised: columns as in `formats/alphabet.ts`. */
  readonly logits: Float32Array;
  readonly steps: number;
}

/** Reads lines of text. */
export interface StripReader {
  readonly name: string;
  /**
   * `strips`: `[count, 48, width, 3]` bytes, red first; `width` is a multiple of 8. The result belongs to the caller. Rejects with
   * `engine-failed`.
   */
  read(strips: Uint8Array, count: number, width: number): Promise<StripLogits>;
  close(): Promise<void>;
}
