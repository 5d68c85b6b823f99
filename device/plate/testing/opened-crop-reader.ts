import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { loadBundleFor } from '../../../models/contract/bundle.ts';
import { bundlesFolder } from '../../../models/contract/places.ts';
import { CropReader, readDefaults } from '../crop-reader.ts';
import { openStripReader, openTextFinder } from '../engine/onnxruntime-plate-engine.ts';
import type { PlateFormat } from '../formats/format.ts';

/** What a unit runs; `make models` makes them. */
export const finderFolder = join(bundlesFolder, 'plate-finder-ppocr-v4-int8');
export const readerFolder = join(bundlesFolder, 'plate-reader-ppocr-v4-int8');

/** The real reader on this thread, closed when the test ends. */
export async function openedCropReader(t: ExecutionContext, formats: readonly PlateFormat[]): Promise<CropReader> {
  const finder = await openTextFinder(await loadBundleFor(finderFolder, 'text-detection'));
  const reader = await openStripReader(await loadBundleFor(readerFolder, 'text-recognition'));
  t.teardown(async () => {
    await finder.close();
    await reader.close();
  });
  return new CropReader(finder, reader, formats, readDefaults);
}
