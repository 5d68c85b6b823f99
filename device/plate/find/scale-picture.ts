/** RGB pixels, row-major, interleaved, without padding. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** For each output position the first of the `count` source positions that it weighs, and their weights, which sum to 1. */
interface Windows {
  readonly count: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/**
 * A triangle as wide as the scale asks for: linear interpolation where the picture grows, an average over all that an output pixel covers
 * where it shrinks, so that thin strokes do not vanish between two samples. Beyond the picture its edge is continued.
 */
function windowsOf(source: number, outputs: number): Windows {
  const scale = source / outputs;
  const reach = Math.max(1, scale);
  const count = Math.ceil(2 * reach);
  const first = new Int32Array(outputs);
  const weights = new Float32Array(outputs * count);
  for (let i = 0; i < outputs; i += 1) {
    const centre = (i + 0.5) * scale - 0.5;
    const start = Math.floor(centre - reach) + 1;
    first[i] = start;
    let sum = 0;
    for (let k = 0; k < count; k += 1) {
      const weight = Math.max(0, 1 - Math.abs(start + k - centre) / reach);
      weights[i * count + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k += 1) weights[i * count + k] = weights[i * count + k]! / sum;
  }
  return { count, first, weights };
}

/** Scales a picture to exactly `width` x `height`, each direction by a scale of its own. */
export function scalePicture(picture: Pixels, width: number, height: number): Uint8Array {
  const rows = windowsOf(picture.height, height);
  const columns = windowsOf(picture.width, width);
  const out = new Uint8Array(width * height * 3);
  // Rows first: whole lines are added up, which is the cheaper direction. A line goes on at both ends as far as a window can reach.
  const margin = columns.count * 3;
  const line = new Float32Array(picture.width * 3 + 2 * margin);
  const inner = line.subarray(margin, line.length - margin);
  const starts = columns.first.map((first) => first * 3 + margin);
  for (let y = 0; y < height; y += 1) {
    weighRows(picture, rows, y, inner);
    for (let i = 0; i < margin; i += 1) {
      line[i] = inner[i % 3]!;
      line[line.length - margin + i] = inner[inner.length - 3 + (i % 3)]!;
    }
    writeLine(line, starts, columns, out, y * width * 3);
  }
  return out;
}

/** Sets the line to the rows of an output row, weighed. */
function weighRows({ data, width, height }: Pixels, { count, first, weights }: Windows, y: number, line: Float32Array) {
  line.fill(0);
  for (let k = 0; k < count; k += 1) {
    const weight = weights[y * count + k]!;
    const from = Math.min(height - 1, Math.max(0, first[y]! + k)) * width * 3;
    for (let i = 0; i < line.length; i += 1) line[i] = line[i]! + weight * data[from + i]!;
  }
}

/** Writes an output row; `starts` says where in the line each of its pixels begins to weigh. */
function writeLine(
  line: Float32Array,
  starts: Int32Array,
  { count, weights }: Windows,
  out: Uint8Array,
  start: number,
): void {
  for (let i = 0, to = start, k = 0; i < starts.length; i += 1, to += 3) {
    let red = 0.5;
    let green = 0.5;
    let blue = 0.5;
    for (let p = starts[i]!, end = k + count; k < end; k += 1, p += 3) {
      const weight = weights[k]!;
      red += weight * line[p]!;
      green += weight * line[p + 1]!;
      blue += weight * line[p + 2]!;
    }
    out[to] = red | 0;
    out[to + 1] = green | 0;
    out[to + 2] = blue | 0;
  }
}
