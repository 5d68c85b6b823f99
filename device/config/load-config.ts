import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { parse } from '../kernel/schema.ts';
import { type Config, configSchema } from './config-schema.ts';

/** The configuration without a file: every default. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}

/**
 * Reads a configuration file (YAML, of which JSON is a part); paths in it are made absolute against its folder.
 * Throws `config-invalid` with every fault named by its path.
 */
export async function loadConfig(path: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new AtalayaError('config-invalid', `${path} ${why}`, {
      hint: 'Check the path given with --config.',
      cause: error,
    });
  }
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) {
    throw new AtalayaError('config-invalid', `${path} is not YAML: ${fault.message}`, {
      hint: 'Correct the line named above.',
    });
  }
  const config = parse(configSchema, document.toJS() ?? {}, path, 'config-invalid');
  return locateConfig(config, dirname(path));
}

/** The configuration with its relative paths made absolute against a folder. Names of bundles stay names. */
export function locateConfig(config: Config, folder: string): Config {
  const from = (relative: string) => resolve(folder, relative);
  const bundle = (name: string) => (name.includes('/') ? from(name) : name);
  const given = config.source.camera;
  const camera =
    given?.kind === 'rtsp' && given.passwordFile !== undefined
      ? { camera: { ...given, passwordFile: from(given.passwordFile) } }
      : {};
  const { scene, references, source, evidence, detector, plates, cloud, updates, log } = config;
  return {
    ...config,
    ...located({ scene, references }, from),
    source: { ...source, ...located({ path: source.path }, from), ...camera },
    evidence: {
      ...evidence,
      data: from(evidence.data),
      signing: { ...evidence.signing, ...located({ keyFile: evidence.signing.keyFile }, from) },
    },
    detector: { ...detector, bundle: bundle(detector.bundle) },
    plates: {
      ...plates,
      finder: bundle(plates.finder),
      readers: plates.readers.map(bundle),
      lists: plates.lists.map(from),
      ...located({ listKey: plates.listKey }, from),
    },
    cloud: {
      ...cloud,
      ...located({ ca: cloud.ca, cert: cloud.cert, key: cloud.key, trust: cloud.trust, rootKey: cloud.rootKey }, from),
    },
    updates: {
      ...updates,
      ...located({ imageRoot: updates.imageRoot, directorRoot: updates.directorRoot }, from),
    },
    log: { ...log, ...located({ folder: log.folder }, from) },
  };
}

/** Those of the paths that are given, through `from`. */
function located<Name extends string>(
  paths: Readonly<Record<Name, string | undefined>>,
  from: (relative: string) => string,
): { [N in Name]?: string } {
  const given = Object.entries<string | undefined>(paths).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, from(path)]],
  );
  return Object.fromEntries(given) as { [N in Name]?: string };
}
