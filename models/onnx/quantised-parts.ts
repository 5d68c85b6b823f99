import { AtalayaError } from '../../device/kernel/errors.ts';
import { type Affine, quantiseBias, quantiseWeights, type Range } from '../quantise/affine.ts';
import type { OnnxBuilder } from './builder.ts';

/** What quantised graphs are made of: QDQ pairs that ONNX Runtime fuses with the operator between them. */

/** Stores `NAME:real` as bytes `NAME:stored`. */
export function quantise(builder: OnnxBuilder, name: string, affine: Affine): void {
  constants(builder, name, affine);
  builder.node('QuantizeLinear', [`${name}:real`, `${name}:scale`, `${name}:zero`], `${name}:stored`);
}

/** Stores `NAME:real` as bytes `NAME:stored`, and reads them back as NAME. */
export function store(builder: OnnxBuilder, name: string, affine: Affine): void {
  quantise(builder, name, affine);
  dequantise(builder, name, affine);
}

/** Reads bytes, by default `NAME:stored`, as NAME. */
export function dequantise(builder: OnnxBuilder, name: string, affine: Affine, stored = `${name}:stored`): void {
  constants(builder, name, affine);
  builder.node('DequantizeLinear', [stored, `${name}:scale`, `${name}:zero`], name);
}

function constants(builder: OnnxBuilder, name: string, { scale, zeroPoint }: Affine): void {
  builder.scalar(`${name}:scale`, scale);
  builder.constant(`${name}:zero`, Uint8Array.of(zeroPoint), []);
}

export interface QuantisedConvolution {
  readonly name: string;
  readonly input: string;
  /** `[out, in / group, kernel height, kernel width]`, row-major. */
  readonly weights: Float32Array;
  readonly kernel: readonly number[];
  readonly group: number;
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}

/** Weights int8 per output channel and a bias at the accumulator's scale, from the input to `NAME:real`. */
export function quantisedConvolution(
  builder: OnnxBuilder,
  { name, input, weights: values, kernel, group, strides, pads }: QuantisedConvolution,
  biasValues: Float32Array,
  inputScale: number,
): void {
  const channels = kernel[0] ?? 0;
  const weights = quantiseWeights(values, channels);
  const bias = quantiseBias(biasValues, inputScale, weights.scales);
  const perChannel = [channels];
  const weightInputs = [
    builder.constant(`${name}:weights:stored`, weights.values, kernel),
    builder.constant(`${name}:weights:scales`, weights.scales, perChannel),
    builder.constant(`${name}:weights:zeros`, new Int8Array(channels), perChannel),
  ];
  const biasInputs = [
    builder.constant(`${name}:bias:stored`, bias.values, perChannel),
    builder.constant(`${name}:bias:scales`, bias.scales, perChannel),
    builder.constant(`${name}:bias:zeros`, new Int32Array(channels), perChannel),
  ];
  builder.node('DequantizeLinear', weightInputs, `${name}:weights`, { axis: 0 });
  builder.node('DequantizeLinear', biasInputs, `${name}:bias`, { axis: 0 });
  const attributes = { strides, pads, group, kernel_shape: kernel.slice(2) };
  builder.node('Conv', [input, `${name}:weights`, `${name}:bias`], `${name}:real`, attributes);
}

/** Constants of int8 weights `[outputs, inputs]`, turned to `[inputs, outputs]`, for a product. */
export function productWeights(
  builder: OnnxBuilder,
  name: string,
  weights: Float32Array,
  outputs: number,
): readonly string[] {
  const inputs = weights.length / outputs;
  const { values, scales } = quantiseWeights(weights, outputs);
  const columns = Int8Array.from(
    { length: values.length },
    (_, i) => values[(i % outputs) * inputs + Math.floor(i / outputs)]!,
  );
  return [
    builder.constant(`${name}:weights:stored`, columns, [inputs, outputs]),
    builder.constant(`${name}:weights:scales`, scales, [outputs]),
    builder.constant(`${name}:weights:zeros`, new Int8Array(outputs), [outputs]),
  ];
}

/** `[..., inputs]` stored bytes, read as `input`, times int8 weights: the sums are float32, so no range cuts them off. */
export function quantisedProduct(
  builder: OnnxBuilder,
  { name, input, output, weights }: { name: string; input: string; output: string; weights: readonly string[] },
): void {
  builder.node('DequantizeLinear', weights, `${name}:weights`, { axis: 1 });
  builder.node('MatMul', [input, `${name}:weights`], output);
}

/** Throws `bundle-invalid` where the table has no range for `name`. */
export function requireRange(ranges: ReadonlyMap<string, Range>, name: string): Range {
  const range = ranges.get(name);
  if (range === undefined) {
    throw new AtalayaError('bundle-invalid', `the calibration table has no range for layer ${name}`, {
      hint: 'Make it again with `atalaya-models calibrate`.',
    });
  }
  return range;
}
