import type { ExecutionContext } from 'ava';
import { loadBundleFor } from '../../../models/contract/bundle.ts';
import { bundleFolder } from '../../../models/contract/places.ts';
import { defaultConfig } from '../../config/load-config.ts';
import { CropReader, readDefaults } from '../crop-reader.ts';
import { openStripReader, openTextFinder } from '../engine/onnxruntime-plate-engine.ts';
import type { PlateFormat } from '../formats/plate-format.ts';

/** What a unit runs; `make models` makes them. */
const { plates } = defaultConfig();
export const finderFolder = bundleFolder(plates.finder);
export const readerFolders = plates.readers.map(bundleFolder);

/** The real reader on this thread, closed when the test ends. */
export async function openedCropReader(t: ExecutionContext, formats: readonly PlateFormat[]): Promise<CropReader> {
  const finder = await openTextFinder(await loadBundleFor(finderFolder, 'text-detection'));
  const readers = await Promise.all(
    readerFolders.map(async (folder) => openStripReader(await loadBundleFor(folder, 'text-recognition'))),
  );
  t.teardown(async () => {
    await finder.close();
    for (const reader of readers) await reader.close();
  });
  return new CropReader(finder, readers, formats, readDefaults);
}
