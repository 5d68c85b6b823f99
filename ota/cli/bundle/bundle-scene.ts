import { AtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { loadFormats } from '../../../device/plate/formats/format.ts';
import { type References, readReferences } from '../../../device/scene/drift/references-file.ts';
import { loadScene, parseScene } from '../../../device/scene/load-scene.ts';
import { judgesNothing, type Scene } from '../../../device/scene/scene.ts';
import { madeFile } from '../../bundle/bundle-files.ts';
import { sceneFiles } from '../../contract/component-files.ts';
import { type ComponentFacts, composed, readText } from './bundle-component.ts';
import type { ComposedBundle } from './compose-program.ts';

export interface SceneRequest {
  /** Path of the scene (YAML). */
  readonly scene: string;
  /** Path of what its camera saw when it was calibrated. */
  readonly references?: string;
  /** Pixels of the pictures that the camera delivers, where somebody knows them. */
  readonly picture?: Scene['picture'];
  /** Whose camera it is drawn for. */
  readonly unit: string;
  /** Of the component. */
  readonly name: string;
}

export interface ComposedScene extends ComposedBundle {
  /** As evidence that is judged by it names it. */
  readonly scene: { readonly name: string; readonly sha256: string; readonly readsPlates: boolean };
}

/**
 * A scene, and what its camera saw when it was calibrated: what a unit would start with, since one that cannot ends its program and comes back to
 * the scene before. Throws `scene-invalid` with the lines, for a scene in which nothing is drawn and for plate formats that nobody knows, and
 * `scene-mismatch` for references of another scene and for a scene of pictures of another shape.
 */
export async function composeScene(
  { scene, references, picture, unit, name }: SceneRequest,
  facts: ComponentFacts,
): Promise<ComposedScene> {
  // What is no scene by its size alone is not read.
  await loadScene(scene);
  const text = await readText(scene, 'scene-invalid');
  const seen = references === undefined ? undefined : await readText(references, 'scene-invalid');
  const read = seen === undefined || references === undefined ? undefined : readReferences(seen, references);
  if (read !== undefined && picture !== undefined) checkSize(read, picture, String(references));
  const drawn = parseScene(text, scene, picture ?? read?.picture);
  if (read !== undefined && read.scene !== drawn.name)
    throw new AtalayaError('scene-mismatch', `${references} belongs to the scene ${read.scene}, not to ${drawn.name}`, {
      hint: 'Make it anew with `atalaya-provision calibrate references`.',
    });
  if (judgesNothing(drawn))
    throw new AtalayaError('scene-invalid', `nothing is drawn in ${scene}: nobody would be judged or counted by it`, {
      hint: 'Draw lanes, lines or zones; device/scene/README.md describes every field.',
    });
  await checkFormats(drawn, scene);
  const files = [
    madeFile(sceneFiles.scene, text),
    ...(seen === undefined ? [] : [madeFile(sceneFiles.references, seen)]),
  ];
  const version = facts.version ?? String(facts.release);
  return {
    ...composed({ kind: 'scene', name, version, unit }, facts, files),
    scene: { name: drawn.name, sha256: sha256(text), readsPlates: (drawn.plates?.formats.length ?? 0) > 0 },
  };
}

/** A unit uses references of pictures of its own size alone. */
function checkSize({ picture: { width, height } }: References, camera: Scene['picture'], references: string): void {
  if (width === camera.width && height === camera.height) return;
  throw new AtalayaError(
    'scene-mismatch',
    `${references} is of pictures of ${width} x ${height}, and the camera delivers ${camera.width} x ${camera.height}`,
    { hint: 'Make it anew with `atalaya-provision calibrate references`, of a picture of this camera.' },
  );
}

async function checkFormats({ plates }: Scene, scene: string): Promise<void> {
  if (plates === undefined || plates.formats.length === 0) return;
  try {
    await loadFormats(plates.formats);
  } catch (cause) {
    const says = cause instanceof Error ? cause.message : String(cause);
    throw new AtalayaError('scene-invalid', `scene ${scene} is refused: plates.formats: ${says}`, { cause });
  }
}
