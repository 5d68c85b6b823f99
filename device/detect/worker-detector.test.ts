import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import type { Camera } from '../capture/camera.ts';
import type { Frame, Picture } from '../capture/frame.ts';
import { recordingClock, undated } from '../capture/frame-times.ts';
import { openSource } from '../capture/open-source.ts';
import { isAtalayaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/hash.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { detectionDefaults } from './region-detector.ts';
import { WorkerDetector, type WorkerDetectorOptions } from './worker-detector.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bundle = join(root, '.build/models/ssdlite-mobilenet-v2-int8');
const long = milliseconds(30_000);
const start: WorkerDetectorOptions = { bundle, threads: 2, sessions: 2, settings: detectionDefaults };

function frameOf(picture: Picture, sequence = 0): Frame {
  const time = { utc: utcMilliseconds(0), elapsed: milliseconds(0), clock: recordingClock };
  return { sequence, time, picture, original: undefined };
}

function grey(width: number, height: number): Frame {
  const data = new Uint8Array(new SharedArrayBuffer(width * height * 3)).fill(90);
  return frameOf({ format: 'rgb24', width, height, data });
}

/** A test of the real model: `make models` makes it, and `make test` calls that first. */
function withModel(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  // One after the other: some of them look at how long things take.
  test.serial(title, async (t) => {
    if (existsSync(join(bundle, 'manifest.json'))) return body(t);
    t.log('not tested: there is no model in .build/models; run make models');
    return t.pass();
  });
}

async function opened(deadline = long): Promise<WorkerDetector> {
  return WorkerDetector.open(start, deadline);
}

withModel('it says which engine and which model answer', async (t) => {
  const detector = await opened();
  t.regex(detector.engine, /^onnxruntime-node .*int8/);
  t.deepEqual(detector.model, {
    id: 'ssdlite-mobilenet-v2-int8',
    version: detector.model.version,
    sha256: sha256(await readFile(join(bundle, 'manifest.json'))),
  });
  t.regex(detector.model.version, /^\d+\.\d+\.\d+$/);
  await detector.close();
});

withModel('a broken bundle is refused by the code that says how, and no thread is left', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-bundle-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const cases: [string, (copy: string) => Promise<void>][] = [
    ['bundle-file-missing', (copy) => rm(join(copy, 'anchors.bin'))],
    ['bundle-file-missing', (copy) => rm(copy, { recursive: true })],
    ['bundle-invalid', (copy) => writeFile(join(copy, 'manifest.json'), '{}')],
    [
      'bundle-hash-mismatch',
      async (copy) => {
        const graph = await readFile(join(copy, 'model.onnx'));
        graph[1000] = (graph[1000] ?? 0) ^ 1;
        await writeFile(join(copy, 'model.onnx'), graph);
      },
    ],
  ];
  for (const [i, [code, damage]] of cases.entries()) {
    const copy = join(folder, `${i}`);
    await cp(bundle, copy, { recursive: true });
    await damage(copy);
    const error = await t.throwsAsync(WorkerDetector.open({ ...start, bundle: copy }, long), undefined, code);
    t.true(isAtalayaError(error) && error.code === code, `${code}: ${error}`);
    t.true(isAtalayaError(error) && error.hint !== undefined, 'with what to do about it');
  }
});

withModel('answers belong to their questions, and come in their order', async (t) => {
  const detector = await opened();
  const order: number[] = [];
  const sizes = [64, 640, 32, 900, 16, 128];
  const answers = sizes.map((size, i) => detector.detect(grey(size, size)).finally(() => order.push(i)));
  for (const found of await Promise.all(answers)) t.true(Array.isArray(found));
  t.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  await detector.close();
});

withModel('one session or two: the same detections, bit for bit', async (t) => {
  const found = await recording();
  if (found === undefined) {
    t.log('not tested: neither ../shared/data (with ffmpeg) nor the street is here');
    t.pass();
    return;
  }
  const one = await WorkerDetector.open({ bundle, threads: 2, settings: detectionDefaults }, long);
  const two = await opened();
  let detections = 0;
  for await (const frame of found.camera.frames(new AbortController().signal)) {
    const expected = await one.detect(frame);
    t.deepEqual(await two.detect(frame), expected);
    detections += expected.length;
    found.camera.release(frame);
    if (frame.sequence >= 8) break;
  }
  t.true(detections > 0);
  await Promise.all([one.close(), two.close(), found.camera.close()]);
});

withModel('when one thread dies, the detector is dead', async (t) => {
  const threads: Worker[] = [];
  const onThread = (message: unknown) => void threads.push((message as { worker: Worker }).worker);
  subscribe('worker_threads', onThread);
  const detector = await opened();
  unsubscribe('worker_threads', onThread);
  t.is(threads.length, 2);
  await detector.detect(grey(1280, 720));
  await threads[1]?.terminate();
  await t.throwsAsync(detector.detect(grey(64, 64)), { code: 'engine-failed', message: /has ended/ });
  await detector.close();
});

withModel('a question that fails takes neither the others nor the thread with it', async (t) => {
  const detector = await opened();
  const broken = frameOf({ format: 'rgb24', width: 64, height: 64, data: undefined as unknown as Uint8Array });
  const [before, failed, after] = await Promise.allSettled([
    detector.detect(grey(64, 64)),
    detector.detect(broken),
    detector.detect(grey(64, 64)),
  ]);
  t.deepEqual([before.status, failed.status, after.status], ['fulfilled', 'rejected', 'fulfilled']);
  t.true(failed.status === 'rejected' && isAtalayaError(failed.reason, 'engine-failed'));
  await detector.close();
});

withModel('the event loop keeps turning while the thread computes', async (t) => {
  const detector = await opened();
  await detector.detect(grey(1280, 720));
  const count = 12;
  let ticks = 0;
  let widest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    ticks += 1;
    widest = Math.max(widest, performance.now() - last);
    last = performance.now();
  }, 5);
  const from = performance.now();
  // Three regions a picture. On this thread, each picture would hold the timer up for as long as it takes.
  for (let i = 0; i < count; i += 1) await detector.detect(grey(1280, 720));
  const took = performance.now() - from;
  clearInterval(timer);
  t.log(
    `${count} pictures in ${took.toFixed(0)} ms; ${ticks} ticks of 5 ms; the longest wait for one was ${widest.toFixed(0)} ms`,
  );
  t.true(ticks >= 0.4 * (took / 5), `${ticks} ticks in ${took.toFixed(0)} ms`);
  t.true(ticks > 2 * count);
  await detector.close();
});

withModel('no answer by the deadline: deadline-exceeded, for all that wait and all that come after', async (t) => {
  const detector = await opened(milliseconds(1));
  const [first, second] = await Promise.allSettled([
    detector.detect(grey(1280, 720)),
    detector.detect(grey(1280, 720)),
  ]);
  for (const answer of [first, second])
    t.true(answer.status === 'rejected' && isAtalayaError(answer.reason, 'deadline-exceeded'));
  await t.throwsAsync(detector.detect(grey(64, 64)), { code: 'deadline-exceeded' });
  await detector.close();
});

withModel('closing rejects what waits and what comes after; it may be done twice', async (t) => {
  const detector = await opened();
  const waiting = Promise.allSettled([detector.detect(grey(640, 360)), detector.detect(grey(640, 360))]);
  await detector.close();
  for (const answer of await waiting)
    t.true(answer.status === 'rejected' && isAtalayaError(answer.reason, 'engine-failed'));
  await t.throwsAsync(detector.detect(grey(64, 64)), { code: 'engine-failed', message: /closed/ });
  await detector.close();
});

withModel('after closing, the process ends by itself, also with a question under way', async (t) => {
  const script = `
    import { WorkerDetector } from ${JSON.stringify(new URL('./worker-detector.ts', import.meta.url).href)};
    const detector = await WorkerDetector.open(${JSON.stringify(start)}, 30000);
    const picture = { format: 'rgb24', width: 640, height: 360, data: new Uint8Array(new SharedArrayBuffer(640 * 360 * 3)) };
    await detector.detect({ picture });
    detector.detect({ picture }).catch((error) => console.log(error.code));
    await detector.close();
    console.log('closed');`;
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-detector-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'main.mjs');
  await writeFile(file, script);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 });
  t.deepEqual(stdout.trim().split('\n'), ['engine-failed', 'closed']);
});

/** A recording with cars in it: optional real footage, or the street that this repository ships. */
async function recording(): Promise<{ readonly name: string; readonly camera: Camera } | undefined> {
  for (const name of ['../shared/data/redlight-clips/demo4.mp4', 'device/capture/street/street.mjpeg']) {
    const path = join(root, name);
    if (!existsSync(path)) continue;
    const options = {
      nominalRate: 25,
      start: undated,
      ffmpeg: 'ffmpeg',
      ffprobe: 'ffprobe',
      onDamage: () => undefined,
    };
    const camera = await openSource(path, options);
    try {
      await camera.open(new AbortController().signal);
      return { name, camera };
    } catch (error) {
      if (!isAtalayaError(error, 'program-missing')) throw error;
    }
  }
  return undefined;
}

withModel('cars are found in real frames, inside the picture, the same ones each time', async (t) => {
  const found = await recording();
  if (found === undefined) {
    t.log('not tested: neither ../shared/data (with ffmpeg) nor the street is here');
    t.pass();
    return;
  }
  const { name, camera } = found;
  const detector = await opened();
  let frames = 0;
  let cars = 0;
  for await (const frame of camera.frames(new AbortController().signal)) {
    if (frame.sequence % 20 === 0) {
      const detections = await detector.detect(frame);
      t.deepEqual(await detector.detect(frame), detections);
      const { width, height } = frame.picture;
      for (const { box, score } of detections) {
        t.true(box.x >= 0 && box.y >= 0 && box.x + box.width <= width + 1e-6 && box.y + box.height <= height + 1e-6);
        t.true(score >= detectionDefaults.leastScore && score <= 1);
      }
      frames += 1;
      if (detections.some((detection) => detection.class === 'car' && detection.score >= 0.5)) cars += 1;
    }
    camera.release(frame);
    if (frame.sequence >= 160) break;
  }
  t.log(`${name}: a car in ${cars} of ${frames} frames`);
  t.true(cars >= 0.75 * frames, `${cars} of ${frames}`);
  await detector.close();
  await camera.close();
});
