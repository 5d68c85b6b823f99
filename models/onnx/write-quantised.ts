import { type Convolution, type Detector, type Layer, pictureName } from '../graph/layers.ts';
import { type Affine, affineFor, type Range } from '../quantise/affine.ts';
import { OnnxBuilder } from './builder.ts';
import { detectorInput, detectorOutputs, joinHeads } from './heads.ts';
import { tensorNames } from './names.ts';
import {
  dequantise,
  productWeights,
  quantisedConvolution,
  quantisedProduct,
  requireRange,
  store,
} from './quantised-parts.ts';

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
  const quantised = new Set(quantisedLayers(detector));
  const picture = viewPicture(builder, detector);
  coding.set(pictureName, picture.affine);
  for (const layer of detector.layers) {
    if (layer.kind === 'convolution' && !quantised.has(layer)) {
      multiplyHead(builder, layer);
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
  joinHeads(builder, detector.boxHeads, tensorNames.boxes, (cells) => cells);
  joinHeads(builder, detector.scoreHeads, tensorNames.scores, (cells) => cells);
  return builder.encode('detector', [detectorInput(detector)], detectorOutputs(detector));
}

/**
 * The layers that are stored as bytes: all but the heads. A head's logits and encodings would saturate wherever a vehicle is larger,
 * nearer or clearer than any that calibration saw, and its weights are few.
 */
export function quantisedLayers(detector: Detector): Layer[] {
  const heads = new Set([...detector.boxHeads, ...detector.scoreHeads].map((head) => head.layer));
  return detector.layers.filter((layer) => !heads.has(layer.name));
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
  const bias = shift === 0 ? layer.bias : shiftedBias(layer, shift);
  quantisedConvolution(builder, layer, bias, input.scale);
}

/**
 * A head is a 1x1 convolution, so over rows of channels a matrix product: uint8 times int8 with float32 sums, which no range cuts off.
 * `[1, C, h, w]` in, `[h * w, outputs]` out.
 */
function multiplyHead(builder: OnnxBuilder, layer: Convolution): void {
  const { name, kernel, bias } = layer;
  const [outputs, inputs] = kernel;
  const weights = productWeights(builder, name, layer.weights, outputs);
  builder.node('Transpose', [layer.input], `${name}:nhwc`, { perm: [0, 2, 3, 1] });
  builder.node('Reshape', [`${name}:nhwc`, builder.integers(`${name}:cells-shape`, [1, -1, inputs])], `${name}:cells`);
  quantisedProduct(builder, { name, input: `${name}:cells`, output: `${name}:products`, weights });
  // Reshaped in between, because ONNX Runtime would merge a product and the sum right after it into a float32 Gemm.
  builder.node(
    'Reshape',
    [`${name}:products`, builder.integers(`${name}:products-shape`, [-1, outputs])],
    `${name}:flat`,
  );
  builder.node('Add', [`${name}:flat`, builder.constant(`${name}:bias`, bias, [outputs])], name);
}

/** A constant added to every input value adds itself times the sum of a channel's weights (exact but for the padded border). */
function shiftedBias(layer: Convolution, shift: number): Float32Array {
  const size = layer.weights.length / layer.kernel[0];
  return layer.bias.map(
    (b, c) => b + shift * layer.weights.subarray(c * size, (c + 1) * size).reduce((sum, w) => sum + w, 0),
  );
}
