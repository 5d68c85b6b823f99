import type { FindingManifest, ReadingManifest } from '../contract/manifest.ts';
import type { Network } from '../network/network.ts';
import { tensorNames } from '../onnx/names.ts';
import { type NetworkRecipe, type NetworkVariant, originOf } from '../recipe/network-recipe.ts';
import { bundleId, onnxFile } from './describe-bundle.ts';

export type NetworkManifest = Omit<FindingManifest, 'files'> | Omit<ReadingManifest, 'files'>;

/** A variant's manifest, without its files. `calibration` is the SHA-256 of the calibration table; only the int8 variant carries it. */
export function describeNetwork(
  recipe: NetworkRecipe,
  variant: NetworkVariant,
  network: Network,
  calibration: string,
): NetworkManifest {
  const picture = { name: tensorNames.input, layout: 'NHWC', dtype: 'uint8', colour: 'RGB' };
  const common = {
    schema: 'atalaya.model-bundle/1',
    id: bundleId(recipe, variant),
    version: recipe.version,
    engine: 'onnx',
    precision: variant === 'int8' ? 'int8' : 'float32',
    graph: onnxFile,
    licence: recipe.licence,
    provenance: {
      ...originOf(recipe.source),
      description: recipe.description,
      ...(variant === 'int8' ? { calibration } : {}),
    },
    metrics: { weights: countWeights(network) },
  } as const;
  if (recipe.task === 'text-detection') {
    const side = { ...recipe.side };
    return {
      ...common,
      task: 'text-detection',
      input: { ...picture, width: side, height: side },
      outputs: { probability: { name: tensorNames.probability } },
    };
  }
  return {
    ...common,
    task: 'text-recognition',
    input: { ...picture, width: { ...recipe.width }, height: recipe.height },
    outputs: { logits: { name: tensorNames.logits, columns: recipe.alphabet.length + 1 } },
    alphabet: recipe.alphabet,
    stride: recipe.stride,
  };
}

function countWeights(network: Network): number {
  return [...network.constants.values()].reduce(
    (sum, { data }) => sum + (data instanceof Float32Array ? data.length : 0),
    0,
  );
}
