import { readPicture } from '../../../device/capture/read-picture.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { chooseReferences } from '../../../device/scene/drift/choose-references.ts';
import { driftNeeds } from '../../../device/scene/drift/estimate-drift.ts';
import { writeReferences } from '../../../device/scene/drift/references-file.ts';
import { loadScene } from '../../../device/scene/load-scene.ts';
import type { Scene } from '../../../device/scene/scene.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { checkOutput, writeOutput } from '../write-output.ts';

export interface ReferencesFlags {
  readonly picture: readonly string[];
  readonly scene: string;
  readonly out: string;
}

/** `calibrate references`: twice as many patches as a judgement needs, or nothing is written. */
export async function references({ picture, scene: path, out }: ReferencesFlags, io: ProvisionIo): Promise<void> {
  await checkOutput(out);
  const [first, ...later] = await Promise.all(picture.map(readPicture));
  if (first === undefined) throw new AtalayaError('usage-invalid', 'no picture was given');
  const scene = await loadScene(path, { width: first.width, height: first.height });
  const { picture: on } = await loadScene(path);
  if (first.width < on.width) {
    throw new AtalayaError(
      'scene-mismatch',
      `${picture[0]} has ${first.width} x ${first.height} pixels, and scene ${path} is drawn on ${on.width} x ${on.height}: the unit looks for the patches in its camera's own pictures`,
      { hint: "Take a picture of the camera's own size: atalaya-fleet command snapshot UNIT --width 1920" },
    );
  }
  const other = later.findIndex((one) => one.width !== first.width || one.height !== first.height);
  if (other >= 0) {
    throw new AtalayaError('scene-mismatch', `${picture[other + 1]} has another size than ${picture[0]}`, {
      hint: 'Take all pictures with the camera as it stands now.',
    });
  }
  const patches = chooseReferences(first, roadOf(scene), later);
  const least = 2 * driftNeeds.agreeing;
  if (patches.length < least) {
    throw new AtalayaError(
      'scene-invalid',
      `${patches.length} patches off the road can be told apart, ${least} are needed: the camera could be moved unseen`,
      { hint: 'Take the picture by day and in focus, with walls, windows or kerbs in it beside the road.' },
    );
  }
  const size = { width: first.width, height: first.height };
  const text = writeReferences({ scene: scene.name, picture: size, made: toIso(io.clock.utc()), patches });
  await writeOutput(out, text);
  say(io.out, `${patches.length} patches, at ${patches.map(({ x, y }) => `(${x}, ${y})`).join(' ')}`);
  if (later.length === 0) {
    say(io.err, 'A second --picture from another hour shows which of them stay: trees and shadows do not.');
  }
}

/** Where things move, or are printed over the picture. */
const roadOf = (scene: Scene) => [
  ...scene.lanes.map(({ polygon }) => polygon),
  ...scene.noStopping.map(({ polygon }) => polygon),
  ...scene.boxJunctions.map(({ polygon }) => polygon),
  ...scene.ignore,
];
