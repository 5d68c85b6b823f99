import type { CameraInfo } from '../../capture/camera.ts';
import { isAtalayaError } from '../../kernel/errors.ts';
import { loadScene } from '../../scene/load-scene.ts';
import { judgesNothing, type Scene } from '../../scene/scene.ts';
import type { ReferenceFacts } from '../../selftest/facts.ts';
import { judgePlace } from '../../selftest/judge-picture.ts';
import { openPlace } from '../place.ts';
import { sceneIn } from './components.ts';

/** A scene, and the file of what the camera saw when it was calibrated. */
export interface PlacedScene {
  readonly scene: Scene;
  readonly references: string | undefined;
}

/** What a scene is held against. */
export interface SceneView {
  readonly camera: CameraInfo;
  /** By which the unit judges now. */
  readonly running: PlacedScene;
  /** What the newest picture shows of a scene's references. */
  readonly look: (of: PlacedScene) => Promise<ReferenceFacts>;
}

const mostLooks = 3;

/**
 * Why the unit could not judge by the scene in a folder, with its camera as it is, as `code: words`; undefined where it can, or where the picture of
 * now cannot tell. A scene without references is believed to be of this place.
 */
export async function unfitScene(folder: string, { camera, running, look }: SceneView): Promise<string | undefined> {
  try {
    const { scene: path, references } = await sceneIn(folder);
    const scene = await loadScene(path, camera);
    if (judgesNothing(scene)) return 'scene-empty: nothing is drawn in it';
    await openPlace(references, scene, camera);
    if (references === undefined) return undefined;
    let words: string | undefined;
    // A lorry before the lens may drive off between two pictures: only what each look says is so.
    for (let looks = 0; looks < mostLooks; looks += 1) {
      const { outcome, code, says } = judgePlace(await look({ scene, references }), true);
      if (outcome === 'passed') return undefined;
      // In fog or at night nothing is found again of any scene; where the running one's place is seen, this one's is another.
      const isSeen = running.references !== undefined && judgePlace(await look(running), true).outcome === 'passed';
      if (outcome !== 'failed' && !isSeen) return undefined;
      words = `${code}: ${says}`;
    }
    return words;
  } catch (error) {
    if (isAtalayaError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
}
