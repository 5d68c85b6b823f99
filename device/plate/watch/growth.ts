/** Capture time over which growth is looked for, ms, and the least that tells anything. */
const LONG = 800;
const SHORT = 400;
/**
 * Growth between the halves of that time from which a vehicle comes nearer. A single box is off by some 3 %, the median of half a
 * dozen by about 1 %. Who is wrongly held to come nearer is waited for a little; who is wrongly held not to stays unread.
 */
const NEARER = 1.02;

/** Whether a vehicle comes nearer, by the size of its boxes. One box beside another tells their noise: it is medians that are compared. */
export class Growth {
  #sizes: readonly { readonly elapsed: number; readonly size: number }[] = [];

  /** Takes the size of the newest box, in pixels, and its capture time, ms. */
  add(elapsed: number, size: number): void {
    this.#sizes = [...this.#sizes.filter((one) => one.elapsed > elapsed - LONG), { elapsed, size }];
  }

  /** True where the boxes of the newer half of the last 0.8 s are larger than those of the older half; false before 0.4 s are seen. */
  get nearer(): boolean {
    const [first, last] = [this.#sizes[0], this.#sizes.at(-1)];
    if (first === undefined || last === undefined || last.elapsed - first.elapsed < SHORT) return false;
    const middle = (first.elapsed + last.elapsed) / 2;
    const half = (newer: boolean) => this.#sizes.filter(({ elapsed }) => elapsed > middle === newer);
    return median(half(true)) > NEARER * median(half(false));
  }
}

function median(sizes: readonly { readonly size: number }[]): number {
  const sorted = sizes.map(({ size }) => size).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return ((sorted[middle] ?? 0) + (sorted[(sorted.length - 1) >> 1] ?? 0)) / 2;
}
