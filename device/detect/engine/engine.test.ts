import test, { type ExecutionContext } from 'ava';
import { loadBundle, type ModelBundle } from '../../../models/contract/bundle.ts';
import { detectorFolder, variants } from '../../../models/contract/places.ts';
import { AtalayaError, type ErrorCode } from '../../kernel/errors.ts';
import type { InferenceEngine } from '../inference-engine.ts';
import { carryBundle, unpackBundle } from './carried-bundle.ts';
import { saturatesUint8Int8 } from './onnxruntime-session.ts';
import { openEngine } from './open-engine.ts';

/** The port's guarantees, held on every engine and on the real bundles. */

const length = 300 * 300 * 3;

/** A picture with structure: gradients and blocks, different for each seed. */
function picture(seed: number, into: Uint8Array = new Uint8Array(length)): Uint8Array {
  for (let i = 0; i < into.length; i++)
    into[i] = (Math.floor(i / 900) * (seed + 1) + ((i >> 5) % 7) * 31 + seed * 13) & 255;
  return into;
}

async function opened(
  t: ExecutionContext,
  variant: (typeof variants)[number],
): Promise<{ bundle: ModelBundle; engine: InferenceEngine }> {
  const bundle = await loadBundle(detectorFolder(variant));
  const engine = await openEngine(bundle);
  t.teardown(() => engine.close());
  return { bundle, engine };
}

async function failsWith(t: ExecutionContext, promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await t.throwsAsync(promise, { instanceOf: AtalayaError });
  t.is(error?.code, code);
}

for (const variant of variants) {
  test.serial(`${variant}: outputs have the manifest's lengths and belong to the caller`, async (t) => {
    const { bundle, engine } = await opened(t, variant);
    const first = await engine.infer(picture(1));
    const kept = { boxes: first.boxes.slice(), scores: first.scores.slice() };
    t.is(first.boxes.length, bundle.manifest.anchors.count * 4);
    t.is(first.scores.length, bundle.manifest.anchors.count * bundle.manifest.classes.length);
    t.true(first.boxes.every(Number.isFinite) && first.scores.every(Number.isFinite));
    await engine.infer(picture(2));
    t.deepEqual(first, kept);
    t.notDeepEqual((await engine.infer(picture(2))).scores, first.scores);
  });

  test.serial(`${variant}: the same bytes give the same output, and the input is left alone`, async (t) => {
    const { engine } = await opened(t, variant);
    const input = picture(3);
    const first = await engine.infer(input);
    await engine.infer(picture(4));
    t.deepEqual(await engine.infer(input), first);
    t.deepEqual(input, picture(3));
  });

  test.serial(
    `${variant}: calls that do not wait are answered in order, each with its own picture's output`,
    async (t) => {
      const { engine } = await opened(t, variant);
      const pictures = [5, 6, 7].map((seed) => picture(seed));
      const expected = [];
      for (const input of pictures) expected.push(await engine.infer(input));
      const order: number[] = [];
      const results = await Promise.all(
        pictures.map(async (input, i) => {
          const result = await engine.infer(input);
          order.push(i);
          return result;
        }),
      );
      t.deepEqual(results, expected);
      t.deepEqual(order, [0, 1, 2]);
    },
  );

  test.serial(`${variant}: a picture may lie anywhere in a larger buffer, shared memory included`, async (t) => {
    const { engine } = await opened(t, variant);
    const expected = await engine.infer(picture(8));
    const inside = picture(8, new Uint8Array(length + 64).subarray(37, 37 + length));
    t.deepEqual(await engine.infer(inside), expected);
    const shared = picture(8, new Uint8Array(new SharedArrayBuffer(length + 64), 16, length));
    t.deepEqual(await engine.infer(shared), expected);
  });

  test.serial(`${variant}: a wrong length is refused and the engine stays usable`, async (t) => {
    const { engine } = await opened(t, variant);
    await failsWith(t, engine.infer(new Uint8Array(length - 1)), 'engine-failed');
    await failsWith(t, engine.infer(new Uint8Array(0)), 'engine-failed');
    t.true((await engine.infer(picture(9))).boxes.length > 0);
  });

  test.serial(`${variant}: closing twice is one closing, and nothing is inferred after it`, async (t) => {
    const { engine } = await opened(t, variant);
    await engine.close();
    await engine.close();
    await failsWith(t, engine.infer(picture(1)), 'engine-failed');
  });

  test.serial(`${variant}: a graph whose input is not the manifest's is refused`, async (t) => {
    const bundle = await loadBundle(detectorFolder(variant));
    const { manifest } = bundle;
    for (const input of [
      { ...manifest.input, name: 'other' },
      { ...manifest.input, width: 320, height: 320 },
    ]) {
      await failsWith(t, openEngine({ ...bundle, manifest: { ...manifest, input } }), 'bundle-input-unknown');
    }
  });

  test.serial(
    `${variant}: a bundle that was carried to a thread gives the same engine, and no file more`,
    async (t) => {
      const { bundle, engine } = await opened(t, variant);
      const packed = await carryBundle(bundle);
      const carried = unpackBundle(
        structuredClone(packed, { transfer: [...packed.files.values()].map((f) => f.buffer) }),
      );
      t.true(
        [...packed.files.values()].every(({ length }) => length === 0),
        'handed over, not copied',
      );
      t.deepEqual(
        [carried.folder, carried.sha256, carried.manifest, carried.anchors],
        [bundle.folder, bundle.sha256, bundle.manifest, bundle.anchors],
      );
      const again = await openEngine(carried);
      t.teardown(() => again.close());
      t.is(again.name, engine.name);
      t.deepEqual(await again.infer(picture(10)), await engine.infer(picture(10)));
      await failsWith(t, carried.read('card.md.other'), 'bundle-file-missing');
    },
  );

  test.serial(`${variant}: a graph that does not load is refused`, async (t) => {
    const bundle = await loadBundle(detectorFolder(variant));
    const garbage = new TextEncoder().encode(
      variant === 'tfjs' ? '{"modelTopology":{},"weightsManifest":[{"paths":[],"weights":[]}]}' : 'not a graph',
    );
    await failsWith(t, openEngine({ ...bundle, read: async () => garbage }), 'engine-unavailable');
  });
}

test.serial('the wanted backend of tfjs is started, or refused by name', async (t) => {
  const bundle = await loadBundle(detectorFolder('tfjs'));
  const wasm = await openEngine(bundle, { tfjs: { backend: 'wasm' } });
  t.regex(wasm.name, /^tfjs-wasm /);
  await wasm.close();
  const native = await openEngine(bundle, { tfjs: { backend: 'tensorflow' } }).catch((error: unknown) => error);
  if (native instanceof AtalayaError) t.is(native.code, 'engine-unavailable');
  else t.regex((native as InferenceEngine).name, /^tfjs-node /);
});

test('only x86-64 without VNNI is taken the slow exact way', (t) => {
  t.true(saturatesUint8Int8('x64', 'flags : sse4_2 avx avx2 fma'));
  t.true(saturatesUint8Int8('x64', ''));
  t.false(saturatesUint8Int8('x64', 'flags : avx2 avx512f avx512_vnni'));
  t.false(saturatesUint8Int8('x64', 'flags : avx2 avx_vnni'));
  t.false(saturatesUint8Int8('arm64', ''));
});
