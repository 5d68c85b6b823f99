import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { parse } from '../../../device/kernel/schema.ts';
import { unitId } from '../../contract/names.ts';
import { rolloutGroup } from '../../contract/rollout.ts';
import { neverHeard } from './known-units.ts';
import type { Session } from './session.ts';

export interface Group {
  readonly name: string;
  readonly units: readonly string[];
}

/** All units that no group before names. */
export const rest = 'rest';

const groupsFile = z.strictObject({
  groups: z
    .array(z.strictObject({ name: rolloutGroup.shape.name, units: z.union([z.literal(rest), z.array(unitId).min(1)]) }))
    .min(1),
});
type Named = z.infer<typeof groupsFile>['groups'];

/** `NAME=UNIT,UNIT,...` or `NAME=rest`. Throws `usage-invalid`. */
function groupOf(text: string): Named[number] {
  const at = text.indexOf('=');
  const [name, members] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  const units = members === rest ? rest : members.split(',');
  const read = groupsFile.safeParse({ groups: [{ name, units }] });
  const group = read.data?.groups[0];
  if (group !== undefined) return group;
  throw new AtalayaError('usage-invalid', `--group ${text} is no group`, {
    hint: 'Write NAME=UNIT,UNIT,... or NAME=rest, in the order in which the groups go.',
  });
}

/** Groups of a YAML file: `groups: [{name: canaries, units: [a, b]}, {name: all, units: rest}]`. Throws `usage-invalid`. */
async function readGroups(path: string): Promise<Named> {
  const text = await readFile(resolve(path), 'utf8').catch((error: unknown) => {
    throw new AtalayaError('usage-invalid', `${path} cannot be read`, { hint: 'Check --groups.', cause: error });
  });
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) throw new AtalayaError('usage-invalid', `${path} is not YAML: ${fault.message}`);
  return parse(groupsFile, document.toJS(), path, 'usage-invalid').groups;
}

/** The groups that the flags name, of all units that the centre knows. Throws `usage-invalid`. */
export async function groupsOf(
  { client, io }: Session,
  { group, groups }: { readonly group?: readonly string[]; readonly groups?: string },
): Promise<readonly Group[]> {
  const named = groups === undefined ? namedIn(group) : await readGroups(groups);
  if (group !== undefined && groups !== undefined) throw noGroups();
  const { units } = await client.call('units', { parameters: {} }, io.signal);
  return membersOf(
    named,
    units.map(({ unit }) => unit),
  );
}

function namedIn(group: readonly string[] | undefined): Named {
  if (group === undefined) throw noGroups();
  return group.map(groupOf);
}

export const noGroups = (): AtalayaError =>
  new AtalayaError('usage-invalid', 'say who goes when, with --group or with --groups', {
    hint: 'For example: --group canaries=unit-1,unit-2 --group all=rest',
  });

/** Who is in which group, of all units. Throws `usage-invalid` for one that is in two, or unknown. */
function membersOf(named: Named, all: readonly string[]): readonly Group[] {
  const taken = new Set<string>();
  const known = new Set(all);
  const take = (unit: string): string => {
    if (taken.has(unit)) throw new AtalayaError('usage-invalid', `${unit} is in the groups twice`);
    if (!known.has(unit)) throw neverHeard(unit, all);
    taken.add(unit);
    return unit;
  };
  const explicit = named.map(({ name, units }) => ({ name, units: units === rest ? undefined : units.map(take) }));
  if (explicit.filter(({ units }) => units === undefined).length > 1)
    throw new AtalayaError('usage-invalid', `more than one group is ${rest}`);
  const others = all.filter((unit) => !taken.has(unit));
  return explicit.map(({ name, units = others }) => ({ name, units }));
}
