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
  const from = (relative: string) => resolve(dirname(path), relative);
  const bundle = (name: string) => (name.includes('/') ? from(name) : name);
  const { scene, source, evidence, detector, plates } = config;
  return {
    ...config,
    ...(scene === undefined ? {} : { scene: from(scene) }),
    source: { ...source, ...(source.path === undefined ? {} : { path: from(source.path) }) },
    evidence: {
      ...evidence,
      data: from(evidence.data),
      signing: {
        ...evidence.signing,
        ...(evidence.signing.keyFile === undefined ? {} : { keyFile: from(evidence.signing.keyFile) }),
      },
    },
    detector: { ...detector, bundle: bundle(detector.bundle) },
    plates: {
      ...plates,
      finder: bundle(plates.finder),
      readers: plates.readers.map(bundle),
      lists: plates.lists.map(from),
      ...(plates.listKey === undefined ? {} : { listKey: from(plates.listKey) }),
    },
  };
}
