import type { io, Tensor } from '@tensorflow/tfjs-core';
import { startBackend } from '../../device/detect/engine/tfjs-backend.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { fetchTarball } from '../source/npm-tarball.ts';

export interface SourceOutput {
  /** `[anchors * 4]`: y min, x min, y max, x max, in unit coordinates. */
  readonly boxes: Float32Array;
  /** `[anchors * 90]`: probabilities of the COCO classes 1 to 90. */
  readonly scores: Float32Array;
}

interface SourceModel {
  readonly modelTopology: object;
  readonly weightsManifest: readonly [
    { readonly paths: readonly string[]; readonly weights: io.WeightsManifestEntry[] },
  ];
}

/**
 * Runs the tarball's graph exactly as it came, its loops and its decoding included, on one picture: the last word on what an import
 * should give. Slow.
 */
export async function runSource(recipe: Recipe, cache: string, picture: Uint8Array): Promise<SourceOutput> {
  const { tf } = await startBackend('wasm');
  const { loadGraphModel } = await import('@tensorflow/tfjs-converter');
  const files = await fetchTarball(recipe.source, cache);
  const file = (name: string) => files.get(recipe.source.folder + name)!;
  const { modelTopology, weightsManifest }: SourceModel = JSON.parse(new TextDecoder().decode(file('model.json')));
  const [{ paths, weights: weightSpecs }] = weightsManifest;
  const weightData = Uint8Array.from(Buffer.concat(paths.map(file))).buffer;
  const model = await loadGraphModel({ load: async () => ({ modelTopology, weightSpecs, weightData }) });
  const { height, width } = recipe.input;
  const image = tf.tensor(Int32Array.from(picture), [1, height, width, 3], 'int32');
  const outputs = ['Postprocessor/ExpandDims_1', 'Postprocessor/Slice'];
  const results = (await model.executeAsync({ image_tensor: image }, outputs)) as Tensor[];
  const [boxes, scores] = results.map((result) => Float32Array.from(result.dataSync()));
  for (const tensor of [image, ...results]) tensor.dispose();
  model.dispose();
  return { boxes: boxes ?? new Float32Array(0), scores: scores ?? new Float32Array(0) };
}
