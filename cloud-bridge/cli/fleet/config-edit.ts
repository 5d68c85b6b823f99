import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError, explain, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { LayerView } from '../../contract/api-views.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { settingChanges } from '../../fleet/settings-diff.ts';
import { showChanges } from './config-documents.ts';
import { type Exit, exit } from './exits.ts';
import { requireHeard } from './known-units.ts';
import { requirePermission } from './permitted.ts';
import { agreed, type CentreFlags, type Session } from './session.ts';
import { checkLayer, parseSettings, readSettingsFile } from './settings.ts';

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
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-layer-'));
  const path = join(folder, `${name}.yaml`);
  let kept = false;
  try {
    await writeFile(path, textOf(layer), { mode: 0o600 });
    return await put(session, layer, await edited(session, name, path), flags);
  } catch (error) {
    kept = true;
    session.note(`What you wrote is in ${path}`);
    throw error;
  } finally {
    if (!kept) await rm(folder, { recursive: true });
  }
}

function textOf({ name, version, settings }: LayerView): string {
  const about = `# The layer ${name}, version ${version}. A field that is absent keeps what the layers below say; null gives the unit's own value.\n`;
  return `${about}${Object.keys(settings).length === 0 ? '' : stringify(settings)}`;
}

/** What the person leaves, once it can be used. */
async function edited(session: Session, name: string, path: string): Promise<Record<string, JsonValue>> {
  const { io } = session;
  const { VISUAL, EDITOR } = io.environment;
  const editor = [VISUAL, EDITOR].find((one) => one !== undefined && one !== '') ?? 'vi';
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
  showChanges(session, changes);
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
