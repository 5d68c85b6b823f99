import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Detector, Head, Layer } from '../graph/layers.ts';
import type { OnnxBuilder, TensorType } from './builder.ts';
import { tensorNames } from './names.ts';

/** Joins the heads of all feature maps, `h * w` cells of `anchors per cell * values` each, to `[1, anchors, values]`. */
export function joinHeads(
  builder: OnnxBuilder,
  heads: readonly Head[],
  output: string,
  cellsOf: (layer: string) => string,
): void {
  const parts = heads.map(({ layer, valuesPerAnchor }) => {
    const shape = builder.integers(`${layer}:rows-shape`, [1, -1, valuesPerAnchor]);
    return builder.node('Reshape', [cellsOf(layer), shape], `${layer}:rows`);
  });
  builder.node('Concat', parts, output, { axis: 1 });
}

export function detectorInput(detector: Detector): TensorType {
  const [channels, height, width] = detector.inputShape;
  return { name: tensorNames.input, type: 'uint8', shape: [1, height, width, channels] };
}

export function detectorOutputs(detector: Detector): TensorType[] {
  return [
    { name: tensorNames.boxes, type: 'float32', shape: outputShape(detector, detector.boxHeads) },
    { name: tensorNames.scores, type: 'float32', shape: outputShape(detector, detector.scoreHeads) },
  ];
}

/** `[1, anchors, values]`. Throws `bundle-invalid` where the heads do not give as many rows as there are anchors. */
export function outputShape(detector: Detector, heads: readonly Head[]): [1, number, number] {
  const layers = new Map(detector.layers.map((layer): [string, Layer] => [layer.name, layer]));
  const rows = heads.reduce((sum, { layer, valuesPerAnchor }) => {
    const [channels = 0, height = 0, width = 0] = layers.get(layer)?.outputShape ?? [];
    return sum + (channels / valuesPerAnchor) * height * width;
  }, 0);
  if (rows * 4 !== detector.anchors.length) {
    throw new AtalayaError('bundle-invalid', `the heads give ${rows} rows for ${detector.anchors.length / 4} anchors`);
  }
  return [1, rows, heads[0]?.valuesPerAnchor ?? 0];
}
