import type { Writable } from 'node:stream';
import type { Frame } from '../capture/frame.ts';
import { undated } from '../capture/frame-times.ts';
import { openSource } from '../capture/open-source.ts';
import { defaultConfig } from '../config/load-config.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { drawScene } from '../report/draw-scene.ts';
import { loadScene } from '../scene/load-scene.ts';

/** What `atalaya-unit draw` was asked for, as it stands on the command line. */
export interface DrawRequest {
  readonly scene: string;
  readonly source: string;
  /** Seconds from the beginning of the source. */
  readonly at: string;
  readonly out: string;
}

/** Draws the scene on the first frame at or after the moment. Throws what scene and source are refused with, and `usage-invalid`. */
export async function drawUnit(request: DrawRequest, say: Writable): Promise<void> {
  const at = Number(request.at);
  if (!(at >= 0))
    throw new AtalayaError('usage-invalid', `--at is ${request.at}`, { hint: 'Give seconds, 0 or more.' });
  const { source } = defaultConfig();
  const camera = await openSource(request.source, { ...source, start: undated, onDamage: () => {} });
  const stop = new AbortController();
  try {
    const info = await camera.open(stop.signal);
    const scene = await loadScene(request.scene, info);
    let shown: Frame | undefined;
    for await (const frame of camera.frames(stop.signal)) {
      if (frame.time.elapsed < at * 1000) {
        camera.release(frame);
        continue;
      }
      shown = frame;
      break;
    }
    if (shown === undefined) {
      throw new AtalayaError('usage-invalid', `the source ends before second ${at}`, {
        hint: 'Give an earlier moment with --at.',
      });
    }
    await drawScene(scene, shown.picture, request.out);
    say.write(`${request.out}: scene ${scene.name} on frame ${shown.sequence}\n`);
  } finally {
    stop.abort();
    await camera.close();
  }
}
