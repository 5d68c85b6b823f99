import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { benchEngines } from '../../models/bench/engines.ts';
import { loadBundle } from '../../models/contract/bundle.ts';
import { detectorFolder } from '../../models/contract/places.ts';
import type { Picture } from '../capture/frame.ts';
import { FrameRing } from '../capture/frame-ring.ts';
import { undated } from '../capture/frame-times.ts';
import { openSource } from '../capture/open-source.ts';
import { openEngine } from '../detect/engine/open-engine.ts';
import { detectionDefaults } from '../detect/region-detector.ts';
import { Sampler } from '../detect/sample.ts';
import { WorkerDetector } from '../detect/worker-detector.ts';
import { Judge } from '../judge/judge.ts';
import { SchedulePhases } from '../judge/schedule-phase.ts';
import { systemClock } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { milliseconds } from '../kernel/units.ts';
import { runPipeline } from '../pipeline.ts';
import { loadScene } from '../scene/load-scene.ts';
import { defaultTrackerConfig } from '../track/config.ts';
import { Tracker } from '../track/tracker.ts';
import type { BareRequest, BareResult } from './bare-worker.ts';
import type { BenchContext, Figure } from './figure.ts';
import { MemoryCamera } from './memory-camera.ts';

/** Decoded pictures that both sides go through, again and again. */
const PICTURES = 60;
const FRAMES = 600;
const ROUNDS = 3;
const THREADS = 2;

/**
 * The engines on the same weights and frames; then the whole pipeline (ring, sampling, inference on its thread, tracking, judging)
 * against the bare int8 session on the same frames, prepared beforehand. Both sides of a ratio alternate in one run. What
 * two sessions of one thread each reach on the same cores is stated beside it.
 */
export async function benchPipeline(context: BenchContext): Promise<readonly Figure[]> {
  const { pictures, name } = await decode(context);
  const whole = { x: 0, y: 0, width: pictures[0]?.width ?? 0, height: pictures[0]?.height ?? 0 };
  const tensors = pictures.map((picture) => {
    const tensor = new Uint8Array(new SharedArrayBuffer(300 * 300 * 3));
    new Sampler(picture, whole, 300, 'stretch').sample(picture, tensor);
    return tensor;
  });
  context.say(`# pipeline: ${pictures.length} pictures of ${name}, ${THREADS} threads`);
  return [...(await engineFigures(tensors.slice(0, 20))), ...(await wholeFigures(context, pictures, tensors))];
}

async function engineFigures(tensors: readonly Uint8Array[]): Promise<Figure[]> {
  const engines = [];
  for (const variant of ['tfjs', 'float', 'int8'] as const) {
    const bundle = await loadBundle(detectorFolder(variant));
    engines.push(await openEngine(bundle, { onnxruntime: { threads: THREADS } }));
  }
  const figures = await benchEngines(tensors, engines, { clock: systemClock });
  for (const engine of engines) await engine.close();
  const slowest = figures[0]?.median ?? Number.NaN;
  return figures.map(({ name, median }, i) => ({
    section: 'pipeline',
    name: `inference, ${name}`,
    value: median,
    unit: 'ms',
    ...(i === 0 ? {} : { ratio: `${(slowest / median).toFixed(1)} times as fast as ${figures[0]?.name}` }),
  }));
}

async function wholeFigures({ root }: BenchContext, pictures: readonly Picture[], tensors: readonly Uint8Array[]) {
  const bundle = detectorFolder('int8');
  const bare: number[] = [];
  const pairs: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await bareRate({ bundle, threads: THREADS, tensors, count: FRAMES }));
    const half = { bundle, threads: THREADS / 2, tensors, count: FRAMES / 2 };
    pairs.push((await Promise.all([bareRate(half), bareRate(half)])).reduce((sum, rate) => sum + rate));
    whole.push(await wholeRate(root, bundle, pictures));
  }
  const [bareMedian, wholeMedian] = [median(bare), median(whole)];
  const share = median(whole.map((rate, i) => rate / (bare[i] ?? Number.NaN)));
  const figure = (name: string, value: number, unit: string, ratio?: string): Figure => ({
    section: 'pipeline',
    name,
    value,
    unit,
    ...(ratio === undefined ? {} : { ratio }),
  });
  return [
    figure('bare int8 session, prepared frames', bareMedian, 'frames/s'),
    figure('two bare sessions of one thread, side by side', median(pairs), 'frames/s'),
    figure('whole pipeline, decoded frames', wholeMedian, 'frames/s'),
    figure('share of the bare rate kept', share, '1', 'at least 0.7, goal 0.9 of the bare int8 session'),
  ];
}

/** The session alone, on a thread of its own as in the pipeline. */
async function bareRate(request: BareRequest): Promise<number> {
  const worker = new Worker(new URL('./bare-worker.ts', import.meta.url), { workerData: request });
  // Both reject with what the thread fails with. It ends by itself: stopping it while its session closes seems able to end the process.
  const ended = once(worker, 'exit');
  const [{ rate }] = (await once(worker, 'message')) as [BareResult];
  await ended;
  return rate;
}

async function wholeRate(root: string, bundle: string, pictures: readonly Picture[]): Promise<number> {
  const scene = await loadScene(join(root, 'device/scene/examples/highway-720p.yaml'), pictures[0]);
  const { width, height } = scene.picture;
  const regions = [{ x: 0, y: 0, width, height }];
  const settings = { ...detectionDefaults, regions };
  const detector = await WorkerDetector.open({ bundle, threads: THREADS, settings }, milliseconds(20_000));
  const phases = new SchedulePhases(scene.signals);
  const camera = new MemoryCamera(pictures, FRAMES, 30);
  // A first frame through the detector pays for what is made once.
  for await (const frame of new MemoryCamera(pictures, 5, 30).frames(new AbortController().signal))
    await detector.detect(frame);
  const begin = performance.now();
  await runPipeline(
    {
      camera,
      ring: new FrameRing(64e6, () => camera.release()),
      detector,
      tracker: new Tracker(defaultTrackerConfig),
      judge: new Judge({ scene, phases }),
      seal: () => Promise.reject(new AtalayaError('internal', 'the benchmark scene accuses nobody')),
      announce: async () => {},
      lost: () => {},
      observer: { captured() {}, skipped() {}, processed() {}, crossed() {}, measured() {}, withheld() {} },
    },
    { frames: 'every', sealsAtOnce: 8 },
    new AbortController().signal,
  );
  const rate = (FRAMES * 1000) / (performance.now() - begin);
  await detector.close();
  return rate;
}

/** Pictures of a 720p clip where the footage is present, else of the project's own street. */
async function decode({ data, root }: BenchContext): Promise<{ pictures: Picture[]; name: string }> {
  const real = data === undefined ? undefined : join(data, 'traffic-video/highway-720p/highway.mp4');
  const path = real !== undefined && existsSync(real) ? real : join(root, 'device/capture/street/street.mjpeg');
  const options = {
    nominalRate: 25,
    start: undated,
    ffmpeg: 'ffmpeg',
    ffprobe: 'ffprobe',
    onDamage: () => {},
  };
  const camera = await openSource(path, options);
  const signal = new AbortController().signal;
  await camera.open(signal);
  const pictures: Picture[] = [];
  for await (const { picture } of camera.frames(signal)) {
    pictures.push(picture);
    if (pictures.length === PICTURES) break;
  }
  await camera.close();
  return { pictures, name: path };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
