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
  const line = new Float64Array(picture.width * 3 + 2 * margin);
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

/**
 * Sets the line to the rows of an output row, weighed. Up to three of them, which is the usual number, are read in one pass, since to read
 * and to write the line takes as long as to weigh. Sums are rounded to 32 bits after each row, however many a pass takes.
 */
function weighRows({ data, width, height }: Pixels, { count, first, weights }: Windows, y: number, line: Float64Array) {
  const at = (k: number) => Math.min(height - 1, Math.max(0, first[y]! + k)) * width * 3;
  const weight = (k: number) => weights[y * count + k]!;
  if (count === 2) setTwo(data, at(0), at(1), weight(0), weight(1), line);
  else setThree(data, [at(0), at(1), at(2)], [weight(0), weight(1), weight(2)], line);
  for (let k = 3; k < count; k += 1) {
    if (k + 1 < count) {
      addTwo(data, at(k), at(k + 1), weight(k), weight(k + 1), line);
      k += 1;
    } else addTwo(data, at(k), at(k), weight(k), 0, line);
  }
}

function setTwo(data: Uint8Array, p: number, q: number, a: number, b: number, line: Float64Array): void {
  for (let i = 0; i < line.length; i += 1) line[i] = Math.fround(Math.fround(a * data[p + i]!) + b * data[q + i]!);
}

type Three = readonly [number, number, number];

function setThree(data: Uint8Array, [p, q, r]: Three, [a, b, c]: Three, line: Float64Array): void {
  for (let i = 0; i < line.length; i += 1) {
    const two = Math.fround(Math.fround(a * data[p + i]!) + b * data[q + i]!);
    line[i] = Math.fround(two + c * data[r + i]!);
  }
}

function addTwo(data: Uint8Array, p: number, q: number, a: number, b: number, line: Float64Array): void {
  for (let i = 0; i < line.length; i += 1)
    line[i] = Math.fround(Math.fround(line[i]! + a * data[p + i]!) + b * data[q + i]!);
}

function writeLine(line: Float64Array, starts: Int32Array, windows: Windows, out: Uint8Array, start: number): void {
  const { count, weights } = windows;
  if (count === 2) writeOfTwo(line, starts, weights, out, start);
  else if (count === 3) writeOfThree(line, starts, weights, out, start);
  else writeOfMany(line, starts, windows, out, start);
}

function writeOfTwo(
  line: Float64Array,
  starts: Int32Array,
  weights: Float32Array,
  out: Uint8Array,
  start: number,
): void {
  for (let i = 0, to = start; i < starts.length; i += 1, to += 3) {
    const p = starts[i]!;
    const a = weights[i * 2]!;
    const b = weights[i * 2 + 1]!;
    out[to] = (0.5 + a * line[p]! + b * line[p + 3]!) | 0;
    out[to + 1] = (0.5 + a * line[p + 1]! + b * line[p + 4]!) | 0;
    out[to + 2] = (0.5 + a * line[p + 2]! + b * line[p + 5]!) | 0;
  }
}

function writeOfThree(
  line: Float64Array,
  starts: Int32Array,
  weights: Float32Array,
  out: Uint8Array,
  start: number,
): void {
  for (let i = 0, to = start; i < starts.length; i += 1, to += 3) {
    const p = starts[i]!;
    const a = weights[i * 3]!;
    const b = weights[i * 3 + 1]!;
    const c = weights[i * 3 + 2]!;
    out[to] = (0.5 + a * line[p]! + b * line[p + 3]! + c * line[p + 6]!) | 0;
    out[to + 1] = (0.5 + a * line[p + 1]! + b * line[p + 4]! + c * line[p + 7]!) | 0;
    out[to + 2] = (0.5 + a * line[p + 2]! + b * line[p + 5]! + c * line[p + 8]!) | 0;
  }
}

function writeOfMany(line: Float64Array, starts: Int32Array, windows: Windows, out: Uint8Array, start: number): void {
  const { count, weights } = windows;
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
