import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { loadBundle } from '../../../models/contract/bundle.ts';
import { detectorFolder } from '../../../models/contract/places.ts';
import { undated } from '../../capture/frame-times.ts';
import { keptFrame } from '../../capture/kept-frame.ts';
import { MjpegCamera } from '../../capture/mjpeg-camera.ts';
import type { RgbPicture } from '../../capture/to-rgb.ts';
import type { Box, Detection } from '../../detect/detection.ts';
import { detectionDefaults } from '../../detect/region-detector.ts';
import { WorkerDetector } from '../../detect/worker-detector.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import { frameOf, infractionAt } from '../testing/fixtures.ts';
import { BystanderMemory } from './bystander-memory.ts';
import { makeStills } from './stills.ts';

/** A car runs the red light, others wait. */
const charged = 238;
const street = join(import.meta.dirname, '..', '..', 'capture', 'street');

interface Truth {
  readonly vehicles: readonly {
    readonly id: string;
    readonly class: Detection['class'];
    readonly frames: readonly { readonly frame: number; readonly box: readonly [number, number, number, number] }[];
  }[];
}

async function streetFrame() {
  const truth: Truth = JSON.parse(await readFile(join(street, 'truth.json'), 'utf8'));
  const camera = new MjpegCamera({
    path: join(street, 'street.mjpeg'),
    nominalRate: 15,
    start: undated,
    onDamage: () => {},
  });
  const { signal } = new AbortController();
  await camera.open(signal);
  const vehicles = truth.vehicles.flatMap(({ id, class: kind, frames }) =>
    frames
      .filter(({ frame }) => frame === charged)
      .map(({ box: [x, y, right, bottom] }) => ({ id, kind, box: { x, y, width: right - x, height: bottom - y } })),
  );
  for await (const frame of camera.frames(signal)) {
    if (frame.sequence === charged) return { frame, vehicles };
    camera.release(frame);
  }
  throw new Error('the clip is shorter than its truth');
}

/** A range of the picture in the copy and in the original, as rows of pixels. */
async function cut(content: Uint8Array, { x, y, width, height }: Box): Promise<Buffer> {
  const area = { left: Math.ceil(x), top: Math.ceil(y), width: Math.floor(width) - 1, height: Math.floor(height) - 1 };
  return sharp(content).extract(area).removeAlpha().raw().toBuffer();
}

/** How much the brightness varies, as a standard deviation in levels. */
function spread(rgb: Uint8Array): number {
  const greens = rgb.filter((_, i) => i % 3 === 1);
  const mean = greens.reduce((sum, one) => sum + one, 0) / greens.length;
  return Math.sqrt(greens.reduce((sum, one) => sum + (one - mean) ** 2, 0) / greens.length);
}

function psnr(one: Uint8Array, other: Uint8Array): number {
  const sum = one.reduce((all, value, i) => all + (value - (other[i] ?? 0)) ** 2, 0);
  return 10 * Math.log10((255 * 255) / (sum / one.byteLength));
}

const inner = ({ x, y, width, height }: Box, by: number): Box => ({
  x: x + by,
  y: y + by,
  width: width - 2 * by,
  height: height - 2 * by,
});

test("a street frame: no pixel of bystanders' plates and people survives, and the accused is as it was", async (t) => {
  const { frame, vehicles } = await streetFrame();
  const accused = vehicles.find(({ id }) => id === 'red-runner');
  if (accused === undefined || frame.original === undefined) return t.fail('the red runner is not in the frame');
  const bundle = detectorFolder('int8');
  const built = await loadBundle(bundle).then(
    () => true,
    () => false,
  );
  let found: readonly Detection[] = vehicles.map(({ kind, box }) => ({ box, class: kind, score: fraction(0.9) }));
  if (built) {
    const detector = await WorkerDetector.open(
      { bundle, threads: 1, settings: detectionDefaults },
      milliseconds(60_000),
    );
    found = await detector.detect(frame).finally(() => detector.close());
  } else t.log('the detector is not built (make models): the truth stands for what it sees');
  const others = found.filter(
    ({ box }) => !(Math.abs(box.x - accused.box.x) < 60 && Math.abs(box.y - accused.box.y) < 60),
  );
  t.true(others.length >= 2 && others.length < found.length, `${others.length} of ${found.length} are others`);
  // The clip has no people: one is put before the accused's corner, its driver into it, and one on the pavement.
  const { box } = accused;
  const people = [
    { x: box.x - 20, y: box.y + box.height * 0.4, width: 40, height: 100 },
    { x: box.x + box.width * 0.55, y: box.y + 8, width: 24, height: 28 },
    { x: 1721, y: 500.5, width: 60, height: 160 },
  ];
  const persons = people.map((one): Detection => ({ box: one, class: 'person', score: fraction(0.2) }));
  const memory = new BystanderMemory('auto', { reach: milliseconds(1000), most: 9 });
  memory.observe(frame, [...found, ...persons]);
  const infraction = { ...infractionAt(charged), box };
  const stills = await makeStills({ at: keptFrame(frame) }, infraction, 'unit-1', {
    track: [],
    marks: [],
    surroundings: memory.around(frame),
  });
  const copy = stills.find(({ about }) => about.role === 'operator');
  if (copy === undefined) return t.fail('there is no copy for the operator');
  const taken = found.filter(({ class: kind }) => ['person', 'bicycle', 'motorcycle'].includes(kind)).length;
  t.regex(
    copy.about.making,
    new RegExp(`colour each: ${people.length + taken} areas of people and two-wheelers, \\d+ of the lower parts`),
  );
  for (const one of people) {
    const [shown, own] = [await cut(copy.content, inner(one, 2)), await cut(frame.original, inner(one, 2))];
    t.true(spread(shown) < 3, `a person's place varies by ${spread(shown)} levels, in the original by ${spread(own)}`);
  }
  let seen = 0;
  for (const { box: other } of others) {
    const lower = {
      ...other,
      y: other.y + other.height * 0.4,
      height: Math.min(other.height * 0.6, 1079 - other.y - other.height * 0.4),
    };
    const inside = inner({ ...lower, x: Math.max(0, lower.x), width: Math.min(lower.width, 1919 - lower.x) }, 2);
    const apart =
      inside.x > box.x + box.width + 8 || inside.x + inside.width < box.x - 8 || inside.y > box.y + box.height + 8;
    if (!apart || inside.width < 8 || inside.height < 8) continue;
    const [shown, own] = [await cut(copy.content, inside), await cut(frame.original, inside)];
    // Several covers may meet there, each of one colour: little varies, and nothing as in the original.
    t.true(psnr(shown, own) < 28, `as in the original to ${psnr(shown, own)} dB`);
    t.true(new Set(greys(shown)).size <= 24, 'more than a few flat colours');
    seen += 1;
  }
  t.true(seen >= 1);
  // Right and below of the made people the accused is untouched.
  const free = inner(
    { x: box.x + 48, y: box.y + box.height * 0.55, width: box.width - 48, height: box.height * 0.45 },
    1,
  );
  const loss = psnr(await cut(copy.content, free), await cut(frame.original, free));
  t.true(loss > 34, `${loss} dB`);
  t.false(
    Buffer.from(copy.content).includes(Buffer.from(frame.original.subarray(2000, 2100))),
    "none of the camera's bytes",
  );
});

const greys = (rgb: Uint8Array): number[] => [...rgb.filter((_, i) => i % 3 === 1)].map((one) => one >> 2);

test('where nothing is known around the frame, the copy shows the accused on black and says so', async (t) => {
  const at = frameOf(20, 'rgb24', 160, 120);
  const infraction = { ...infractionAt(20), box: { x: 40, y: 40, width: 60, height: 40 } };
  const stills = await makeStills({ at: keptFrame(at) }, infraction, 'unit-1', { track: [], marks: [] });
  const copy = stills.find(({ about }) => about.role === 'operator');
  t.regex(copy?.about.making ?? '', /black outside the accused's box: no frame within 0\.3 s of this one was searched/);
  const { data } = await sharp(copy?.content).raw().toBuffer({ resolveWithObject: true });
  const picture: RgbPicture = { format: 'rgb24', width: 160, height: 120, data };
  let bright = 0;
  for (let y = 0; y < 120; y += 1) {
    for (let x = 0; x < 160; x += 1) {
      const value = picture.data[3 * (y * 160 + x) + 1] ?? 0;
      const inside = x >= 40 && x < 100 && y >= 40 && y < 80;
      if (inside && value > 30) bright += 1;
      // The encoder works in squares of 8 pixels, and so do its traces.
      const far = x < 40 || x >= 104 || y < 40 || y >= 80;
      if (far && value > 3) return t.fail(`(${x}, ${y}) is ${value}`);
    }
  }
  t.true(bright > 2300, `${bright} of 2400 pixels of the accused`);
});

test('where the accused is not known either, there is no copy rather than a black one', async (t) => {
  const at = keptFrame(frameOf(17));
  const stills = await makeStills({ at }, infractionAt(20), 'unit-1', { track: [], marks: [] });
  t.deepEqual(
    stills.map(({ about }) => about.role),
    ['context', 'annotated'],
  );
});
