import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { Config } from '../../../device/config/config-schema.ts';
import { judgeSettings } from '../../../device/config/desired/judge-settings.ts';
import { type Layer, mergeLayers } from '../../../device/config/desired/merge-layers.ts';
import { isSettings, type Settings } from '../../../device/config/desired/settings.ts';
import type { UnitFacts } from '../../../device/config/desired/unit-facts.ts';
import { defaultConfig } from '../../../device/config/load-config.ts';
import { ruleNames } from '../../../device/judge/infraction.ts';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { LayerView } from '../../contract/api-views.ts';
import { jsonFault } from '../../contract/read-json.ts';
import { fleetProgram } from '../../fleet/program-name.ts';

/** Settings of a unit, and what they are made of. */
export interface Composed {
  readonly settings: Record<string, JsonValue>;
  /** The layers that were laid over one another, the general ones first. */
  readonly layers: readonly string[];
}

/** In the layer of a unit: which groups and sites it belongs to, in the order in which they are laid. No field of a configuration. */
export const membership = 'layers';
const memberOf = z
  .array(z.string().regex(/^(group|site)-[a-z0-9][a-z0-9-]{0,62}$/, 'is no group-NAME or site-NAME'))
  .max(20);

/**
 * What the layers give a unit: `fleet`, the groups and sites that its own layer names under `layers`, its own. Throws `config-invalid`
 * where it names what is not there.
 */
export function composeLayers(unit: string, all: readonly LayerView[]): Composed {
  const byName = new Map(all.map((layer) => [layer.name, layer]));
  const own = `unit-${unit}`;
  const { [membership]: named = [], ...settings } = asSettings(byName.get(own));
  const groups = memberOf.safeParse(named);
  if (!groups.success) {
    throw invalid(
      `the layer ${own}: ${membership} ${groups.error.issues[0]?.message ?? 'is no list'}`,
      `Run: ${fleetProgram} config edit ${own}`,
    );
  }
  const missing = groups.data.find((name) => !byName.has(name));
  if (missing !== undefined) {
    throw invalid(
      `the layer ${own} names ${missing}, and nobody has written that layer`,
      `Run: ${fleetProgram} config edit ${missing}`,
    );
  }
  const layers: Layer[] = ['fleet', ...groups.data]
    .filter((name) => byName.has(name))
    .map((name) => ({ name, settings: asSettings(byName.get(name)) }));
  if (byName.has(own)) layers.push({ name: own, settings });
  return { settings: whole(mergeLayers(layers).settings), layers: layers.map(({ name }) => name) };
}

const asSettings = (layer: LayerView | undefined): Settings => (layer?.settings ?? {}) as Settings;

/** Without what is undefined. */
function whole(settings: Settings): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}

/** A unit that has everything: what only the real one knows it judges itself. */
const anyUnit: UnitFacts = {
  unit: 'any',
  bundles: 'any',
  rules: ruleNames,
  outputs: 'any',
  sceneFormats: true,
  memoryBytes: Number.MAX_SAFE_INTEGER,
  diskBytes: Number.MAX_SAFE_INTEGER,
  cores: Number.MAX_SAFE_INTEGER,
};

/** The file of a unit that has everything that is set at the unit alone. */
function anyFile(): Config {
  const file = defaultConfig();
  const here = 'at-the-unit.pem';
  return { ...file, cloud: { ...file.cloud, ca: here, cert: here, key: here, trust: here, rootKey: here } };
}

/** Throws `config-invalid` with every fault that a unit would tell, as far as that can be known here. */
export function checkSettings(settings: Settings, what: string): void {
  const judged = judgeSettings(settings, anyFile(), anyUnit);
  if (judged.kind === 'fits') return;
  const faults = judged.refusals.map(({ code, words }) => `  ${code}: ${words}`);
  throw new AtalayaError('config-invalid', `${what} would be refused by every unit:\n${faults.join('\n')}`, {
    hint: 'Every field and its bounds: device/config/README.md',
  });
}

/** As `checkSettings`, for a layer of this name. */
export function checkLayer(name: string, settings: Settings): void {
  const { [membership]: named, ...rest } = settings;
  if (named !== undefined && !name.startsWith('unit-'))
    throw invalid(`${membership} stands in the layers of units only`, `Run: ${fleetProgram} config edit unit-NAME`);
  const groups = memberOf.safeParse(named ?? []);
  if (!groups.success)
    throw invalid(
      `${membership}: ${groups.error.issues[0]?.message ?? 'is no list'}`,
      'Write a list of group-NAME and site-NAME, such as: layers: [site-north]',
    );
  checkSettings(rest, `the layer ${name}`);
}

/** Settings of a YAML text. Throws `config-invalid`. */
export function parseSettings(text: string, what: string): Record<string, JsonValue> {
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) throw invalid(`${what} is not YAML: ${fault.message}`, 'Correct the line named above.');
  const value: unknown = document.toJS() ?? {};
  const strange = jsonFault(value);
  if (strange !== undefined)
    throw invalid(`${what} is not JSON: ${strange}`, 'Write texts, numbers, lists and objects.');
  if (!isSettings(value))
    throw invalid(`${what} holds no settings`, 'Write a section and its fields, such as: log: {level: info}');
  return whole(value);
}

export async function readSettingsFile(path: string): Promise<Record<string, JsonValue>> {
  let text: string;
  try {
    text = await readFile(resolve(path), 'utf8');
  } catch (error) {
    throw new AtalayaError('usage-invalid', `${path} cannot be read`, { hint: 'Check --settings.', cause: error });
  }
  return parseSettings(text, path);
}

function invalid(why: string, hint: string): AtalayaError {
  return new AtalayaError('config-invalid', why, { hint });
}
