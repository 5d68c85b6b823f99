import { isAbsolute } from 'node:path';
import { type Config, configSchema } from '../../../device/config/config-schema.ts';
import { locateConfig } from '../../../device/config/load-config.ts';
import { sceneNames } from '../../enrol/granted-scene.ts';
import { updateRootName } from '../../enrol/identity-files.ts';

/** Paths that the enrolment itself writes, relative to the configuration file beside them. */
const written = new Set(['cloud.ca', 'cloud.cert', 'cloud.key', 'cloud.trust', 'cloud.rootKey']);

/** The same, where they name what lies there and nothing else. */
const beside = new Map<string, string>([
  ...Object.entries(sceneNames),
  ['updates.imageRoot', updateRootName('image')],
  ['updates.directorRoot', updateRootName('director')],
]);

/** What `atalaya-unit run` does not start without. A unit may be enrolled before it has them; none loses them by a grant. */
const needs: readonly (readonly [what: string, has: (config: Config) => boolean])[] = [
  ['source', ({ source }) => source.path !== undefined || source.camera !== undefined],
  ['scene', ({ scene }) => scene !== undefined],
];

/**
 * Why a unit could not run with these settings, lying in `folder`: what the schema refuses; relative paths, which would point into the
 * folder of one grant and nowhere after the next; and what the configuration in force has, where it is given, and these lack, though
 * nothing starts without it. Undefined where it could.
 */
export function configurationFault(settings: unknown, folder: string, inForce?: unknown): string | undefined {
  const read = configSchema.safeParse(settings);
  if (!read.success) return read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
  const isWritten = ({ path, text }: RelativePath) => written.has(path) || beside.get(path) === text;
  const relative = changed(read.data, locateConfig(read.data, folder))
    .filter((one) => !isWritten(one))
    .map(({ path }) => path);
  if (relative.length > 0) return `relative paths in ${relative.join(', ')}`;
  const before = configSchema.safeParse(inForce);
  if (!before.success) return undefined;
  const lost = needs.filter(([, has]) => has(before.data) && !has(read.data)).map(([what]) => `\`${what}\``);
  if (lost.length === 0) return undefined;
  return `${lost.join(' and ')} would be gone, which the one in force has, and a unit does not start without: name it with --config, in the configuration as a whole`;
}

interface RelativePath {
  /** Of the field. */
  readonly path: string;
  readonly text: string;
}

/** The texts that locating has changed. */
function changed(before: unknown, after: unknown, path = ''): readonly RelativePath[] {
  if (typeof before === 'string') return before === after || isAbsolute(before) ? [] : [{ path, text: before }];
  if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null) return [];
  const later = after as Readonly<Record<string, unknown>>;
  return Object.entries(before).flatMap(([name, value]) =>
    changed(value, later[name], path === '' ? name : `${path}.${name}`),
  );
}
