import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { isAtalayaError } from '../kernel/errors.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { fraction, milliseconds } from '../kernel/units.ts';
import { readDefaults } from './crop-reader.ts';
import type { PlateSight, VehicleCrop } from './plate-reader.ts';
import { checkPlateReader, plainCrop, type ReaderUnderTest } from './testing/check-plate-reader.ts';
import { drawing, drawVehicle } from './testing/draw-vehicle.ts';
import { FakeReader } from './testing/fake-reader.ts';
import { oneLine } from './testing/made-formats.ts';
import { finderFolder, readerFolders } from './testing/opened-crop-reader.ts';
import { WorkerPlateReader, type WorkerPlateReaderOptions } from './worker-plate-reader.ts';

const long = milliseconds(60_000);
const start: WorkerPlateReaderOptions = {
  finder: finderFolder,
  readers: readerFolders,
  threads: 2,
  formats: oneLine,
  settings: readDefaults,
};

/** `make models` makes the bundles, and `make test` calls that first. */
async function opened(t: ExecutionContext): Promise<WorkerPlateReader> {
  const reader = await WorkerPlateReader.open(start, long);
  t.teardown(() => reader.close());
  return reader;
}

async function drawn(text: string): Promise<VehicleCrop> {
  return (await drawVehicle(drawing(text, oneLine[0]!), seededRandom(7))).crop;
}

async function real(): Promise<ReaderUnderTest> {
  return {
    reader: await WorkerPlateReader.open(start, long),
    plain: { crop: await drawn('BCDF23'), text: 'BCDF23' },
    empty: plainCrop(300, 200),
  };
}

/** Says of one crop what the real one says, of any other nothing. */
async function fake(): Promise<ReaderUnderTest> {
  const crop = await drawn('BCDF23');
  const quad = [
    { x: 0, y: 0 },
    { x: 9, y: 0 },
    { x: 9, y: 3 },
    { x: 0, y: 3 },
  ] as const;
  const sight: PlateSight = {
    read: {
      text: 'BCDF23',
      format: 'xx-new',
      confidence: fraction(0.9),
      characters: [...'BCDF23'].map((character) => ({ character, confidence: fraction(0.99) })),
      alternatives: [],
      quad,
      characterHeight: 20,
      sharpness: fraction(0.5),
    },
    rejected: [],
  };
  const answer = (asked: VehicleCrop) => (asked === crop ? sight : { read: undefined, rejected: [] });
  return { reader: new FakeReader(answer), plain: { crop, text: 'BCDF23' }, empty: plainCrop(300, 200) };
}

checkPlateReader(test, 'fake', fake);
checkPlateReader(test, 'real', real);

test.serial('it says which networks read, finder first', async (t) => {
  const reader = await opened(t);
  t.deepEqual(
    reader.models.map(({ id }) => id),
    ['plate-finder-ppocr-v4-int8', 'plate-reader-atalaya-float', 'plate-reader-ppocr-v4-int8'],
  );
  t.deepEqual(
    reader.engines.map((engine) => engine.replace(/^onnxruntime-node \S+ /, '')),
    ['int8', 'float32', 'int8'],
  );
});

test.serial('a bundle for another task is refused, and no thread is left', async (t) => {
  const error = await t.throwsAsync(WorkerPlateReader.open({ ...start, finder: readerFolders[0] ?? '' }, long));
  t.true(isAtalayaError(error, 'bundle-invalid'));
});

/** Opens a reader whose thread runs `body`, in which `port` is its port. */
async function misbehaving(t: ExecutionContext, body: string, deadline = long): Promise<WorkerPlateReader> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-thread-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'program.mjs');
  await writeFile(
    file,
    `import { parentPort as port } from 'node:worker_threads';
     const ready = () => port.postMessage({ kind: 'ready', ready: { finder: 'a', readers: ['b'] } });\n${body}`,
  );
  const reader = await WorkerPlateReader.open({ ...start, program: pathToFileURL(file) }, deadline);
  t.teardown(() => reader.close());
  return reader;
}

test.serial('when the thread dies, all that wait and all that come reject', async (t) => {
  const reader = await misbehaving(t, `port.on('message', (m) => m.kind === 'ask' ? process.exit(3) : ready());`);
  const waiting = await Promise.allSettled([reader.read(plainCrop(9, 9)), reader.read(plainCrop(9, 9))]);
  for (const one of waiting) t.true(one.status === 'rejected' && isAtalayaError(one.reason, 'engine-failed'));
  t.true(isAtalayaError(await t.throwsAsync(reader.read(plainCrop(9, 9))), 'engine-failed'));
});

test.serial(
  'a crop that takes longer than the deadline ends the reader; waiting for others does not count',
  async (t) => {
    const slow = `const sight = { read: undefined, rejected: [] };
    port.on('message', (m) => m.kind === 'ask' ? setTimeout(() => port.postMessage({ kind: 'answered', id: m.id, answer: sight }), m.question.pixels.width) : m.kind === 'close' ? port.close() : ready());`;
    const reader = await misbehaving(t, slow, milliseconds(400));
    await Promise.all([200, 200, 200, 200].map((time) => reader.read(plainCrop(time, 1))));
    const [late, next] = await Promise.allSettled([reader.read(plainCrop(2000, 1)), reader.read(plainCrop(1, 1))]);
    for (const one of [late, next])
      t.true(one.status === 'rejected' && isAtalayaError(one.reason, 'deadline-exceeded'));
  },
);
