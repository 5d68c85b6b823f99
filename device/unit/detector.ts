import type { Config } from '../config/config-schema.ts';
import { WorkerDetector } from '../detect/worker-detector.ts';
import { fraction, seconds, toMilliseconds } from '../kernel/units.ts';
import type { Scene } from '../scene/scene.ts';
import type { UnitComponents } from './updates/components.ts';

/** Opens the detector that a configuration names, for the regions of a scene. Throws what its bundle or its engine is refused with. */
export function openDetector(
  { detector }: Pick<Config, 'detector'>,
  { regions }: Pick<Scene, 'regions'>,
  { bundle }: Pick<UnitComponents, 'bundle'>,
): Promise<WorkerDetector> {
  return WorkerDetector.open(
    {
      bundle: bundle(detector.bundle),
      threads: detector.threads,
      settings: {
        regions,
        fit: detector.fit,
        leastScore: fraction(detector.leastScore),
        overlap: fraction(detector.overlap),
      },
    },
    toMilliseconds(seconds(detector.deadlineS)),
  );
}
