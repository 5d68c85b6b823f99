import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import type { TfGraph, TfNode, TfTensor } from '../tfjs/read-graph.ts';

/** A small detector graph with every pattern that lowering folds, in any size: for tests, with weights from a given source of numbers. */

export interface TinyShape {
  readonly width: number;
  readonly height: number;
  readonly kernel: number;
  readonly stride: number;
}

export const tinyRecipe = ({ width, height }: Pick<TinyShape, 'width' | 'height'>): Recipe => ({
  id: 'tiny',
  version: '1.0.0',
  source: { package: 'tiny', version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==`, folder: '', licenceFile: '' },
  licence: 'Apache-2.0',
  description: 'made for a test',
  input: { width, height },
  nodes: {
    normalised: 'sub',
    scale: 'scale',
    offset: 'offset',
    boxes: 'concat',
    scores: 'concat_1',
    anchors: 'anchors',
    centreReciprocal: 'tenth',
    sizeReciprocal: 'fifth',
  },
  sourceClasses: 4,
  classes: [
    { cocoId: 3, name: 'car' },
    { cocoId: 1, name: 'person' },
  ],
});

const channels = 3;
const anchorsPerCell = 2;

const list = (values: readonly number[]) => ({ list: { i: values.map(String) } });
const text = (value: string) => ({ s: [...new TextEncoder().encode(value)] });

/** Two feature maps: one after a residual sum, one after a depthwise convolution with batch normalisation. */
export function tinyGraph({ width, height, kernel, stride }: TinyShape, number: () => number): TfGraph {
  const nodes = new Map<string, TfNode>();
  const weights = new Map<string, TfTensor>();
  const node = (name: string, op: string, inputs: readonly string[], attr: Record<string, unknown> = {}): string => {
    nodes.set(name, { name, op, inputs, attr });
    return name;
  };
  const constant = (name: string, shape: readonly number[], value: (i: number) => number = number): string => {
    const length = shape.reduce((product, side) => product * side, 1);
    weights.set(name, { shape, dtype: 'float32', data: Float32Array.from({ length }, (_, i) => value(i)) });
    return node(name, 'Const', []);
  };
  const integer = (name: string, value: number): string => {
    weights.set(name, { shape: [], dtype: 'int32', data: Int32Array.of(value) });
    return node(name, 'Const', []);
  };
  const convolution = (name: string, op: string, input: string, shape: readonly number[], step: number): string =>
    node(name, op, [input, constant(`${name}/weights`, shape)], {
      strides: list([1, step, step, 1]),
      dilations: list([1, 1, 1, 1]),
      padding: text('SAME'),
      data_format: text('NHWC'),
    });
  const head = (name: string, input: string, values: number): string => {
    const outputs = anchorsPerCell * values;
    const convolved = convolution(`${name}/Conv2D`, 'Conv2D', input, [1, 1, channels, outputs], 1);
    const biased = node(`${name}/BiasAdd`, 'BiasAdd', [convolved, constant(`${name}/biases`, [outputs])]);
    const box = values === 4 && name.startsWith('box');
    const sizes = [integer(`${name}/one`, 1), integer(`${name}/any`, -1), ...(box ? [integer(`${name}/1`, 1)] : [])];
    const shape = node(`${name}/shape`, 'Pack', [...sizes, integer(`${name}/values`, values)], { axis: { i: '0' } });
    return node(`${name}/Reshape`, 'Reshape', [biased, shape]);
  };
  const vector = (name: string): string => constant(name, [channels]);
  const positive = (name: string): string => constant(name, [channels], () => 0.5 + Math.abs(number()));

  constant('scale', [], () => 2 / 255);
  constant('offset', [], () => 1);
  constant('tenth', [], () => 0.1);
  constant('fifth', [], () => 0.2);
  node('sub', 'Sub', ['elsewhere']);

  const stem = convolution('stem', 'Conv2D', 'sub', [kernel, kernel, 3, channels], stride);
  const stemSum = node('stem/add', 'Add', [stem, vector('stem/bias')]);
  const stemEnd = node('stem/Relu6', 'Relu6', [stemSum]);
  const branch = convolution('branch', 'Conv2D', stemEnd, [1, 1, channels, channels], 1);
  // The bias of the branch comes after the residual sum, as an optimiser of graphs may leave it.
  const leaf = node('block/leaf', 'AddN', [branch, stemEnd]);
  const joined = node('block/add', 'Add', [vector('block/bias'), leaf]);
  const deep = convolution('deep', 'DepthwiseConv2dNative', joined, [kernel, kernel, channels, 1], stride);
  const scaled = node('deep/mul', 'Mul', [deep, positive('deep/factor')]);
  const shifted = node('deep/add', 'Add', [scaled, vector('deep/term')]);
  const deepEnd = node('deep/Relu6', 'Relu6', [shifted]);
  const last = convolution('last', 'DepthwiseConv2dNative', deepEnd, [kernel, kernel, channels, 1], 1);
  const normal = node(
    'last/norm',
    'FusedBatchNorm',
    [last, positive('gamma'), vector('beta'), vector('mean'), positive('variance')],
    { epsilon: { f: 0.001 }, data_format: text('NHWC') },
  );
  const lastEnd = node('last/Relu6', 'Relu6', [normal]);

  const axis = integer('axis', 1);
  node('concat', 'ConcatV2', [head('box_0', joined, 4), head('box_1', lastEnd, 4), axis], { N: { i: '2' } });
  node('concat_1', 'ConcatV2', [head('score_0', joined, 4), head('score_1', lastEnd, 4), axis], { N: { i: '2' } });
  const cells = (steps: number) => Math.ceil(height / stride ** steps) * Math.ceil(width / stride ** steps);
  const twice = Math.ceil(Math.ceil(height / stride) / stride) * Math.ceil(Math.ceil(width / stride) / stride);
  constant('anchors', [(cells(1) + twice) * anchorsPerCell, 4]);
  return { nodes, weights };
}
