import type { ModelBundle } from '../../../models/contract/bundle.ts';
import type { InferenceEngine } from '../inference-engine.ts';
import { openOnnxruntime } from './onnxruntime-engine.ts';
import type { OnnxruntimeOptions } from './onnxruntime-session.ts';
import type { TfjsOptions } from './tfjs-engine.ts';

export interface EngineOptions {
  readonly onnxruntime?: OnnxruntimeOptions;
  readonly tfjs?: TfjsOptions;
}

/** Opens the engine that the bundle's manifest names. Throws `engine-unavailable` or `bundle-input-unknown`. */
export async function openEngine(bundle: ModelBundle, options: EngineOptions = {}): Promise<InferenceEngine> {
  switch (bundle.manifest.engine) {
    case 'onnx':
      return openOnnxruntime(bundle, options.onnxruntime);
    case 'tfjs':
      // Loaded where it is wanted: the other engine's threads have no memory to spare for it.
      return (await import('./tfjs-engine.ts')).openTfjs(bundle, options.tfjs);
  }
}
