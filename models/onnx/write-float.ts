import { type Detector, pictureName, type Shape } from '../graph/layers.ts';
import { OnnxBuilder, type TensorType } from './builder.ts';
import { detectorInput, detectorOutputs, joinHeads } from './heads.ts';
import { tensorNames } from './names.ts';

/**
 * The detector as float32 ONNX: bytes `[1, h, w, 3]` in, raw boxes and logits out, ReLU6 as Clip.
 *
 * With `exposeLayers` every layer's activation is an output as well, under the layer's name: that is what calibration reads.
 */
export function writeFloat(detector: Detector, options: { exposeLayers?: boolean } = {}): Uint8Array<ArrayBuffer> {
  const builder = new OnnxBuilder();
  const exposed: TensorType[] = [];
  normalise(builder, detector);
  builder.scalar('zero', 0);
  builder.scalar('six', 6);
  for (const layer of detector.layers) {
    if (layer.kind === 'sum') {
      builder.node('Add', layer.inputs, layer.name);
    } else {
      const weights = builder.constant(`${layer.name}:weights`, layer.weights, layer.kernel);
      const bias = builder.constant(`${layer.name}:bias`, layer.bias, [layer.bias.length]);
      const { strides, pads, group, activation } = layer;
      const raw = activation === 'none' ? layer.name : `${layer.name}:linear`;
      builder.node('Conv', [layer.input, weights, bias], raw, {
        strides,
        pads,
        group,
        kernel_shape: layer.kernel.slice(2),
      });
      if (activation === 'relu6') builder.node('Clip', [raw, 'zero', 'six'], layer.name);
    }
    if (options.exposeLayers === true)
      exposed.push({ name: layer.name, type: 'float32', shape: batch(layer.outputShape) });
  }
  const channelsLast = (layer: string) => builder.node('Transpose', [layer], `${layer}:nhwc`, { perm: [0, 2, 3, 1] });
  joinHeads(builder, detector.boxHeads, tensorNames.boxes, channelsLast);
  joinHeads(builder, detector.scoreHeads, tensorNames.scores, channelsLast);
  return builder.encode('detector', [detectorInput(detector)], [...detectorOutputs(detector), ...exposed]);
}

/** Transposes while the picture is still bytes, a quarter of the memory, then `x * scale - offset`. */
function normalise(builder: OnnxBuilder, detector: Detector): void {
  const { scale, offset } = detector.normalisation;
  builder.node('Transpose', [tensorNames.input], 'picture:nchw', { perm: [0, 3, 1, 2] });
  builder.node('Cast', ['picture:nchw'], 'picture:float', { to: 1 });
  builder.node('Mul', ['picture:float', builder.scalar('picture:scale', scale)], 'picture:scaled');
  builder.node('Sub', ['picture:scaled', builder.scalar('picture:offset', offset)], pictureName);
}

function batch(shape: Shape): number[] {
  return [1, ...shape];
}
