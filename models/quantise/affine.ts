/** Affine quantisation (Jacob et al. 2018, section 2.1): `real = scale * (stored - zeroPoint)`. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Smallest and largest real value that the stored bytes can hold. */
export type Range = readonly [low: number, high: number];

/** uint8 for a range, widened to hold zero exactly, so that zero padding stays zero. Float32 scale, since that is what is stored. */
export function affineFor([low, high]: Range): Affine {
  const bottom = Math.min(low, 0);
  const top = Math.max(high, 0);
  const scale = Math.fround((top - bottom) / 255) || 1;
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-bottom / scale))) };
}

export interface QuantisedWeights {
  readonly values: Int8Array;
  /** One per output channel. */
  readonly scales: Float32Array;
}

/** int8 per output channel, symmetric (zero point 0, -127 to 127). `weights` is `[channels, ...]`, row-major. */
export function quantiseWeights(weights: Float32Array, channels: number): QuantisedWeights {
  const size = weights.length / channels;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const row = weights.subarray(c * size, (c + 1) * size);
    const scale = Math.fround(row.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127) || 1;
    scales[c] = scale;
    for (let i = 0; i < size; i++) values[c * size + i] = Math.max(-127, Math.min(127, Math.round(row[i]! / scale)));
  }
  return { values, scales };
}

/** int32 bias at the scale of the convolution's accumulator, `input scale * weight scale`. */
export function quantiseBias(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
): { values: Int32Array; scales: Float32Array } {
  const scales = weightScales.map((scale) => Math.fround(scale * inputScale));
  const limit = 2 ** 31 - 1;
  return {
    values: Int32Array.from(bias, (b, c) => Math.max(-limit, Math.min(limit, Math.round(b / scales[c]!)))),
    scales,
  };
}
