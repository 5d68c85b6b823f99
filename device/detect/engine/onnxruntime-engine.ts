import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelBundle } from '../../../models/contract/bundle.ts';
import type { Manifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { InferenceEngine, RawOutput } from '../inference-engine.ts';
import { outputOf, refuseWrongLength } from './check-tensors.ts';
import { type OnnxruntimeOptions, openSession, runSession } from './onnxruntime-session.ts';

/** ONNX Runtime on the CPU: the default engine. */
export class OnnxruntimeEngine implements InferenceEngine {
  readonly name: string;
  readonly input: { readonly width: number; readonly height: number };
  private readonly manifest: Manifest;
  private readonly session: InferenceSession;
  private closed = false;

  constructor(manifest: Manifest, session: InferenceSession, version: string) {
    this.manifest = manifest;
    this.session = session;
    this.name = `onnxruntime-node ${version} ${manifest.precision}`;
    this.input = { width: manifest.input.width, height: manifest.input.height };
  }

  async infer(input: Uint8Array): Promise<RawOutput> {
    if (this.closed) throw new AtalayaError('engine-failed', `${this.name} is closed`);
    const { width, height, name } = this.manifest.input;
    const { boxes, scores } = this.manifest.outputs;
    refuseWrongLength(this.name, input, this.manifest);
    const feeds = { [name]: new Tensor('uint8', input, [1, height, width, 3]) };
    const results = await runSession(this.session, this.name, feeds, [boxes.name, scores.name]);
    return {
      boxes: outputOf(this.name, boxes, results[boxes.name]?.data),
      scores: outputOf(this.name, scores, results[scores.name]?.data),
    };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.session.release();
  }
}

/** Opens a bundle with ONNX Runtime. Throws what `openSession` throws. */
export async function openOnnxruntime(bundle: ModelBundle, options: OnnxruntimeOptions = {}): Promise<InferenceEngine> {
  const { name, width, height, dtype } = bundle.manifest.input;
  const { session, version } = await openSession(bundle, `${name} ${dtype} [1,${height},${width},3]`, options);
  return new OnnxruntimeEngine(bundle.manifest, session, version);
}
