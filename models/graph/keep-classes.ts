import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Convolution, Detector, Layer } from './layers.ts';

/**
 * Cuts the score heads down to some columns, in the given order.
 *
 * A head's output channel is `anchor * valuesPerAnchor + column`; dropping channels of a last convolution leaves the others as they were.
 */
export function keepColumns(detector: Detector, columns: readonly number[]): Detector {
  const heads = new Map(detector.scoreHeads.map((head) => [head.layer, head.valuesPerAnchor]));
  const layers = detector.layers.map((layer): Layer => {
    const values = heads.get(layer.name);
    if (values === undefined) return layer;
    if (layer.kind !== 'convolution')
      throw new AtalayaError('bundle-invalid', `score head ${layer.name} is no convolution`);
    return keepChannels(layer, keptChannels(layer.kernel[0], values, columns));
  });
  return {
    ...detector,
    layers,
    scoreHeads: detector.scoreHeads.map(({ layer }) => ({ layer, valuesPerAnchor: columns.length })),
  };
}

/** Channels that survive: for each anchor of a cell, its kept columns. */
export function keptChannels(channels: number, valuesPerAnchor: number, columns: readonly number[]): number[] {
  return Array.from({ length: channels / valuesPerAnchor }, (_, anchor) =>
    columns.map((c) => anchor * valuesPerAnchor + c),
  ).flat();
}

function keepChannels(layer: Convolution, channels: readonly number[]): Convolution {
  const [, inputs, height, width] = layer.kernel;
  const size = inputs * height * width;
  const weights = new Float32Array(channels.length * size);
  const bias = new Float32Array(channels.length);
  channels.forEach((from, to) => {
    weights.set(layer.weights.subarray(from * size, (from + 1) * size), to * size);
    bias[to] = layer.bias[from]!;
  });
  const [, outHeight, outWidth] = layer.outputShape;
  return {
    ...layer,
    weights,
    bias,
    kernel: [channels.length, inputs, height, width],
    outputShape: [channels.length, outHeight, outWidth],
  };
}
