import type { SceneInForce } from '../../contract/enrolment-documents.ts';

/** What a person is told of the scene that a unit judges by, a line each; nothing where the unit does not say. */
export function sceneWords(unit: string, scene: SceneInForce | undefined): readonly string[] {
  switch (scene) {
    case undefined:
      return [];
    case 'granted':
      return ['scene: the one that was given'];
    case 'configured':
      return ['scene: the file that its configuration names'];
    case 'none':
      return [
        'no scene yet: nothing is judged',
        `  Draw it on a picture of the unit (atalaya-fleet command snapshot ${unit} --width 1920), then enrol again with --scene.`,
      ];
  }
}

/** A unit reads its files when its program starts; `what` of it is new. */
export const anewWords = (unit: string, what: 'scene' | 'configuration'): string =>
  `In force when its program starts anew: atalaya-fleet command reboot ${unit} --reason "new ${what}", or switch it off and on.`;
