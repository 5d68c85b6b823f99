import test from 'ava';
import type { Picture } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { fraction } from '../kernel/units.ts';
import type { SsdCoding } from './decode-ssd.ts';
import type { Detection } from './detection.ts';
import type { InferenceEngine, RawOutput } from './inference-engine.ts';
import { type DetectionSettings, detectionDefaults, RegionDetector } from './region-detector.ts';
import { EngineView } from './region-view.ts';

const SIZE = 60;
const classNames = ['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck', 'stop sign'];

/** One anchor per box of the network's answer, in unit coordinates of its input, with no offset: the anchor is the box. */
interface Answer {
  readonly class: string;
  readonly logit: number;
  /** left, top, right, bottom. */
  readonly box: readonly [number, number, number, number];
}

/** Gives the same boxes for whatever picture, and keeps what it was shown. */
class FixedEngine implements InferenceEngine {
  readonly name = 'fixed';
  readonly input = { width: SIZE, height: SIZE };
  readonly shown: Uint8Array[] = [];
  readonly #answers: readonly (readonly Answer[])[];

  /** `answers`: for the first call, the second, ...; then from the front again. */
  constructor(answers: readonly (readonly Answer[])[]) {
    this.#answers = answers;
  }

  async infer(input: Uint8Array): Promise<RawOutput> {
    const turn = this.shown.push(input.slice()) - 1;
    const all = this.#answers.flat();
    const current = this.#answers[turn % this.#answers.length] ?? [];
    const scores = new Float32Array(all.length * classNames.length).fill(-20);
    for (const [row, answer] of all.entries()) {
      if (current.includes(answer)) scores[row * classNames.length + classNames.indexOf(answer.class)] = answer.logit;
    }
    return { boxes: new Float32Array(all.length * 4), scores };
  }

  async close(): Promise<void> {}
}

function coding(answers: readonly (readonly Answer[])[]): SsdCoding {
  const anchors = answers
    .flat()
    .flatMap(({ box: [left, top, right, bottom] }) => [
      (top + bottom) / 2,
      (left + right) / 2,
      bottom - top,
      right - left,
    ]);
  return {
    classes: classNames.map((name, i) => ({ cocoId: i + 1, name })),
    anchors: Float32Array.from(anchors),
    centreScale: 10,
    sizeScale: 5,
  };
}

const picture = (width: number, height: number, level = 50): Picture => ({
  format: 'rgb24',
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(level),
});

function detectorOn(engine: InferenceEngine, of: SsdCoding, settings: DetectionSettings): RegionDetector {
  return new RegionDetector(new EngineView(engine, of, settings), settings);
}

async function detect(answers: readonly (readonly Answer[])[], of: Picture, settings: Partial<DetectionSettings> = {}) {
  const engine = new FixedEngine(answers);
  const detector = detectorOn(engine, coding(answers), { ...detectionDefaults, ...settings });
  return { detections: await detector.detect(of), engine, detector };
}

/** Rounded to a hundredth of a pixel: anchors are float32. */
const rounded = (detections: readonly Detection[]) =>
  detections.map(({ class: name, box }) => [
    name,
    ...[box.x, box.y, box.width, box.height].map((value) => Math.round(value * 100) / 100),
  ]);

const car = (box: Answer['box'], logit = 3): Answer => ({ class: 'car', logit, box });

test('the whole picture, stretched: unit coordinates times its size', async (t) => {
  const { detections } = await detect([[car([0.25, 0.5, 0.5, 0.75])]], picture(200, 180));
  t.deepEqual(rounded(detections), [['car', 50, 90, 50, 45]]);
  t.true(Math.abs((detections[0]?.score ?? 0) - 1 / (1 + Math.exp(-3))) < 1e-6);
});

test('a region, stretched: within the region', async (t) => {
  const regions = [{ x: 300, y: 100, width: 200, height: 400 }];
  const { detections } = await detect([[car([0.25, 0.5, 0.5, 0.75])]], picture(800, 600), { regions });
  t.deepEqual(rounded(detections), [['car', 350, 300, 50, 100]]);
});

test('letterboxed, wide and high: the border is taken off first', async (t) => {
  // 400 x 200 in a square of 60: 60 x 30 with 15 above. 200 x 400: 30 x 60 with 15 to the left.
  const answer = [car([0.5, 0.5, 0.75, 0.75])];
  const wide = await detect([answer], picture(800, 600), {
    regions: [{ x: 100, y: 50, width: 400, height: 200 }],
    fit: 'letterbox',
  });
  t.deepEqual(rounded(wide.detections), [['car', 300, 150, 100, 100]]);
  const high = await detect([answer], picture(800, 600), {
    regions: [{ x: 100, y: 50, width: 200, height: 400 }],
    fit: 'letterbox',
  });
  t.deepEqual(rounded(high.detections), [['car', 200, 250, 100, 100]]);
});

test('boxes are clipped to the picture, not to the region; what lies outside is dropped', async (t) => {
  const reaching = [
    car([-0.5, -0.5, 0.5, 0.5]),
    car([0.8, 0.8, 1.5, 1.5], 2),
    car([1.2, 0, 1.4, 0.2], 4),
    car([-0.4, 0.5, -0.1, 0.8], 4),
  ];
  const all = await detect([reaching], picture(100, 100));
  t.deepEqual(rounded(all.detections), [
    ['car', 0, 0, 50, 50],
    ['car', 80, 80, 20, 20],
  ]);
  const inner = await detect([reaching], picture(300, 300), { regions: [{ x: 100, y: 100, width: 100, height: 100 }] });
  t.deepEqual(rounded(inner.detections).sort(), [
    ['car', 180, 180, 70, 70],
    ['car', 220, 100, 20, 20],
    ['car', 50, 50, 100, 100],
    ['car', 60, 150, 30, 30],
  ]);
});

test('each region sees its own pixels, and what they saw is joined', async (t) => {
  // The same place seen by the whole picture and by the right one of the two squares: 0.6 of 320 is 192 wide from 128 on.
  const byWhole = [car([0.5, 0.25, 0.6, 0.5], 1)];
  const byLeft = [{ class: 'bus', logit: 2, box: [0.1, 0.1, 0.3, 0.3] } as const];
  const byRight = [car([32 / 192, 0.25, 64 / 192, 0.5], 4)];
  const wide = picture(320, 180);
  for (let y = 0; y < 180; y += 1) wide.data.fill(200, (y * 320 + 192) * 3, (y + 1) * 320 * 3);
  const { detections, engine } = await detect([byWhole, byLeft, byRight], wide);
  t.is(engine.shown.length, 3);
  t.deepEqual(rounded(detections), [
    ['car', 160, 45, 32, 45],
    ['bus', 19.2, 18, 38.4, 36],
  ]);
  t.true(
    engine.shown[1]?.every((level) => level === 50),
    'the left one sees the left',
  );
  t.is(engine.shown[2]?.[(30 * SIZE + 59) * 3], 200);
});

test('least score, suppression within a class, and classes that the judgement does not know', async (t) => {
  const answers = [
    car([0.1, 0.1, 0.5, 0.5], 3),
    car([0.11, 0.1, 0.51, 0.5], 2),
    car([0.6, 0.6, 0.9, 0.9], -2),
    { class: 'stop sign', logit: 5, box: [0.1, 0.6, 0.3, 0.8] } as const,
  ];
  const { detections } = await detect([answers], picture(100, 100), { leastScore: fraction(0.15) });
  t.deepEqual(rounded(detections), [['car', 10, 10, 40, 40]]);
  const doubtful = await detect([answers], picture(100, 100), { leastScore: fraction(0.1) });
  t.is(doubtful.detections.length, 2);
});

test('a picture of another size is planned anew', async (t) => {
  const answers = [[car([0, 0, 0.5, 0.5])]];
  const { detector } = await detect(answers, picture(100, 100));
  t.deepEqual(rounded(await detector.detect(picture(200, 160))), [['car', 0, 0, 100, 80]]);
  t.deepEqual(rounded(await detector.detect(picture(100, 100))), [['car', 0, 0, 50, 50]]);
});

test('a network whose input is no square is refused', async (t) => {
  const engine = new FixedEngine([[]]);
  const oblong = {
    name: 'oblong',
    input: { width: 60, height: 40 },
    infer: engine.infer.bind(engine),
    close: engine.close.bind(engine),
  };
  const detector = detectorOn(oblong, coding([[]]), detectionDefaults);
  await t.throwsAsync(detector.detect(picture(100, 100)), { code: 'bundle-input-unknown' });
});

test('regions are asked for without waiting, and each inference keeps its own input until it is answered', async (t) => {
  const engine = new FixedEngine([[]]);
  const open: (() => void)[] = [];
  const inputs: Uint8Array[] = [];
  const slow: InferenceEngine = {
    name: 'slow',
    input: engine.input,
    infer: async (input) => {
      inputs.push(input);
      await new Promise<void>((resolve) => open.push(resolve));
      return engine.infer(input);
    },
    close: async () => {},
  };
  const detector = detectorOn(slow, coding([[]]), detectionDefaults);
  const first = detector.detect(picture(320, 180, 10));
  const second = detector.detect(picture(320, 180, 200));
  t.is(new Set(inputs).size, 6);
  for (const [i, input] of inputs.entries()) t.true(input.every((level) => level === (i < 3 ? 10 : 200)));
  for (const answer of open) answer();
  await Promise.all([first, second]);
  const third = detector.detect(picture(320, 180, 60));
  t.is(new Set(inputs).size, 6, 'inputs are used again');
  for (const answer of open) answer();
  await third;
});

test('a region that fails: the picture is left alone before the fault is told', async (t) => {
  let reading = 0;
  const finish: (() => void)[] = [];
  const detector = new RegionDetector(
    {
      view: async (_, region) => {
        if (region.x === 0) throw new AtalayaError('engine-failed', 'as asked');
        reading += 1;
        await new Promise<void>((resolve) => finish.push(resolve));
        reading -= 1;
        return { region, detections: [] };
      },
    },
    detectionDefaults,
  );
  let told = false;
  const found = detector.detect(picture(320, 180)).catch((error: unknown) => {
    told = true;
    throw error;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(reading, 1);
  t.false(told);
  finish[0]?.();
  await t.throwsAsync(found, { code: 'engine-failed', message: 'as asked' });
  t.is(reading, 0);
});
