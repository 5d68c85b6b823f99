import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleManifest, manifestName } from '../../../ota/contract/bundle.ts';
import type { Launched } from '../../../ota/slots/launch-environment.ts';
import type { Config } from '../../config/config-schema.ts';
import { AtalayaError } from '../../kernel/errors.ts';

/** Where what belongs to updates lies. The floors lie with the unit's data, so that nobody who clears the one folder clears both. */
export const updateFolders = ({ root }: Pick<Launched, 'root'>, { evidence }: Pick<Config, 'evidence'>) => ({
  downloads: join(root, 'downloads'),
  trust: join(root, 'trust'),
  scratch: join(root, 'scratch'),
  floors: join(evidence.data, 'update-floors'),
});

/** Names that this machine goes by: its processor, and its board where the image names one. */
export function hardwareOf(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const { ATALAYA_BOARD: board } = environment;
  const known = board !== undefined && /^[a-z0-9]{1,30}$/.test(board);
  return [process.arch, ...(known ? [`${process.arch}-${board}`] : [])];
}

/** What the program of the image says of itself; of one without a manifest only what this program is called, if that is it. */
export async function imageProgram({ image }: Pick<Launched, 'image'>): Promise<{ version: string; release: number }> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(image, name), 'utf8').catch(() => 'null'));
  try {
    const manifest = bundleManifest.safeParse(await read(manifestName));
    if (manifest.success) return { version: manifest.data.version, release: manifest.data.release };
    const { version } = ((await read('package.json')) ?? {}) as { version?: unknown };
    return { version: typeof version === 'string' ? version : 'unknown', release: 0 };
  } catch {
    return { version: 'unknown', release: 0 };
  }
}

/** The root metadata that enrolment brought. Throws `config-invalid` where a file cannot be read. */
export async function updateRoots({
  updates: { imageRoot, directorRoot },
}: Pick<Config, 'updates'>): Promise<{ image: Buffer; director: Buffer } | undefined> {
  if (imageRoot === undefined || directorRoot === undefined) return undefined;
  const read = async (path: string, field: string) =>
    readFile(path).catch((cause: unknown) => {
      throw new AtalayaError('config-invalid', `${path} of ${field} cannot be read`, {
        cause,
        hint: 'Enrol the unit anew with --update-root, or take the field out of the configuration: it takes no updates then.',
      });
    });
  return {
    image: await read(imageRoot, 'updates.imageRoot'),
    director: await read(directorRoot, 'updates.directorRoot'),
  };
}
