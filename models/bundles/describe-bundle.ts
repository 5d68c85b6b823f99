import type { Manifest } from '../contract/manifest.ts';
import type { Variant } from '../contract/places.ts';
import type { Detector } from '../graph/layers.ts';
import { outputShape } from '../onnx/heads.ts';
import { tensorNames } from '../onnx/names.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { tfjsFiles } from '../tfjs/write-graph.ts';

export const onnxFile = 'model.onnx';

/** The id of a bundle, and the name of its folder. */
export function bundleId(recipe: { readonly id: string }, variant: Variant): string {
  return `${recipe.id}-${variant}`;
}

/** A variant's manifest, without its files. `calibration` is the SHA-256 of the calibration table; only the int8 variant carries it. */
export function describeBundle(
  recipe: Recipe,
  variant: Variant,
  detector: Detector,
  calibration: string,
): Omit<Manifest, 'files'> {
  const { package: name, version, integrity } = recipe.source;
  const { width, height } = recipe.input;
  return {
    schema: 'atalaya.model-bundle/1',
    id: bundleId(recipe, variant),
    version: recipe.version,
    task: 'vehicle-detection',
    engine: variant === 'tfjs' ? 'tfjs' : 'onnx',
    precision: variant === 'int8' ? 'int8' : 'float32',
    graph: variant === 'tfjs' ? tfjsFiles.graph : onnxFile,
    input: { name: tensorNames.input, width, height, layout: 'NHWC', dtype: 'uint8', colour: 'RGB' },
    outputs: {
      boxes: { name: tensorNames.boxes, shape: outputShape(detector, detector.boxHeads) },
      scores: { name: tensorNames.scores, shape: outputShape(detector, detector.scoreHeads) },
    },
    anchors: {
      file: 'anchors.bin',
      count: detector.anchors.length / 4,
      coding: { kind: 'ssd', order: 'y,x,height,width', ...detector.boxCoding },
    },
    classes: recipe.classes.map((kept) => ({ ...kept })),
    licence: recipe.licence,
    provenance: {
      package: name,
      version,
      integrity,
      description: recipe.description,
      ...(variant === 'int8' ? { calibration } : {}),
    },
    metrics: { multiplyAdds: multiplyAdds(detector) },
  };
}

/** Multiplications of one inference: a figure that does not depend on a machine. */
function multiplyAdds(detector: Detector): number {
  return detector.layers.reduce((sum, layer) => {
    if (layer.kind !== 'convolution') return sum;
    const [, height, width] = layer.outputShape;
    return sum + layer.weights.length * height * width;
  }, 0);
}
