import { AtalayaError } from '../../device/kernel/errors.ts';
import { type Convolution, type Detector, pictureName } from '../graph/layers.ts';
import { type Affine, affineFor, quantiseBias, quantiseWeights, type Range } from '../quantise/affine.ts';
import { OnnxBuilder } from './builder.ts';
import { detectorInput, detectorOutputs, joinHeads } from './heads.ts';
import { tensorNames } from './names.ts';

/**
 * The detector as int8 ONNX in QDQ form: each convolution and sum stands between DequantizeLinear and QuantizeLinear, which ONNX
 * Runtime fuses into integer kernels.
 *
 * A ReLU6 needs no node: its output is stored from 0 to at most 6, and what lies outside saturates. `ranges` holds one range per layer.
 * Throws `bundle-invalid` where a range is missing.
 */
export function writeQuantised(detector: Detector, ranges: ReadonlyMap<string, Range>): Uint8Array<ArrayBuffer> {
  const builder = new OnnxBuilder();
  const coding = new Map<string, Affine>();
  const heads = new Set([...detector.boxHeads, ...detector.scoreHeads].map((head) => head.layer));
  const picture = viewPicture(builder, detector);
  coding.set(pictureName, picture.affine);
  for (const layer of detector.layers) {
    if (layer.kind === 'convolution' && heads.has(layer.name)) {
      convolveFloat(builder, layer);
      continue;
    }
    const affine = affineFor(requireRange(ranges, layer.name));
    coding.set(layer.name, affine);
    if (layer.kind === 'sum') {
      builder.node('Add', layer.inputs, `${layer.name}:real`);
    } else {
      const shift = layer.input === pictureName ? picture.shift : 0;
      convolve(builder, layer, coding.get(layer.input)!, shift);
    }
    store(builder, layer.name, affine);
  }
  if (heads.size !== detector.boxHeads.length + detector.scoreHeads.length) throw new AtalayaError('bundle-invalid', 'a head is used twice');
  joinHeads(builder, detector.boxHeads, tensorNames.boxes, (layer) => layer);
  joinHeads(builder, detector.scoreHeads, tensorNames.scores, (layer) => layer);
  return builder.encode('detector', [detectorInput(detector)], detectorOutputs(detector));
}

/**
 * Reads the picture's bytes as quantised values: `byte * scale - offset` is affine already. Its zero point, `offset / scale`, is rounded
 * to a whole number; `shift` is what that leaves over, a constant that goes into the first bias.
 */
function viewPicture(builder: OnnxBuilder, detector: Detector): { affine: Affine; shift: number } {
  const { scale, offset } = detector.normalisation;
  const affine: Affine = { scale, zeroPoint: Math.round(offset / scale) };
  builder.node('Transpose', [tensorNames.input], `${pictureName}:stored`, { perm: [0, 3, 1, 2] });
  dequantise(builder, pictureName, affine);
  return { affine, shift: scale * affine.zeroPoint - offset };
}

function convolve(builder: OnnxBuilder, layer: Convolution, input: Affine, shift: number): void {
  const { name, kernel, strides, pads, group } = layer;
  const weights = quantiseWeights(layer.weights, kernel[0]);
  const bias = quantiseBias(shift === 0 ? layer.bias : shiftedBias(layer, shift), input.scale, weights.scales);
  const perChannel = [kernel[0]];
  const weightInputs = [
    builder.constant(`${name}:weights:stored`, weights.values, kernel),
    builder.constant(`${name}:weights:scales`, weights.scales, perChannel),
    builder.constant(`${name}:weights:zeros`, new Int8Array(kernel[0]), perChannel),
  ];
  const biasInputs = [
    builder.constant(`${name}:bias:stored`, bias.values, perChannel),
    builder.constant(`${name}:bias:scales`, bias.scales, perChannel),
    builder.constant(`${name}:bias:zeros`, new Int32Array(kernel[0]), perChannel),
  ];
  builder.node('DequantizeLinear', weightInputs, `${name}:weights`, { axis: 0 });
  builder.node('DequantizeLinear', biasInputs, `${name}:bias`, { axis: 0 });
  const attributes = { strides, pads, group, kernel_shape: kernel.slice(2) };
  builder.node('Conv', [layer.input, `${name}:weights`, `${name}:bias`], `${name}:real`, attributes);
}

/** A head: reads dequantised activations, keeps float weights. */
function convolveFloat(builder: OnnxBuilder, layer: Convolution): void {
  const { name, kernel, strides, pads, group } = layer;
  const weights = builder.constant(`${name}:weights`, layer.weights, kernel);
  const bias = builder.constant(`${name}:bias`, layer.bias, [kernel[0]]);
  builder.node('Conv', [layer.input, weights, bias], name, { strides, pads, group, kernel_shape: kernel.slice(2) });
}

/** A constant added to every input value adds itself times the sum of a channel's weights (exact but for the padded border). */
function shiftedBias(layer: Convolution, shift: number): Float32Array {
  const size = layer.weights.length / layer.kernel[0];
  return layer.bias.map((b, c) => b + shift * layer.weights.subarray(c * size, (c + 1) * size).reduce((sum, w) => sum + w, 0));
}

function store(builder: OnnxBuilder, name: string, affine: Affine): void {
  constants(builder, name, affine);
  builder.node('QuantizeLinear', [`${name}:real`, `${name}:scale`, `${name}:zero`], `${name}:stored`);
  dequantise(builder, name, affine);
}

function dequantise(builder: OnnxBuilder, name: string, affine: Affine): void {
  constants(builder, name, affine);
  builder.node('DequantizeLinear', [`${name}:stored`, `${name}:scale`, `${name}:zero`], name);
}

function constants(builder: OnnxBuilder, name: string, { scale, zeroPoint }: Affine): void {
  builder.scalar(`${name}:scale`, scale);
  builder.constant(`${name}:zero`, Uint8Array.of(zeroPoint), []);
}

function requireRange(ranges: ReadonlyMap<string, Range>, name: string): Range {
  const range = ranges.get(name);
  if (range === undefined) {
    throw new AtalayaError('bundle-invalid', `the calibration table has no range for layer ${name}`, {
      hint: 'Make it again with `atalaya-models calibrate`.',
    });
  }
  return range;
}
