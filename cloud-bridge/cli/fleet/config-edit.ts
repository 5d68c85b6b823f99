import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isSettings } from '../../../device/config/desired/settings.ts';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError, explain, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { LayerView } from '../../contract/api-views.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { settingChanges } from '../../fleet/settings-diff.ts';
import { valueWords } from '../../fleet/text.ts';
import { allLayers, ownValue, showChanges } from './config-documents.ts';
import { type Exit, exit } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { requireHeard } from './known-units.ts';
import { requirePermission } from './permitted.ts';
import { agreed, type CentreFlags, type Session } from './session.ts';
import { checkLayer, membership, parseSettings, readSettingsFile } from './settings.ts';

export interface EditFlags extends CentreFlags {
  readonly settings?: string;
  /** Of a unit that is not there yet. */
  readonly new?: boolean;
  readonly yes?: boolean;
}

const ofUnit = 'unit-';

/** A layer goes to the person's editor and back: checked, shown, asked for, put where nobody else has changed it meanwhile. */
export async function editLayer(session: Session, name: string, flags: EditFlags): Promise<Exit> {
  const { client, io } = session;
  await requirePermission(session, 'config.push');
  const layer = await client.call('layer', { parameters: { name } }, io.signal);
  // A layer that is written was meant by somebody before.
  if (name.startsWith(ofUnit) && layer.version === 0 && flags.new !== true)
    await requireHeard(session, [name.slice(ofUnit.length)], 'Or say --new, to prepare a unit that is not there yet.');
  if (flags.settings !== undefined) return put(session, layer, await readSettingsFile(flags.settings), flags);
  const editor = editorOf(io);
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-layer-'));
  const path = join(folder, `${name}.yaml`);
  let isPut = false;
  try {
    await writeFile(path, textOf(layer), { mode: 0o600 });
    const code = await put(session, layer, await edited(session, name, path, editor), flags);
    isPut = code === exit.done;
    return code;
  } finally {
    if (isPut) await rm(folder, { recursive: true });
    else session.note(`What you wrote is in ${path}`);
  }
}

function textOf({ name, version, settings }: LayerView): string {
  const about = `# The layer ${name}, version ${version}. A field that is absent keeps what the layers below say; null gives the unit's own value.\n`;
  return `${about}${Object.keys(settings).length === 0 ? '' : stringify(settings)}`;
}

/** Throws `usage-invalid` where no editor is named, and vi would have no terminal. */
function editorOf({ environment: { VISUAL, EDITOR }, ask, out }: FleetIo): string {
  const named = [VISUAL, EDITOR].find((one) => one !== undefined && one !== '');
  if (named !== undefined) return named;
  if (ask !== undefined && out.terminal) return 'vi';
  throw new AtalayaError('usage-invalid', 'no terminal is here for an editor', {
    hint: 'Give --settings FILE, or set EDITOR to one that needs none.',
  });
}

/** What the person leaves, once it can be used. */
async function edited(
  session: Session,
  name: string,
  path: string,
  editor: string,
): Promise<Record<string, JsonValue>> {
  const { io } = session;
  for (;;) {
    if (!(await io.edit(editor, path))) {
      throw new AtalayaError('usage-invalid', `the editor ${editor} failed`, {
        hint: 'Set EDITOR, or give --settings FILE.',
      });
    }
    try {
      const settings = parseSettings(await readFile(path, 'utf8'), `the layer ${name}`);
      checkLayer(name, settings);
      return settings;
    } catch (error) {
      if (!isAtalayaError(error, 'config-invalid') || io.ask === undefined) throw error;
      session.note(explain(error));
      if (!(await agreed(io, undefined, 'Edit it again?'))) throw error;
    }
  }
}

/** What holds where a layer is silent on a field: what those under it say. */
function below(name: string, settings: Record<string, JsonValue>, all: readonly LayerView[]): (path: string) => string {
  if (name === 'fleet') return () => ownValue;
  const others = Array.isArray(settings[membership]) ? settings[membership] : [];
  const under = ['fleet', ...others].flatMap((one) => all.filter((layer) => layer.name === one)).reverse();
  return (path) => {
    for (const layer of under) {
      const value = valueAt(layer.settings as Record<string, JsonValue>, path);
      if (value === null) return `${ownValue}, as ${layer.name} says`;
      if (value !== undefined) return `${valueWords(value)}, as ${layer.name} says`;
    }
    return name.startsWith(ofUnit) ? ownValue : `${ownValue}, unless another of its layers says more`;
  };
}

function valueAt(settings: Record<string, JsonValue>, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = settings;
  for (const field of path.split('.')) {
    if (value === undefined || !isSettings(value)) return undefined;
    value = value[field];
  }
  return value;
}

async function put(
  session: Session,
  layer: LayerView,
  settings: Record<string, JsonValue>,
  { yes }: EditFlags,
): Promise<Exit> {
  const { client, io } = session;
  const { name, version } = layer;
  checkLayer(name, settings);
  const changes = settingChanges(layer.settings as Record<string, JsonValue>, settings);
  if (changes.length === 0) {
    session.tell(layer);
    session.say(`${name}: nothing differs from version ${version}`);
    return exit.done;
  }
  session.say(`${name}: on version ${version}`, 'bold');
  showChanges(session, changes, below(name, settings, await allLayers(session)));
  if (!(await agreed(io, yes, `Put the layer ${name}?`))) {
    session.note('Nothing was put.');
    return exit.failed;
  }
  const after = await client.call(
    'putLayer',
    { parameters: { name }, body: { settings: settings as LayerView['settings'], based: version } },
    io.signal,
  );
  session.tell(after);
  session.say(`${name} is version ${after.version}`);
  if (!session.json)
    session.note(
      `Units are not told of it before: ${fleetProgram} config push UNIT, or ${fleetProgram} rollout start --group all=rest`,
    );
  return exit.done;
}
