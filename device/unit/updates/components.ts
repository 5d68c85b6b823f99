import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFolder } from '../../../models/contract/places.ts';
import { sceneFiles, trustFiles } from '../../../ota/contract/component-files.ts';
import { AtalayaError } from '../../kernel/errors.ts';

/** What updates put beside the program: each takes the place of what the program brought, or of what enrolment gave. */
export interface UnitComponents {
  /** Names of model bundles. */
  readonly models: readonly string[];
  /** The folder of a model bundle as a configuration names it: a name, or a path. */
  readonly bundle: (name: string) => string;
  readonly scene?: { readonly scene: string; readonly references?: string };
  /** A signed trust document. */
  readonly trust?: string;
}

export const noComponents: UnitComponents = { models: [], bundle: (name) => bundleFolder(name) };

/**
 * What lies in the folder of a slot's components (`KIND/NAME/`, as the launcher names it); nothing where there is none. Throws
 * `bundle-invalid` where there are two of what a unit has one of.
 */
export async function openComponents(folder: string | undefined): Promise<UnitComponents> {
  if (folder === undefined || folder === '') return noComponents;
  const named = async (kind: string) => (await readdir(join(folder, kind)).catch(() => [])).sort();
  const [models, scene, trust] = [await named('model'), await one('scene'), await one('trust')];
  async function one(kind: 'scene' | 'trust'): Promise<string | undefined> {
    const names = await named(kind);
    if (names.length > 1) {
      throw new AtalayaError(
        'bundle-invalid',
        `${join(folder ?? '', kind)} has ${names.join(' and ')}, and a unit has one`,
        {
          hint: 'Publish an update whose job installs one of them.',
        },
      );
    }
    return names[0] === undefined ? undefined : join(folder ?? '', kind, names[0]);
  }
  return {
    models,
    bundle: (name) => (models.includes(name) ? join(folder, 'model', name) : bundleFolder(name)),
    ...(scene === undefined ? {} : { scene: sceneIn(scene) }),
    ...(trust === undefined ? {} : { trust: join(trust, trustFiles.trust) }),
  };
}

function sceneIn(folder: string): NonNullable<UnitComponents['scene']> {
  const references = join(folder, sceneFiles.references);
  return { scene: join(folder, sceneFiles.scene), ...(existsSync(references) ? { references } : {}) };
}
