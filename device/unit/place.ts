import { readFile } from 'node:fs/promises';
import type { CameraInfo } from '../capture/camera.ts';
import type { HealthFacts } from '../health/health-facts.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { DriftMonitor } from '../scene/drift/drift-monitor.ts';
import { readReferences } from '../scene/drift/references-file.ts';
import type { Scene } from '../scene/scene.ts';

/**
 * Whoever watches that the camera stands where it was calibrated; undefined where nothing says what it saw then.
 *
 * Throws `scene-invalid` for a file that is missing or no such file, `scene-mismatch` for one of another size of picture or another scene.
 */
export async function openPlace(
  references: string | undefined,
  scene: Scene,
  { width, height }: CameraInfo,
): Promise<DriftMonitor | undefined> {
  if (references === undefined) return undefined;
  const text = await readFile(references, 'utf8').catch((cause: unknown) => {
    throw new AtalayaError('scene-invalid', `cannot read ${references}`, {
      cause,
      hint: 'Make it with `atalaya-provision calibrate references`, or leave `references` out of the configuration.',
    });
  });
  const read = readReferences(text, references);
  if (read.scene !== scene.name) {
    throw new AtalayaError('scene-mismatch', `${references} belongs to the scene ${read.scene}, not to ${scene.name}`, {
      hint: 'Make it anew with `atalaya-provision calibrate references`.',
    });
  }
  return new DriftMonitor({ references: read, picture: { width, height }, ground: scene.ground });
}

/** What the health of the unit is told of it. */
export function placeFactOf(monitor: DriftMonitor): HealthFacts['cameraPlace'] {
  const report = monitor.report;
  if (report === undefined || report.state.kind === 'unknown') return undefined;
  const { kind, shiftPx } = report.state;
  return { moved: kind === 'moved', shiftPx, says: report.says };
}
