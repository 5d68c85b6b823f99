import { plain } from '../../../cloud-bridge/fleet/text.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type References, readReferences } from '../../../device/scene/drift/references-file.ts';
import { parseScene } from '../../../device/scene/load-scene.ts';
import type { Scene } from '../../../device/scene/scene.ts';
import { type SceneTexts, sceneNames } from '../../enrol/granted-scene.ts';

/** Letters of the longest refusal: a scene may be wrong in every line, and its text may be anything. */
const mostSaid = 1000;

/** Widest difference of two shapes that are taken as the same, as for a scene and a source. */
const sameShape = 0.01;

/**
 * Why a unit could not run with a scene and the references of its camera's place, a sentence with the file, its lines and what to do;
 * undefined where it could. Of either alone, or of both. Never throws for what a text says.
 */
export function sceneFault({ scene, references }: SceneTexts, names: SceneNames = sceneNames): string | undefined {
  const drawn = scene === undefined ? undefined : read(() => parseScene(scene, names.scene));
  if (typeof drawn === 'string') return drawn;
  const seen = references === undefined ? undefined : read(() => readReferences(references, names.references));
  if (typeof seen === 'string') return seen;
  return drawn === undefined || seen === undefined ? undefined : pairFault(drawn, seen, names);
}

/** What the two files are called in a refusal. */
export interface SceneNames {
  readonly scene: string;
  readonly references: string;
}

/** A unit with references of another scene, or of another picture, would not start. */
function pairFault(scene: Scene, references: References, names: SceneNames): string | undefined {
  const anew = 'make them anew with `atalaya-provision calibrate references`, or take them away with --no-references';
  if (references.scene !== scene.name) {
    return `${names.references} is of the scene ${plain(references.scene).slice(0, 60)}, and ${names.scene} is called ${scene.name}: ${anew}`;
  }
  const [made, on] = [references.picture, scene.picture];
  const another = Math.abs((made.width * on.height) / (made.height * on.width) - 1) > sameShape;
  if (!another && made.width >= on.width) return undefined;
  return `${names.references} is of a picture of ${made.width} x ${made.height}, and ${names.scene} is drawn on ${on.width} x ${on.height}: ${anew}, from a picture of the camera's own size`;
}

/** What was read, or why it could not be. */
function read<T>(from: () => T): T | string {
  try {
    return from();
  } catch (error) {
    // A text that nests thousands deep ends the reader's stack.
    if (error instanceof RangeError) return 'it is nested too deeply to be read';
    if (!(error instanceof AtalayaError)) throw error;
    const [first = '', ...lines] = error.message.split('\n').map((line) => line.trim());
    const said = plain(`${first} ${lines.join('; ')}`.trim());
    const cut = said.length > mostSaid ? `${said.slice(0, mostSaid)} ...` : said;
    return error.hint === undefined ? cut : `${cut}. ${error.hint}`;
  }
}
