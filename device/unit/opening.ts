import { relative } from 'node:path';
import type { CameraInfo } from '../capture/camera.ts';
import type { WorkerDetector } from '../detect/worker-detector.ts';
import type { Scene } from '../scene/scene.ts';
import { evidenceFolder, type UnitEvidence } from './evidence.ts';
import type { RunSettings } from './settings.ts';

/** What a unit says before it begins: what it watches with what, and in what state it found its evidence. */
export function openingLines(
  settings: RunSettings,
  info: CameraInfo,
  scene: Scene,
  detector: WorkerDetector,
  { store, recipients }: UnitEvidence,
): string[] {
  const { last, torn, rebuiltDocuments, rebuiltTiles, finishedErasures } = store.opening;
  return [
    `source ${shown(info.name)}, ${info.width}x${info.height}${info.frames === undefined ? '' : `, ${info.frames} frames`}`,
    `scene ${scene.name}: ${scene.lanes.length} lanes, ${scene.regions === 'auto' ? 'automatic' : scene.regions.length} detection regions, ${scene.ground === undefined ? 'no metres, so no speeds' : 'calibrated'}`,
    `detector ${detector.model.id} ${detector.model.version} on ${detector.engine}`,
    `evidence in ${shown(evidenceFolder(settings.config.evidence.data))}: ${last} entries, signed by ${store.ledger.publicKey.vkey}`,
    recipients === undefined
      ? 'NO AUTHORITY is configured (evidence.authority): records are kept, pictures and plates are not'
      : `pictures are sealed to ${recipients.authority.length} recipient${recipients.authority.length === 1 ? '' : 's'} of the authority`,
    ...(rebuiltDocuments > 0 ? [`${rebuiltDocuments} documents of the index were made anew from the journal`] : []),
    ...(rebuiltTiles ? ["the log's hashes were made anew from the journal and agree with its checkpoint"] : []),
    ...(finishedErasures > 0 ? [`${finishedErasures} erasures that had been begun were finished`] : []),
    ...(torn === undefined
      ? []
      : [`the journal's last entry was incomplete and was cut: ${torn.segment}, byte ${torn.byte}`]),
  ];
}

/** A path as a person would write it here: short below the working folder, whole elsewhere. An address stays as it is. */
export function shown(path: string): string {
  if (path.includes('://')) return path;
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') ? path : near;
}
