import { parentPort, workerData } from 'node:worker_threads';
import { loadBundle } from '../../models/contract/bundle.ts';
import { openEngine } from '../detect/engine/open-engine.ts';

export interface BareRequest {
  readonly bundle: string;
  readonly threads: number;
  readonly tensors: readonly Uint8Array[];
  readonly count: number;
}

export interface BareResult {
  /** Inferences a second. */
  readonly rate: number;
}

const { bundle, threads, tensors, count } = workerData as BareRequest;
const engine = await openEngine(await loadBundle(bundle), { onnxruntime: { threads } });
for (const tensor of tensors.slice(0, 5)) await engine.infer(tensor);
const begin = performance.now();
for (let i = 0; i < count; i += 1) {
  const tensor = tensors[i % tensors.length];
  if (tensor !== undefined) await engine.infer(tensor);
}
parentPort?.postMessage({ rate: (count * 1000) / (performance.now() - begin) } satisfies BareResult);
await engine.close();
