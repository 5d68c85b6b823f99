/** What a stand-in for a camera's program is told to do, in one of its lives. */
export interface Life {
  /** Says this on stderr and ends with 255. */
  readonly refuse?: string;
  /** Milliseconds before the first picture. */
  readonly startMs?: number;
  /** Falls silent after so many pictures, and lives on. */
  readonly stallAfter?: number;
  /** Writes half of the picture with this index, and falls silent. */
  readonly halfAt?: number;
  /** Says `message` after so many pictures and ends with `code`. */
  readonly endAfter?: { readonly pictures: number; readonly message: string; readonly code: number };
  /** Bytes of no picture before the first one. */
  readonly garbage?: number;
  /** Bytes of no picture before the picture with this index. */
  readonly garbageAt?: { readonly picture: number; readonly bytes: number };
  /** From this picture on they have another size. */
  readonly otherSizeAt?: number;
  /** So many pictures come at once. */
  readonly burst?: number;
  /** Does not end when it is asked to. */
  readonly ignoresTerm?: boolean;
  /** Says so much on stderr with every picture. */
  readonly chatter?: string;
}

/** The stand-in's orders: one life after the other, the last one again and again. */
export interface Orders {
  readonly lives: readonly Life[];
  /** MJPEG file that it shows, over and over; a second one of another size. */
  readonly pictures: string;
  readonly others: string;
  /** File to which each start adds its arguments as a line of JSON. */
  readonly starts: string;
}
