/** How well one detector finds again what another one found. Pure: boxes in, counts out. */

export interface Found {
  readonly className: string;
  readonly score: number;
  /** Unit coordinates of the picture. */
  readonly box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };
}

export interface ParityBounds {
  /** A detection of this score or more must be found again ... */
  readonly wanted: number;
  /** ... with this score or more, the same class, */
  readonly accepted: number;
  /** and at least this intersection over union. */
  readonly overlap: number;
}

export const parityBounds: ParityBounds = { wanted: 0.5, accepted: 0.4, overlap: 0.5 };

export interface Recovery {
  /** Detections that had to be found again, over all frames. */
  readonly wanted: number;
  readonly recovered: number;
}

/**
 * Counts the detections of `reference` that `other` found as well; both hold one list per frame, after suppression. Each detection of
 * `other` answers for one of `reference` only, the best-scored first.
 */
export function recovery(
  reference: readonly (readonly Found[])[],
  other: readonly (readonly Found[])[],
  overlapOf: (a: Found['box'], b: Found['box']) => number,
  bounds: ParityBounds = parityBounds,
): Recovery {
  let wanted = 0;
  let recovered = 0;
  reference.forEach((frame, i) => {
    const free = new Set(other[i]?.filter((found) => found.score >= bounds.accepted));
    for (const target of frame.filter((found) => found.score >= bounds.wanted).toSorted((a, b) => b.score - a.score)) {
      wanted += 1;
      const matches = [...free].filter(
        (found) => found.className === target.className && overlapOf(found.box, target.box) >= bounds.overlap,
      );
      const match = matches.toSorted((a, b) => overlapOf(b.box, target.box) - overlapOf(a.box, target.box))[0];
      if (match === undefined) continue;
      free.delete(match);
      recovered += 1;
    }
  });
  return { wanted, recovered };
}

/** 1 where nothing was wanted. */
export function share({ wanted, recovered }: Recovery): number {
  return wanted === 0 ? 1 : recovered / wanted;
}
