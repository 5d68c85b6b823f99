import { once } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { isAtalayaError } from '../kernel/errors.ts';
import { ssdCoding } from './decode-ssd.ts';
import type { DetectAnswer, DetectRequest, DetectThreadStart, ThreadFault } from './detect-messages.ts';
import { unpackBundle } from './engine/carried-bundle.ts';
import { openEngine } from './engine/open-engine.ts';
import type { InferenceEngine } from './inference-engine.ts';
import { EngineView } from './region-view.ts';

/**
 * Thread that owns an inference session: it computes for whole milliseconds at a stretch, which the event loop must not.
 *
 * It imports what computes and nothing that reads files or checks schemas: each thread has a heap of its own.
 */
async function serve(port: MessagePort): Promise<void> {
  const answer = (message: DetectAnswer) => port.postMessage(message);
  let engine: InferenceEngine;
  let view: EngineView;
  try {
    ({ engine, view } = await open(port));
  } catch (error) {
    answer({ kind: 'refused', fault: faultOf(error) });
    return;
  }
  answer({ kind: 'ready', engine: engine.name });
  // One region at a time, in order: nothing is gained by sampling on this thread before the inference that it stands in line for.
  let turn: Promise<void> = Promise.resolve();
  port.on('message', (request: DetectRequest) => {
    turn = turn.then(async () => {
      if (request.kind === 'close') {
        await engine.close();
        // Nothing else holds the thread: it ends by itself.
        port.close();
        return;
      }
      const { id, picture, region } = request;
      try {
        answer({ kind: 'seen', id, seen: await view.view(picture, region) });
      } catch (error) {
        answer({ kind: 'failed', id, fault: faultOf(error) });
      }
    });
  });
}

async function open(port: MessagePort): Promise<{ engine: InferenceEngine; view: EngineView }> {
  const [{ bundle, threads, settings }] = (await once(port, 'message')) as [DetectThreadStart];
  const engine = await openEngine(unpackBundle(bundle), { onnxruntime: { threads } });
  return { engine, view: new EngineView(engine, ssdCoding(bundle.manifest, bundle.anchors), settings) };
}

function faultOf(error: unknown): ThreadFault {
  if (isAtalayaError(error)) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'engine-failed', message: error instanceof Error ? error.message : String(error), hint: undefined };
}

if (parentPort === null) throw new Error('detect-worker runs as a worker thread only');
await serve(parentPort);
