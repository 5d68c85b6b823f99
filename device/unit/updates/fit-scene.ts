import type { CameraInfo } from '../../capture/camera.ts';
import { isAtalayaError } from '../../kernel/errors.ts';
import { loadScene } from '../../scene/load-scene.ts';
import { judgesNothing } from '../../scene/scene.ts';
import { openPlace } from '../place.ts';
import { sceneIn } from './components.ts';

/**
 * Why the unit could not judge by the scene in a folder, with its camera as it is; undefined where it can. Whether it shows the road that the
 * camera sees is found out on trial.
 */
export async function unfitScene(folder: string, camera: CameraInfo): Promise<string | undefined> {
  try {
    const { scene: path, references } = await sceneIn(folder);
    const scene = await loadScene(path, camera);
    if (judgesNothing(scene)) return 'scene-empty: nothing is drawn in it';
    await openPlace(references, scene, camera);
    return undefined;
  } catch (error) {
    if (isAtalayaError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
}
