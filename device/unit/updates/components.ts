import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFolder } from '../../../models/contract/places.ts';
import { sceneFiles, trustFiles } from '../../../ota/contract/component-files.ts';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';

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
 * `bundle-invalid` where there are two of what a unit has one of, and where the folder cannot be read: a unit that cannot tell whether an
 * update brought a scene must not judge by the one before.
 */
export async function openComponents(folder: string | undefined): Promise<UnitComponents> {
  if (folder === undefined || folder === '') return noComponents;
  const named = async (kind: string) => (await ifThere(join(folder, kind), (path) => readdir(path), [])).sort();
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
    ...(scene === undefined ? {} : { scene: await sceneIn(scene) }),
    ...(trust === undefined ? {} : { trust: join(trust, trustFiles.trust) }),
  };
}

/** The files of a scene's component. Throws `bundle-invalid` where it cannot be told whether there are references. */
export async function sceneIn(folder: string): Promise<NonNullable<UnitComponents['scene']>> {
  const references = join(folder, sceneFiles.references);
  const there = await ifThere(references, async (path) => (await stat(path)).size >= 0, false);
  return { scene: join(folder, sceneFiles.scene), ...(there ? { references } : {}) };
}

/** What `look` finds at a path; `none` where there is no such path. */
async function ifThere<T>(path: string, look: (path: string) => Promise<T>, none: T): Promise<T> {
  try {
    return await look(path);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'ENOENT') return none;
    throw new AtalayaError('bundle-invalid', `${path} of the running slot cannot be read (${code ?? 'unknown'})`, {
      hint: 'Install the update anew; a disk that goes on like this has to be replaced.',
      cause,
    });
  }
}
