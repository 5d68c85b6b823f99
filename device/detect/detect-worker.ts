import { parentPort } from 'node:worker_threads';
import { type Service, serveThread } from '../kernel/worker-server.ts';
import { ssdCoding } from './decode-ssd.ts';
import type { DetectQuestion, DetectReady, DetectThreadStart } from './detect-messages.ts';
import { unpackBundle } from './engine/carried-bundle.ts';
import { openEngine } from './engine/open-engine.ts';
import type { RegionDetections } from './merge-regions.ts';
import { EngineView } from './region-view.ts';

/**
 * Thread that owns an inference session: it computes for whole milliseconds at a stretch, which the event loop must not.
 *
 * It imports what computes and nothing that reads files or checks schemas: each thread has a heap of its own. One region at a time, in
 * order: nothing is gained by sampling on this thread before the inference that it stands in line for.
 */
async function open({
  bundle,
  threads,
  settings,
}: DetectThreadStart): Promise<Service<DetectReady, DetectQuestion, RegionDetections>> {
  const engine = await openEngine(unpackBundle(bundle), { onnxruntime: { threads } });
  const view = new EngineView(engine, ssdCoding(bundle.manifest, bundle.anchors), settings);
  return {
    ready: engine.name,
    answer: ({ picture, region }) => view.view(picture, region),
    close: () => engine.close(),
  };
}

if (parentPort === null) throw new Error('detect-worker runs as a worker thread only');
await serveThread(parentPort, open);
