import { isAbsolute } from 'node:path';
import { configSchema } from '../../../device/config/config-schema.ts';
import { locateConfig } from '../../../device/config/load-config.ts';

/** Paths that the enrolment itself writes, relative to the configuration file beside them. */
const written = new Set(['cloud.ca', 'cloud.cert', 'cloud.key', 'cloud.trust', 'cloud.rootKey']);

/**
 * Why a unit could not run with these settings, lying in `folder`: what the schema refuses, and relative paths, which would point into
 * the folder of one grant and nowhere after the next. Undefined where it could.
 */
export function configurationFault(settings: unknown, folder: string): string | undefined {
  const read = configSchema.safeParse(settings);
  if (!read.success) return read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
  const relative = changed(read.data, locateConfig(read.data, folder)).filter((path) => !written.has(path));
  return relative.length === 0 ? undefined : `relative paths in ${relative.join(', ')}`;
}

/** Paths of the texts that locating has changed. */
function changed(before: unknown, after: unknown, path = ''): readonly string[] {
  if (typeof before === 'string') return before === after || isAbsolute(before) ? [] : [path];
  if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null) return [];
  const later = after as Readonly<Record<string, unknown>>;
  return Object.entries(before).flatMap(([name, value]) =>
    changed(value, later[name], path === '' ? name : `${path}.${name}`),
  );
}
