import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import type { Grant, SceneInForce } from '../contract/enrolment-documents.ts';

/**
 * The scene that lies beside a unit's configuration, and what its camera saw when it was calibrated. A configuration that names a scene
 * file of its own goes before both.
 */
export interface SceneTexts {
  readonly scene: string | undefined;
  readonly references: string | undefined;
}

/** Their names in the folder of a generation. */
export const sceneNames = { scene: 'scene.yaml', references: 'references.json' } as const;

/** What a grant says of it. */
export type GivenScene = Pick<Grant, 'scene' | 'references' | 'configuration'>;

/** Why a unit could not run with these texts, in a sentence with the line; undefined where it could. Of either, alone or with the other. */
export type SceneFault = (texts: SceneTexts) => string | undefined;

/**
 * What a unit that nobody has drawn a scene for runs with: it watches, gives pictures and tests itself, and judges nothing. A scene in
 * which nothing is drawn fits pictures of every shape.
 */
export const emptyScene = `# Nobody has drawn the scene of this unit yet: it watches, and judges nothing.
# Draw it on a picture of the unit, and bring it with: atalaya-provision enrol --scene
name: not drawn yet
picture: { width: 1920, height: 1080 }
`;

/**
 * The texts of the next generation. What a grant leaves out stays as it lies there, also where somebody changed it by hand; `given` is what
 * all grants have said, and stands in where nothing lies there.
 */
export function nextScene(body: GivenScene, given: GivenScene, there: SceneTexts): SceneTexts {
  const { scene = there.scene ?? given.scene } = body;
  const { references = there.references ?? given.references ?? '' } = body;
  return {
    scene: scene ?? (ownFile(given.configuration, 'scene') === undefined ? emptyScene : undefined),
    references: references === '' ? undefined : references,
  };
}

/** What the configuration says of them: its own files, or those beside it. */
export function sceneSettings(
  { scene, references }: SceneTexts,
  configuration: Configuration,
): { readonly scene?: JsonValue; readonly references?: JsonValue } {
  const own = { scene: ownFile(configuration, 'scene'), references: ownFile(configuration, 'references') };
  const beside = {
    scene: scene === undefined ? undefined : sceneNames.scene,
    references: references === undefined || own.scene !== undefined ? undefined : sceneNames.references,
  };
  const named = { scene: own.scene ?? beside.scene, references: own.references ?? beside.references };
  return {
    ...(named.scene === undefined ? {} : { scene: named.scene }),
    ...(named.references === undefined ? {} : { references: named.references }),
  };
}

export function sceneInForceOf({ configuration }: GivenScene, { scene }: SceneTexts): SceneInForce {
  if (ownFile(configuration, 'scene') !== undefined) return 'configured';
  return scene === undefined || scene === emptyScene ? 'none' : 'granted';
}

/**
 * Why what a grant says of the scene is not taken, as it and the texts of the next generation stand; undefined where it is. A grant that
 * says nothing of it is not held up by what lies there. `fault` judges texts; without it none are taken.
 */
export function givenSceneFault(
  body: GivenScene,
  given: GivenScene,
  next: SceneTexts,
  fault: SceneFault | undefined,
): string | undefined {
  if (body.scene === undefined && body.references === undefined && body.configuration === undefined) return undefined;
  const own = ownFile(given.configuration, 'scene') === undefined ? undefined : 'scene';
  const ownReferences = own ?? (ownFile(given.configuration, 'references') === undefined ? undefined : 'references');
  if (body.scene !== undefined && own !== undefined) return unseen('scene', own);
  if ((body.references ?? '') !== '' && ownReferences !== undefined) return unseen('references', ownReferences);
  if (own !== undefined) return undefined;
  const references = ownReferences === undefined ? next.references : undefined;
  if (next.scene === emptyScene) {
    return references === undefined
      ? undefined
      : 'there are references, and no scene that they are of: give the scene too';
  }
  if (fault === undefined) return 'a scene is taken at the unit alone, on its local page or by stick';
  return fault({ scene: next.scene, references });
}

type Configuration = NonNullable<GivenScene['configuration']>;

/** The file that a configuration names, unless it is the one beside it. */
function ownFile(configuration: Configuration | undefined, name: keyof typeof sceneNames): JsonValue | undefined {
  const file = configuration?.[name];
  return file === sceneNames[name] ? undefined : file;
}

const unseen = (name: string, own: string): string =>
  `the configuration names a file as \`${own}\`, so the ${name} of the grant would not be looked at: give a configuration without \`${own}\``;
