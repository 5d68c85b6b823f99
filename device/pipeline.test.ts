import test from 'ava';
import type { Camera } from './capture/camera.ts';
import type { Frame } from './capture/frame.ts';
import { FrameRing } from './capture/frame-ring.ts';
import { recordingClock } from './capture/frame-times.ts';
import type { Detector } from './detect/detector.ts';
import type { SealedEvidence } from './evidence/evidence-store.ts';
import type { Infraction } from './judge/infraction.ts';
import { rawDataWith } from './judge/testing/raw.ts';
import { sleep } from './kernel/clock.ts';
import { AtalayaError } from './kernel/errors.ts';
import { milliseconds, utcMilliseconds } from './kernel/units.ts';
import { runPipeline, type Stages } from './pipeline.ts';

function frame(sequence: number): Frame {
  const elapsed = milliseconds(sequence * 40);
  return {
    sequence,
    time: { utc: utcMilliseconds(elapsed), elapsed, clock: recordingClock },
    picture: { format: 'rgb24', width: 1, height: 1, data: new Uint8Array(3) },
    original: undefined,
  };
}

/** A source of `count` frames that remembers what came back; `fault` is thrown after the last, `every` is the pause between them. */
class Source implements Camera {
  readonly released: number[] = [];
  readonly #count: number;
  readonly #every: number;
  readonly #fault: AtalayaError | undefined;

  constructor(count: number, every = 0, fault?: AtalayaError) {
    this.#count = count;
    this.#every = every;
    this.#fault = fault;
  }

  async open() {
    return { name: 'made', width: 1, height: 1, frames: this.#count };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    for (let sequence = 0; sequence < this.#count && !signal.aborted; sequence += 1) {
      if (this.#every > 0) await sleep(milliseconds(this.#every), signal);
      yield frame(sequence);
    }
    if (this.#fault !== undefined) throw this.#fault;
  }

  release({ sequence }: Frame): void {
    this.released.push(sequence);
  }

  async close() {}
}

function infraction(at: Frame): Infraction {
  return {
    rule: 'wrong-way',
    frame: at.sequence,
    time: at.time,
    track: 1,
    class: 'car',
    lane: undefined,
    box: { x: 0, y: 0, width: 1, height: 1 },
    measured: { rule: 'wrong-way', lane: 'a', againstDeg: 180, distancePx: 1 },
    findings: [],
  };
}

const detectorTaking = (time: number): Detector => ({
  detect: async () => {
    await sleep(milliseconds(time));
    return [];
  },
  close: async () => {},
});

/** Stages that accuse on the given frames and write down what happens, in order. */
function stages(source: Source, accuse: readonly number[], change: Partial<Stages> = {}) {
  const log: string[] = [];
  const seen: number[] = [];
  const all: Stages = {
    camera: source,
    ring: new FrameRing(1000, (one) => source.release(one)),
    detector: detectorTaking(1),
    tracker: {
      update: ({ sequence }) => {
        seen.push(sequence);
        return { live: [], ended: [] };
      },
    },
    judge: {
      observe: (_update, time) => {
        const number = Math.round(time.elapsed / 40);
        const infractions = accuse.includes(number) ? [infraction(frame(number))] : [];
        const raw = new Map(infractions.map((one) => [one, rawDataWith([])]));
        return { infractions, withheld: [], crossings: [], raw, speeds: [] };
      },
      finish: () => ({ infractions: [], withheld: [], crossings: [], raw: new Map(), speeds: [] }),
    },
    seal: async ({ frame: number }) => {
      // The earlier, the slower: announcing has to keep the order all the same.
      await sleep(milliseconds(30 - number));
      log.push(`sealed ${number}`);
      return { id: String(number) } as SealedEvidence;
    },
    announce: async (_one, { id }) => {
      log.push(`announced ${id}`);
    },
    lost: ({ frame: number }, { code }) => log.push(`lost ${number}: ${code}`),
    observer: {
      captured() {},
      skipped: ({ sequence }) => log.push(`skipped ${sequence}`),
      processed() {},
      crossed() {},
      measured() {},
      withheld() {},
    },
    ...change,
  };
  return { all, log, seen };
}

const every = { frames: 'every', sealsAtOnce: 8 } as const;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test('every frame is judged in order, each announcement follows its seal, and every picture comes back once', async (t) => {
  const source = new Source(20);
  const { all, log, seen } = stages(source, [2, 5, 9]);
  await runPipeline(all, every, new AbortController().signal);
  t.deepEqual(seen, numbers(20));
  for (const number of [2, 5, 9]) t.true(log.indexOf(`announced ${number}`) > log.indexOf(`sealed ${number}`));
  t.deepEqual(
    log.filter((line) => line.startsWith('announced')),
    ['announced 2', 'announced 5', 'announced 9'],
  );
  t.deepEqual(
    source.released.toSorted((a, b) => a - b),
    numbers(20),
  );
});

test('with the newest wanted, a slow detector skips frames, each is counted once, and the last is seen', async (t) => {
  const source = new Source(30, 2);
  const detector = detectorTaking(15);
  const { all, log, seen } = stages(source, [], { detector });
  await runPipeline(all, { ...every, frames: 'newest' }, new AbortController().signal);
  const skipped = log.map((line) => Number(line.replace('skipped ', '')));
  t.true(skipped.length > 5, `${skipped.length} skipped`);
  t.deepEqual(
    [...seen, ...skipped].toSorted((a, b) => a - b),
    numbers(30),
  );
  t.is(seen.at(-1), 29);
  t.is(source.released.length, 30);
});

test('a source that fails is thrown after all that was seen is judged and sealed', async (t) => {
  const source = new Source(6, 0, new AtalayaError('source-truncated', 'cut'));
  const { all, log, seen } = stages(source, [5]);
  await t.throwsAsync(runPipeline(all, every, new AbortController().signal), { message: 'cut' });
  t.deepEqual(seen, numbers(6));
  t.deepEqual(log, ['sealed 5', 'announced 5']);
});

test('a seal that fails stops the run, and what it was for is never announced', async (t) => {
  const source = new Source(2000, 1);
  const seal = () => Promise.reject(new AtalayaError('store-full', 'no room'));
  const { all, log, seen } = stages(source, [3], { seal });
  await t.throwsAsync(runPipeline(all, every, new AbortController().signal), { message: 'no room' });
  t.deepEqual(
    log.filter((line) => !line.startsWith('skipped')),
    [],
  );
  t.true(seen.length < 100, `stopped after ${seen.length} frames`);
  t.deepEqual(
    source.released.toSorted((a, b) => a - b),
    numbers(source.released.length),
    'each picture came back once',
  );
});

for (const code of ['deadline-exceeded', 'store-reserved', 'frame-damaged'] as const) {
  test(`an infraction that is lost to ${code} is told, never announced, and those after it are sealed`, async (t) => {
    const source = new Source(12);
    const seal: Stages['seal'] = async ({ frame: number }) => {
      if (number < 5) throw new AtalayaError(code, 'not this one');
      return { id: String(number) } as SealedEvidence;
    };
    const { all, log, seen } = stages(source, [3, 4, 6, 11], { seal });
    await runPipeline(all, every, new AbortController().signal);
    t.deepEqual(seen, numbers(12));
    t.deepEqual(log, [`lost 3: ${code}`, `lost 4: ${code}`, 'announced 6', 'announced 11']);
  });
}

test('a store that keeps nothing in time, one seal after the other, stops the run; a full one does not', async (t) => {
  const run = async (code: 'deadline-exceeded' | 'store-reserved') => {
    const source = new Source(100, 1);
    const seal = () => Promise.reject(new AtalayaError(code, 'not this one either'));
    const { all, log } = stages(source, numbers(100), { seal });
    await runPipeline(all, { frames: 'every', sealsAtOnce: 2 }, new AbortController().signal);
    return log.length;
  };
  await t.throwsAsync(run('deadline-exceeded'), { code: 'deadline-exceeded' });
  t.is(await run('store-reserved'), 100);
});

test('a detector that fails stops the run with its fault', async (t) => {
  const source = new Source(2000, 1);
  const detector = { detect: () => Promise.reject(new AtalayaError('engine-failed', 'dead')), close: async () => {} };
  const { all } = stages(source, [], { detector });
  await t.throwsAsync(runPipeline(all, every, new AbortController().signal), { message: 'dead' });
});

test('an abort ends the source, and what was taken is still judged, sealed and announced', async (t) => {
  const stop = new AbortController();
  const source = new Source(100_000, 1);
  const { all, log, seen } = stages(source, [4]);
  // However long the machine takes for them.
  const watch = setInterval(() => {
    if (seen.length >= 20) stop.abort();
  }, 5);
  await runPipeline(all, every, stop.signal);
  clearInterval(watch);
  t.deepEqual(log, ['sealed 4', 'announced 4']);
  t.deepEqual(seen, numbers(seen.length));
  t.is(source.released.length, new Set(source.released).size);
  t.true(seen.length >= 5 && seen.length < 1000);
});

test('seals that wait for better frames hold the judging up no longer than it takes to tell them that none come', async (t) => {
  const source = new Source(40);
  const waiting = new Set<() => void>();
  let hurried = 0;
  const { all, log, seen } = stages(source, numbers(30), {
    plates: {
      observe: () => undefined,
      hurry: () => {
        hurried += 1;
        for (const answer of waiting) answer();
      },
      finish: () => {
        for (const answer of waiting) answer();
      },
    },
    // As a vehicle that comes nearer: its plate is waited for until its frames are there.
    seal: async ({ frame: number }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      await promise;
      waiting.delete(resolve);
      return { id: String(number) } as SealedEvidence;
    },
  });
  await runPipeline(all, { frames: 'every', sealsAtOnce: 8 }, new AbortController().signal);
  t.deepEqual(seen, numbers(40));
  t.deepEqual(
    log,
    numbers(30).map((number) => `announced ${number}`),
  );
  // Nine are under way when the first hurry comes, and nobody is hurried for a seal that is long done.
  t.is(hurried, 3);
});

test('a fault does not wait for plates whose frames never come', async (t) => {
  const source = new Source(40, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { all, log } = stages(source, [2], {
    plates: {
      observe: ({ sequence }) => {
        if (sequence === 6) throw new AtalayaError('internal', 'broken');
        return undefined;
      },
      hurry: () => {},
      finish: resolve,
    },
    seal: async () => {
      await promise;
      return { id: '2' } as SealedEvidence;
    },
  });
  await t.throwsAsync(runPipeline(all, every, new AbortController().signal), { message: 'broken' });
  t.true(log.includes('announced 2'));
});

test('plates see each frame before it is judged, hold it up only with a promise, and learn the end before the last judgement', async (t) => {
  const order: string[] = [];
  const source = new Source(6);
  const { all } = stages(source, [], {
    plates: {
      observe: ({ sequence }) => {
        order.push(`plates ${sequence}`);
        if (sequence % 2 === 0) return undefined;
        return sleep(milliseconds(5)).then(() => {
          order.push(`room ${sequence}`);
        });
      },
      hurry: () => order.push('in a hurry'),
      finish: () => order.push('no more frames'),
    },
    judge: {
      observe: (_update, { elapsed }) => {
        order.push(`judged ${Math.round(elapsed / 40)}`);
        return { infractions: [], withheld: [], crossings: [], raw: new Map(), speeds: [] };
      },
      finish: () => {
        order.push('last judgement');
        return { infractions: [], withheld: [], crossings: [], raw: new Map(), speeds: [] };
      },
    },
  });
  await runPipeline(all, every, new AbortController().signal);
  t.deepEqual(order, [
    ...numbers(6).flatMap((n) => [`plates ${n}`, ...(n % 2 === 1 ? [`room ${n}`] : []), `judged ${n}`]),
    'no more frames',
    'last judgement',
  ]);
});

test('frames that the detector is not given are kept for evidence, counted as skipped, and come back once', async (t) => {
  const source = new Source(20);
  const { all, log, seen } = stages(source, []);
  let frames = 0;
  const admits = () => {
    frames += 1;
    return frames % 2 === 1;
  };
  await runPipeline(all, { ...every, admits }, new AbortController().signal);
  t.deepEqual(
    seen,
    numbers(20).filter((number) => number % 2 === 0),
  );
  t.deepEqual(
    log,
    numbers(20).flatMap((number) => (number % 2 === 1 ? [`skipped ${number}`] : [])),
  );
  t.deepEqual(
    source.released.toSorted((a, b) => a - b),
    numbers(20),
  );
});
