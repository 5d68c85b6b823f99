import { join } from 'node:path';
import type { Config } from '../../../../device/config/config-schema.ts';
import type { UnitFacts } from '../../../../device/config/desired/unit-facts.ts';
import { defaultConfig } from '../../../../device/config/load-config.ts';
import { ruleNames } from '../../../../device/judge/infraction.ts';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { readWholeFile } from '../../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../../device/kernel/errors.ts';
import type { Files } from '../../../../device/kernel/files.ts';
import { publicKeyOf } from '../../../../device/kernel/signed/key-id.ts';
import { openTrust, type People, whileValid } from '../../../contract/people.ts';
import type { UnitPlace } from '../../../simulate/simulated-fleet.ts';
import type { CentrePeople } from './own-centre.ts';

/** What is the same for every unit of a simulation. */
export interface FleetConfig {
  /** Undefined where no trust document is known: then nobody may configure or command. */
  readonly people: People | undefined;
  /** The file that a unit of this place would have of its own. What units share is there once. */
  readonly baseOf: (place: UnitPlace) => Config;
  readonly factsOf: (place: UnitPlace) => UnitFacts;
}

/**
 * The link is the simulation's and not configured: no document moves a unit to another broker. Throws `document-refused` for a trust
 * document that does not hold, `key-invalid` for a root key that is none.
 */
export async function openFleetConfig(
  centre: CentrePeople | undefined,
  files: Files,
  clock: Clock,
): Promise<FleetConfig> {
  const shared = defaultConfig();
  const trusting = centre === undefined ? {} : { trust: centre.trust, rootKey: centre.root };
  const cloud = { ...shared.cloud, ...trusting };
  return {
    people: centre === undefined ? undefined : await readPeople(centre, files, clock),
    baseOf: ({ unit, site, folder }) => ({
      ...shared,
      cloud,
      unit: { ...shared.unit, id: unit, site },
      evidence: { ...shared.evidence, data: join(folder, 'evidence') },
    }),
    factsOf: ({ unit }) => ({ ...machine, unit }),
  };
}

/** As large as the telemetry of these units says. */
const machine = {
  bundles: 'any',
  rules: ruleNames,
  outputs: 'any',
  sceneFormats: true,
  memoryBytes: 4e9,
  diskBytes: 120e9,
  cores: 4,
} as const;

async function readPeople({ trust, root }: CentrePeople, files: Files, clock: Clock): Promise<People> {
  const read = async (path: string) => {
    const content = await readWholeFile(files, path);
    if (content !== undefined) return content.toString();
    throw new AtalayaError('usage-invalid', `${path} is missing`, {
      hint: 'Remove the folder of the simulation to begin anew.',
    });
  };
  const at = { utc: clock.utc(), reliable: clock.state().synchronised, expired: 'taken' } as const;
  return whileValid(openTrust(await read(trust), publicKeyOf(await read(root), root), at), clock);
}
