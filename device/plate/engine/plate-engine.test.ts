import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadBundleFor } from '../../../models/contract/bundle.ts';
import { bundlesFolder } from '../../../models/contract/places.ts';
import { AtalayaError, type ErrorCode } from '../../kernel/errors.ts';
import { columnCount } from '../formats/alphabet.ts';
import { openStripReader, openTextFinder } from './onnxruntime-plate-engine.ts';

/** The ports' guarantees, held on the real bundles. */

const load = {
  finder: (variant: string) => loadBundleFor(join(bundlesFolder, `plate-finder-ppocr-v4-${variant}`), 'text-detection'),
  reader: (variant: string) =>
    loadBundleFor(join(bundlesFolder, `plate-reader-ppocr-v4-${variant}`), 'text-recognition'),
};

const bytes = (count: number, seed: number) =>
  Uint8Array.from({ length: count }, (_, i) => (i * (seed + 3) * 31 + (i >> 6) * 17) & 255);

async function failsWith(t: ExecutionContext, promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await t.throwsAsync(promise, { instanceOf: AtalayaError });
  t.is(error?.code, code);
}

for (const variant of ['float', 'int8']) {
  test.serial(
    `${variant} finder: a probability a pixel, for any size in steps of 32, and the input left alone`,
    async (t) => {
      const finder = await openTextFinder(await load.finder(variant));
      t.teardown(() => finder.close());
      for (const [width, height] of [
        [32, 32],
        [96, 64],
        [64, 160],
      ] as const) {
        const picture = bytes(width * height * 3, 1);
        const map = await finder.find(picture, width, height);
        t.is(map.length, width * height);
        t.true(map.every((value) => value >= 0 && value <= 1));
        const kept = map.slice();
        t.deepEqual(await finder.find(picture, width, height), kept);
        await finder.find(bytes(width * height * 3, 2), width, height);
        t.deepEqual(map, kept, 'the result belongs to the caller');
        t.deepEqual(picture, bytes(width * height * 3, 1));
      }
      await failsWith(t, finder.find(bytes(33 * 32 * 3, 1), 33, 32), 'engine-failed');
      await failsWith(t, finder.find(bytes(100, 1), 32, 32), 'engine-failed');
      await failsWith(t, finder.find(new Uint8Array(0), 0, 0), 'engine-failed');
      t.is((await finder.find(bytes(3072, 1), 32, 32)).length, 1024, 'still usable');
    },
  );

  test.serial(`${variant} reader: logits for each step of each strip, several at once as one by one`, async (t) => {
    const reader = await openStripReader(await load.reader(variant));
    t.teardown(() => reader.close());
    const [first, second] = [bytes(48 * 160 * 3, 5), bytes(48 * 160 * 3, 9)];
    const one = await reader.read(first, 1, 160);
    const two = await reader.read(second, 1, 160);
    t.is(one.logits.length, one.steps * columnCount);
    t.true(one.steps >= 16 && one.logits.every(Number.isFinite));
    const both = await reader.read(Uint8Array.from([...first, ...second]), 2, 160);
    t.is(both.steps, one.steps);
    const expected = [...one.logits, ...two.logits];
    t.true(both.logits.every((value, i) => Math.abs(value - expected[i]!) < 1e-2));
    await failsWith(t, reader.read(first, 1, 168), 'engine-failed');
    await failsWith(t, reader.read(bytes(48 * 7 * 3, 1), 1, 7), 'engine-failed');
  });

  test.serial(`${variant}: closing twice is one closing, and nothing is computed after it`, async (t) => {
    const finder = await openTextFinder(await load.finder(variant));
    const reader = await openStripReader(await load.reader(variant));
    for (const one of [finder, reader]) {
      await one.close();
      await one.close();
    }
    await failsWith(t, finder.find(bytes(3072, 1), 32, 32), 'engine-failed');
    await failsWith(t, reader.read(bytes(48 * 64 * 3, 1), 1, 64), 'engine-failed');
  });

  test.serial(`${variant}: a graph with another input, another alphabet or no graph is refused`, async (t) => {
    const [finder, reader] = [await load.finder(variant), await load.reader(variant)];
    const garbage = { read: async () => new TextEncoder().encode('not a graph') };
    const { manifest } = finder;
    const renamed = { ...manifest, input: { ...manifest.input, name: 'other' } };
    await failsWith(t, openTextFinder({ ...finder, manifest: renamed }), 'bundle-input-unknown');
    await failsWith(t, openTextFinder({ ...finder, ...garbage }), 'engine-unavailable');
    await failsWith(t, openStripReader({ ...reader, ...garbage }), 'engine-unavailable');
    const other = { ...reader.manifest, alphabet: [...reader.manifest.alphabet].reverse().join('') };
    await failsWith(t, openStripReader({ ...reader, manifest: other }), 'bundle-input-unknown');
  });
}
