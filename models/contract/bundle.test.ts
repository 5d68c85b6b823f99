import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { AtalayaError, type ErrorCode } from '../../device/kernel/errors.ts';
import { writeBundle } from '../bundles/write-bundle.ts';
import { loadAnyBundle, loadBundle, loadBundleFor, manifestName } from './bundle.ts';
import type { AnyManifest, FindingManifest, Manifest, ReadingManifest } from './manifest.ts';

const manifest: Omit<Manifest, 'files'> = {
  schema: 'atalaya.model-bundle/1',
  id: 'tiny',
  version: '1.0.0',
  task: 'vehicle-detection',
  engine: 'onnx',
  precision: 'float32',
  graph: 'model.onnx',
  input: { name: 'image', width: 8, height: 6, layout: 'NHWC', dtype: 'uint8', colour: 'RGB' },
  outputs: { boxes: { name: 'boxes', shape: [1, 2, 4] }, scores: { name: 'scores', shape: [1, 2, 1] } },
  anchors: {
    file: 'anchors.bin',
    count: 2,
    coding: { kind: 'ssd', order: 'y,x,height,width', centreScale: 10, sizeScale: 5 },
  },
  classes: [{ cocoId: 3, name: 'car' }],
  licence: 'Apache-2.0',
  provenance: {
    package: 'p',
    version: '1.0.0',
    integrity: `sha512-${'A'.repeat(86)}==`,
    description: 'made for this test',
  },
  metrics: {},
};

const anchors = Float32Array.of(0, 0, 1, 1, 0.25, 0.25, 0.5, 0.75);

async function tinyBundle(t: ExecutionContext, change: Partial<Omit<Manifest, 'files'>> = {}): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'atalaya-bundle-'));
  t.teardown(() => rm(parent, { recursive: true, force: true }));
  const files = new Map<string, Uint8Array>([
    ['model.onnx', Uint8Array.of(1, 2, 3, 4, 5)],
    ['anchors.bin', new Uint8Array(anchors.buffer)],
  ]);
  await writeBundle(join(parent, 'tiny'), { ...manifest, ...change }, files);
  return join(parent, 'tiny');
}

/** Writes a changed manifest: `change` sees it as parsed JSON and gives back what is to be written. */
async function edit(folder: string, change: (document: Manifest) => object): Promise<void> {
  const path = join(folder, manifestName);
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
}

async function refused(t: ExecutionContext, folder: string, code: ErrorCode, ...words: string[]): Promise<void> {
  const error = await t.throwsAsync(loadBundle(folder), { instanceOf: AtalayaError });
  t.is(error?.code, code);
  for (const word of words) t.true(error?.message.includes(word), `"${error?.message}" names ${word}`);
}

test('a whole bundle loads, with its anchors and verified bytes', async (t) => {
  const bundle = await loadBundle(await tinyBundle(t));
  t.deepEqual(bundle.anchors, anchors);
  t.deepEqual([...(await bundle.read('model.onnx'))], [1, 2, 3, 4, 5]);
  t.regex(bundle.sha256, /^[0-9a-f]{64}$/);
});

test('a changed byte is refused, naming the file, at loading and at reading', async (t) => {
  const folder = await tinyBundle(t);
  const bundle = await loadBundle(folder);
  await writeFile(join(folder, 'model.onnx'), Uint8Array.of(1, 2, 3, 4, 6));
  await refused(t, folder, 'bundle-hash-mismatch', 'model.onnx');
  const error = await t.throwsAsync(bundle.read('model.onnx'), { instanceOf: AtalayaError });
  t.is(error?.code, 'bundle-hash-mismatch');
});

test('whatever byte of a file changes, the bundle is refused', async (t) => {
  const folder = await tinyBundle(t);
  const path = join(folder, 'anchors.bin');
  const good = await readFile(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
      const bad = Uint8Array.from(good);
      bad[at] = bad[at]! ^ difference;
      await writeFile(path, bad);
      const error = await loadBundle(folder).catch((thrown: unknown) => thrown);
      return (
        error instanceof AtalayaError && error.code === 'bundle-hash-mismatch' && error.message.includes('anchors.bin')
      );
    }),
    { numRuns: 50 },
  );
  await writeFile(path, good);
  await t.notThrowsAsync(loadBundle(folder));
});

test('a file that was cut short is refused by name', async (t) => {
  const folder = await tinyBundle(t);
  await writeFile(join(folder, 'model.onnx'), Uint8Array.of(1, 2));
  await refused(t, folder, 'bundle-hash-mismatch', 'model.onnx', '2 bytes');
});

test('a missing file, a missing manifest and a missing folder are refused by name', async (t) => {
  const folder = await tinyBundle(t);
  await rm(join(folder, 'anchors.bin'));
  await refused(t, folder, 'bundle-file-missing', 'anchors.bin');
  await rm(join(folder, manifestName));
  await refused(t, folder, 'bundle-file-missing', manifestName);
  await refused(t, join(folder, 'nowhere'), 'bundle-file-missing', 'nowhere');
});

test('reading a file that the manifest does not list is refused', async (t) => {
  const bundle = await loadBundle(await tinyBundle(t));
  for (const name of ['other.bin', '../tiny/model.onnx', 'constructor']) {
    const error = await t.throwsAsync(bundle.read(name), { instanceOf: AtalayaError });
    t.is(error?.code, 'bundle-file-missing');
  }
});

test('a manifest that is no JSON, no UTF-8 or empty is refused', async (t) => {
  const folder = await tinyBundle(t);
  for (const bytes of [Buffer.from('{"schema":'), Buffer.of(0xff, 0xfe, 0x7b), Buffer.alloc(0)]) {
    await writeFile(join(folder, manifestName), bytes);
    await refused(t, folder, 'bundle-invalid', manifestName, 'not JSON');
  }
});

test('a manifest that breaks the schema is refused, naming each field', async (t) => {
  const folder = await tinyBundle(t);
  await edit(folder, ({ licence, ...rest }) => ({ ...rest, engine: 'abacus', surprise: licence }));
  await refused(t, folder, 'bundle-invalid', 'engine', 'surprise', 'licence');
});

test('an input that no engine here feeds is refused, naming the field', async (t) => {
  const inputs: [Partial<Manifest['input']>, string][] = [
    [{ layout: 'NCHW' }, 'input.layout'],
    [{ dtype: 'float32' }, 'input.dtype'],
    [{ colour: 'BGR' }, 'input.colour'],
    [{ width: 100_000 }, 'input.width'],
    [{ height: 5000 }, 'input.height'],
  ];
  for (const [change, field] of inputs) {
    const folder = await tinyBundle(t, { input: { ...manifest.input, ...change } });
    await refused(t, folder, 'bundle-input-unknown', field);
  }
});

test('a manifest that contradicts itself is refused', async (t) => {
  const { anchors: stated, outputs } = manifest;
  const contradictions: [Partial<Omit<Manifest, 'files'>>, string][] = [
    [{ anchors: { ...stated, count: 3 } }, 'anchors'],
    [{ classes: [...manifest.classes, { cocoId: 6, name: 'bus' }] }, '2 classes'],
    [{ outputs: { ...outputs, boxes: { name: 'boxes', shape: [1, 2, 5] } } }, 'outputs.boxes.shape'],
    [{ graph: 'absent.onnx' }, 'absent.onnx'],
  ];
  for (const [change, word] of contradictions) await refused(t, await tinyBundle(t, change), 'bundle-invalid', word);
});

test('a file name cannot lead out of the bundle', async (t) => {
  const folder = await tinyBundle(t);
  await edit(folder, (document) => ({
    ...document,
    files: { ...document.files, '../secret': document.files['model.onnx'] },
  }));
  await refused(t, folder, 'bundle-invalid', 'files');
});

const { schema, id, version, precision, graph, licence, provenance: origin, metrics } = manifest;
const shared = { schema, id, version, precision, graph, licence, provenance: origin, metrics };
const side = { multiple: 32, smallest: 32, largest: 1280 };
const picture = { name: 'image', layout: 'NHWC', dtype: 'uint8', colour: 'RGB' };

const finding: Omit<FindingManifest, 'files'> = {
  ...shared,
  engine: 'onnx',
  task: 'text-detection',
  input: { ...picture, width: side, height: side },
  outputs: { probability: { name: 'probability' } },
};

const reading: Omit<ReadingManifest, 'files'> = {
  ...shared,
  engine: 'onnx',
  task: 'text-recognition',
  input: { ...picture, width: { multiple: 8, smallest: 32, largest: 640 }, height: 48 },
  outputs: { logits: { name: 'logits', columns: 4 } },
  alphabet: 'ABC',
  stride: 8,
};

async function plateBundle(t: ExecutionContext, described: Omit<AnyManifest, 'files'>): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'atalaya-bundle-'));
  t.teardown(() => rm(parent, { recursive: true, force: true }));
  const folder = join(parent, 'tiny');
  await writeBundle<AnyManifest>(folder, described, new Map([['model.onnx', Uint8Array.of(1, 2, 3)]]));
  return folder;
}

test('bundles that find and read text load for their own task, from a package or from a file', async (t) => {
  const finder = await loadBundleFor(await plateBundle(t, finding), 'text-detection');
  t.is(finder.manifest.input.width.multiple, 32);
  const provenance = { file: 'plate-reader/model.onnx', sha256: 'a'.repeat(64), description: 'trained for this test' };
  const reader = await loadBundleFor(await plateBundle(t, { ...reading, provenance }), 'text-recognition');
  t.is(reader.manifest.alphabet, 'ABC');
  t.deepEqual([...(await reader.read('model.onnx'))], [1, 2, 3]);
});

test('a bundle of another task is refused, naming both tasks', async (t) => {
  await refused(t, await plateBundle(t, finding), 'bundle-invalid', 'text-detection', 'vehicle-detection');
  const asked = [
    [await plateBundle(t, reading), 'text-detection', 'text-recognition'],
    [await tinyBundle(t), 'text-recognition', 'vehicle-detection'],
  ] as const;
  for (const [folder, task, stated] of asked) {
    const error = await t.throwsAsync(loadBundleFor(folder, task), { instanceOf: AtalayaError });
    t.is(error?.code, 'bundle-invalid');
    t.true(error?.message.includes(task) && error.message.includes(stated));
  }
});

test('a task that nobody here knows is refused', async (t) => {
  const folder = await plateBundle(t, finding);
  await edit(folder, (document) => ({ ...document, task: 'face-recognition' }));
  await refused(t, folder, 'bundle-invalid', 'task');
});

test('manifests of plate bundles that contradict themselves, or ask for what nobody feeds, are refused', async (t) => {
  const { input } = reading;
  const contradictions: [Omit<AnyManifest, 'files'>, ErrorCode, string][] = [
    [{ ...reading, outputs: { logits: { name: 'logits', columns: 5 } } }, 'bundle-invalid', '5 columns'],
    [{ ...reading, alphabet: 'ABA' }, 'bundle-invalid', 'twice'],
    [{ ...reading, stride: 3 }, 'bundle-invalid', 'input.width'],
    [{ ...reading, input: { ...input, width: { ...input.width, largest: 30 } } }, 'bundle-invalid', 'input.width'],
    [{ ...finding, input: { ...finding.input, height: { ...side, smallest: 40 } } }, 'bundle-invalid', 'input.height'],
    [{ ...finding, graph: 'absent.onnx' }, 'bundle-invalid', 'absent.onnx'],
    [{ ...finding, input: { ...finding.input, colour: 'BGR' } }, 'bundle-input-unknown', 'input.colour'],
    [{ ...finding, input: { ...finding.input, width: { ...side, largest: 64000 } } }, 'bundle-input-unknown', '64000'],
  ];
  for (const [described, code, word] of contradictions) {
    const error = await t.throwsAsync(loadAnyBundle(await plateBundle(t, described)), { instanceOf: AtalayaError });
    t.is(error?.code, code);
    t.true(error?.message.includes(word), `"${error?.message}" names ${word}`);
  }
});
