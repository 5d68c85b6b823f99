/** RGB pixels, row-major, interleaved, without padding. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** For each output position the source positions that it weighs, `count` each, and their weights, which sum to 1. */
interface Windows {
  readonly count: number;
  readonly from: Int32Array;
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
  const from = new Int32Array(outputs * count);
  const weights = new Float32Array(outputs * count);
  for (let i = 0; i < outputs; i += 1) {
    const centre = (i + 0.5) * scale - 0.5;
    const start = Math.floor(centre - reach) + 1;
    let sum = 0;
    for (let k = 0; k < count; k += 1) {
      from[i * count + k] = Math.min(source - 1, Math.max(0, start + k));
      const weight = Math.max(0, 1 - Math.abs(start + k - centre) / reach);
      weights[i * count + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k += 1) weights[i * count + k] = weights[i * count + k]! / sum;
  }
  return { count, from, weights };
}

/** Scales a picture to exactly `width` x `height`, each direction by a scale of its own. */
export function scalePicture(picture: Pixels, width: number, height: number): Uint8Array {
  const rows = windowsOf(picture.height, height);
  const columns = windowsOf(picture.width, width);
  const out = new Uint8Array(width * height * 3);
  // Rows first: whole lines are added up, which is the cheaper direction.
  const line = new Float32Array(picture.width * 3);
  for (let y = 0; y < height; y += 1) {
    line.fill(0);
    for (let k = 0; k < rows.count; k += 1)
      addLine(picture, rows.from[y * rows.count + k]!, rows.weights[y * rows.count + k]!, line);
    writeLine(line, columns, out, y * width * 3);
  }
  return out;
}

function addLine({ data, width }: Pixels, row: number, weight: number, line: Float32Array): void {
  if (weight === 0) return;
  const from = row * width * 3;
  for (let i = 0; i < line.length; i += 1) line[i] = line[i]! + weight * data[from + i]!;
}

function writeLine(line: Float32Array, { count, from, weights }: Windows, out: Uint8Array, start: number): void {
  const end = from.length;
  let to = start;
  for (let at = 0; at < end; at += count, to += 3) {
    let red = 0.5;
    let green = 0.5;
    let blue = 0.5;
    for (let k = at; k < at + count; k += 1) {
      const weight = weights[k]!;
      const source = from[k]! * 3;
      red += weight * line[source]!;
      green += weight * line[source + 1]!;
      blue += weight * line[source + 2]!;
    }
    out[to] = red;
    out[to + 1] = green;
    out[to + 2] = blue;
  }
}
