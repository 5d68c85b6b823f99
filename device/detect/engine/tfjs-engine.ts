import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { io, Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { ModelBundle } from '../../../models/contract/bundle.ts';
import type { Manifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { InferenceEngine, RawOutput } from '../inference-engine.ts';
import { outputOf, refuseWrongLength } from './check-tensors.ts';
import { startBackend, type TfjsBackend, type TfjsCore } from './tfjs-backend.ts';

export interface TfjsOptions {
  /** `tensorflow` is @tensorflow/tfjs-node. Left out: that where it loads, else `wasm`. */
  readonly backend?: TfjsBackend;
}

type Model = GraphModel<io.IOHandlerSync>;

/** TensorFlow.js: the same graph as the ONNX bundles, unfolded, float32. Slower; kept as a second opinion and a fallback. */
export class TfjsEngine implements InferenceEngine {
  readonly name: string;
  readonly input: { readonly width: number; readonly height: number };
  private readonly manifest: Manifest;
  private readonly tf: TfjsCore;
  private readonly model: Model;
  private closed = false;

  constructor(manifest: Manifest, tf: TfjsCore, model: Model, backend: TfjsBackend) {
    this.manifest = manifest;
    this.tf = tf;
    this.model = model;
    this.name = `tfjs-${backend === 'wasm' ? 'wasm' : 'node'} ${tf.version_core} ${manifest.precision}`;
    this.input = { width: manifest.input.width, height: manifest.input.height };
  }

  async infer(input: Uint8Array): Promise<RawOutput> {
    if (this.closed) throw new AtalayaError('engine-failed', `${this.name} is closed`);
    const { width, height, name } = this.manifest.input;
    const { boxes, scores } = this.manifest.outputs;
    refuseWrongLength(this.name, input, this.manifest);
    try {
      return this.tf.tidy(() => {
        const image = this.tf.tensor(Int32Array.from(input), [1, height, width, 3], 'int32');
        const results = this.model.execute({ [name]: image }, [boxes.name, scores.name]) as Tensor[];
        // Copies: the arrays that a backend hands out may be views of its own memory.
        return {
          boxes: outputOf(this.name, boxes, results[0]?.dataSync().slice()),
          scores: outputOf(this.name, scores, results[1]?.dataSync().slice()),
        };
      });
    } catch (cause) {
      if (cause instanceof AtalayaError) throw cause;
      throw new AtalayaError(
        'engine-failed',
        `${this.name} failed: ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      );
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.model.dispose();
  }
}

/** `model.json`: one group of weights; their specs and the topology are the library's own affair. */
const modelSchema = z.object({
  modelTopology: z.looseObject({}),
  weightsManifest: z.tuple([
    z.object({ paths: z.array(z.string()), weights: z.array(z.custom<io.WeightsManifestEntry>()) }),
  ]),
});

/**
 * Opens a bundle with TensorFlow.js. Throws `engine-unavailable` where no backend or not the graph loads, and `bundle-input-unknown` where
 * the graph's own input is not the one that the manifest states.
 */
export async function openTfjs(bundle: ModelBundle, options: TfjsOptions = {}): Promise<InferenceEngine> {
  try {
    const { tf, backend } = await startBackend(options.backend);
    const model = await loadModel(bundle);
    try {
      refuseOtherInput(bundle, model);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return new TfjsEngine(bundle.manifest, tf, model, backend);
  } catch (cause) {
    if (cause instanceof AtalayaError) throw cause;
    throw new AtalayaError(
      'engine-unavailable',
      `tfjs cannot open ${bundle.folder}: ${cause instanceof Error ? cause.message : cause}`,
      {
        hint: 'Check that the @tensorflow packages are installed and that the bundle was made for this version.',
        cause,
      },
    );
  }
}

async function loadModel(bundle: ModelBundle): Promise<Model> {
  const { loadGraphModelSync } = await import('@tensorflow/tfjs-converter');
  const graph = modelSchema.parse(JSON.parse(new TextDecoder().decode(await bundle.read(bundle.manifest.graph))));
  const [{ paths, weights: weightSpecs }] = graph.weightsManifest;
  const weights = await Promise.all(paths.map((path) => bundle.read(path)));
  const weightData = Uint8Array.from(Buffer.concat(weights)).buffer;
  return loadGraphModelSync({
    load: () => ({ modelTopology: graph.modelTopology, weightSpecs, weightData, format: 'graph-model' }),
  });
}

function refuseOtherInput(bundle: ModelBundle, model: Model): void {
  const { name, width, height } = bundle.manifest.input;
  const stated = `${name} [1,${height},${width},3]`;
  const actual = model.inputs.map((input) => `${input.name} [${input.shape ?? 'unknown shape'}]`);
  if (actual.length !== 1 || actual[0] !== stated) {
    throw new AtalayaError(
      'bundle-input-unknown',
      `${bundle.manifest.graph} in ${bundle.folder} takes ${actual.join('; ')}; the manifest states ${stated}`,
    );
  }
}
