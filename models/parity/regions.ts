/** Regions of a probability map, to compare two maps: not how a unit traces plates, only connected pixels and the boxes around them. */

export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** The largest value inside. */
  readonly peak: number;
}

/** Boxes around connected pixels (four neighbours) above `threshold`, of `fewest` pixels or more. The map is `[height * width]`. */
export function regionsOf(
  map: Float32Array,
  width: number,
  { threshold, fewest }: { readonly threshold: number; readonly fewest: number },
): Region[] {
  const seen = new Uint8Array(map.length);
  const regions: Region[] = [];
  for (let start = 0; start < map.length; start++) {
    if (seen[start] === 1 || map[start]! <= threshold) continue;
    let [left, top, right, bottom, count, peak] = [width, Infinity, 0, 0, 0, 0];
    const pending = [start];
    seen[start] = 1;
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      [left, top, right, bottom] = [
        Math.min(left, x),
        Math.min(top, y),
        Math.max(right, x + 1),
        Math.max(bottom, y + 1),
      ];
      count += 1;
      peak = Math.max(peak, map[at]!);
      const neighbours = [x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1, at - width, at + width];
      for (const next of neighbours) {
        if (next < 0 || next >= map.length || seen[next] === 1 || map[next]! <= threshold) continue;
        seen[next] = 1;
        pending.push(next);
      }
    }
    if (count >= fewest) regions.push({ left, top, right, bottom, peak });
  }
  return regions;
}

/** The likeliest column at each step, repeats joined and blanks (column 0) dropped: greedy CTC decoding (Graves et al. 2006). */
export function greedyText(logits: Float32Array, alphabet: string): string {
  const best = bestColumns(logits, alphabet.length + 1);
  return best.map((column, i) => (column === 0 || column === best[i - 1] ? '' : alphabet[column - 1])).join('');
}

/** The likeliest column at each step. */
export function bestColumns(logits: Float32Array, columns: number): number[] {
  return Array.from({ length: logits.length / columns }, (_, step) => {
    const row = logits.subarray(step * columns, (step + 1) * columns);
    return row.reduce((best, value, column) => (value > row[best]! ? column : best), 0);
  });
}
