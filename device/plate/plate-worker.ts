import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { unpackFiles } from '../detect/engine/carried-bundle.ts';
import { type Service, serveThread } from '../kernel/worker-server.ts';
import { CropReader } from './crop-reader.ts';
import { openStripReader, openTextFinder } from './engine/onnxruntime-plate-engine.ts';
import type { StripReader } from './engine/plate-engine.ts';
import type { PlateReady, PlateThreadStart } from './plate-messages.ts';
import type { PlateSight, VehicleCrop } from './plate-reader.ts';

/** Thread that owns the networks of a plate's reader. It imports what computes and nothing that reads files or checks schemas. */
async function open(start: PlateThreadStart): Promise<Service<PlateReady, VehicleCrop, PlateSight>> {
  const { threads, formats, settings } = start;
  // Where cores are short, detecting goes before reading. On Linux this is the priority of the calling thread, and the engine's threads
  // are born with it.
  setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
  const finder = await openTextFinder(unpackFiles(start.finder), { threads });
  const readers: StripReader[] = [];
  for (const files of start.readers) readers.push(await openStripReader(unpackFiles(files), { threads }));
  const crops = new CropReader(finder, readers, formats, settings);
  return {
    ready: { finder: finder.name, readers: readers.map(({ name }) => name) },
    answer: (crop) => crops.read(crop),
    close: async () => {
      await finder.close();
      for (const reader of readers) await reader.close();
    },
  };
}

if (parentPort === null) throw new Error('plate-worker runs as a worker thread only');
await serveThread(parentPort, open);
