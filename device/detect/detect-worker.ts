import { parentPort, workerData } from 'node:worker_threads';
import { loadBundle } from '../../models/contract/bundle.ts';
import { isAtalayaError } from '../kernel/errors.ts';
import { ssdCoding } from './decode-ssd.ts';
import type { DetectAnswer, DetectRequest, DetectWorkerStart, WorkerFault } from './detect-messages.ts';
import { openEngine } from './engine/open-engine.ts';
import { RegionDetector } from './region-detector.ts';

/** Thread that owns the inference session: it computes for whole milliseconds at a stretch, which the event loop must not. */
async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('detect-worker runs as a worker thread only');
  const answer = (message: DetectAnswer) => port.postMessage(message);
  const start = workerData as DetectWorkerStart;
  try {
    const bundle = await loadBundle(start.bundle);
    const engine = await openEngine(bundle, { onnxruntime: { threads: start.threads } });
    const detector = new RegionDetector(engine, ssdCoding(bundle.manifest, bundle.anchors), start.settings);
    const { id, version } = bundle.manifest;
    answer({ kind: 'ready', engine: engine.name, model: { id, version, sha256: bundle.sha256 } });
    // One request at a time, in order: the session is not made for more.
    let turn: Promise<void> = Promise.resolve();
    port.on('message', ({ id, picture }: DetectRequest) => {
      turn = turn.then(async () => {
        try {
          answer({ kind: 'detections', id, detections: await detector.detect(picture) });
        } catch (error) {
          answer({ kind: 'failed', id, fault: faultOf(error) });
        }
      });
    });
  } catch (error) {
    answer({ kind: 'refused', fault: faultOf(error) });
  }
}

function faultOf(error: unknown): WorkerFault {
  if (isAtalayaError(error)) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'engine-failed', message: error instanceof Error ? error.message : String(error), hint: undefined };
}

await serve();
