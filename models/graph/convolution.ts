import { AtalayaError } from '../../device/kernel/errors.ts';
import { convolutionAttributes } from '../tfjs/attributes.ts';
import type { TfNode, TfTensor } from '../tfjs/read-graph.ts';
import type { Convolution, Shape } from './layers.ts';

/** A convolution while nodes are still being folded into it. */
export interface ConvolutionDraft {
  readonly kind: 'convolution';
  readonly name: string;
  readonly input: string;
  readonly inputShape: Shape;
  readonly shape: Shape;
  readonly weights: Float32Array;
  readonly kernel: readonly [out: number, inPerGroup: number, height: number, width: number];
  readonly bias: Float32Array;
  readonly group: number;
  readonly strides: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  activation: 'none' | 'relu6';
}

/** Weights go from TensorFlow's `[height, width, in, out]` (depthwise: `[height, width, channel, multiplier]`) to `[out, in, h, w]`. */
export function draftConvolution(node: TfNode, tensor: TfTensor, input: string, inputShape: Shape): ConvolutionDraft {
  const { strides, dilations, padding } = convolutionAttributes(node);
  const [height = 0, width = 0, a = 0, b = 0] = tensor.shape;
  const depthwise = node.op === 'DepthwiseConv2dNative';
  const [channels, inputHeight, inputWidth] = inputShape;
  const refuse = (what: string) => new AtalayaError('bundle-invalid', `graph node ${node.name} ${what}`);
  if (dilations.some((step) => step !== 1)) throw refuse('is dilated');
  if (padding !== 'SAME') throw refuse(`pads ${padding}, not SAME`);
  if (a !== channels) throw refuse(`has weights for ${a} channels and an input of ${channels}`);
  if (depthwise && b !== 1) throw refuse(`has ${b} outputs per channel`);
  const kernel = [depthwise ? a : b, depthwise ? 1 : a, height, width] as const;
  const vertical = samePadding(inputHeight, height, strides[0]);
  const horizontal = samePadding(inputWidth, width, strides[1]);
  return {
    kind: 'convolution',
    name: layerName(node.name),
    input,
    inputShape,
    shape: [kernel[0], vertical.size, horizontal.size],
    weights: transposeWeights(tensor.data, kernel, depthwise),
    kernel,
    bias: new Float32Array(kernel[0]),
    group: depthwise ? a : 1,
    strides,
    pads: [vertical.before, horizontal.before, vertical.after, horizontal.after],
    activation: 'none',
  };
}

/** TensorFlow's SAME along one side: `ceil(input / stride)` outputs; what is odd in the padding goes after the picture. */
function samePadding(input: number, kernel: number, stride: number): { size: number; before: number; after: number } {
  const size = Math.ceil(input / stride);
  const total = Math.max((size - 1) * stride + kernel - input, 0);
  const before = Math.floor(total / 2);
  return { size, before, after: total - before };
}

/** Multiplies each output channel, weights and bias alike. */
export function scaleChannels(draft: ConvolutionDraft, factors: Float32Array): void {
  const perChannel = draft.weights.length / draft.kernel[0];
  for (let i = 0; i < draft.weights.length; i++) draft.weights[i]! *= factors[Math.floor(i / perChannel)]!;
  for (let c = 0; c < draft.bias.length; c++) draft.bias[c]! *= factors[c]!;
}

/** Adds to each output channel. */
export function shiftChannels(draft: ConvolutionDraft, terms: Float32Array): void {
  for (let c = 0; c < draft.bias.length; c++) draft.bias[c]! += terms[c]!;
}

export function finish(draft: ConvolutionDraft): Convolution {
  const { shape, ...rest } = draft;
  return { ...rest, outputShape: shape };
}

function transposeWeights(
  data: TfTensor['data'],
  kernel: ConvolutionDraft['kernel'],
  depthwise: boolean,
): Float32Array {
  const [outputs, inputs, height, width] = kernel;
  const result = new Float32Array(data.length);
  for (let o = 0, to = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, to++) {
          const cell = y * width + x;
          result[to] = data[depthwise ? cell * outputs + o : (cell * inputs + i) * outputs + o]!;
        }
      }
    }
  }
  return result;
}

function layerName(node: string): string {
  return node
    .replace('FeatureExtractor/MobilenetV2/', '')
    .replace('/BatchNorm/batchnorm/mul_1', '')
    .replace(/\/Conv2D$/, '')
    .replace(/\/depthwise$/, '');
}
