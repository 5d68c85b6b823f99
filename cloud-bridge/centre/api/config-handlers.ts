import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import type { UnsignedDocument } from '../../../device/kernel/signed/signed-document.ts';
import { type Command, commandArguments, type Desired } from '../../contract/acts.ts';
import type { LayerView } from '../../contract/api-views.ts';
import { authorise } from '../../contract/people.ts';
import { faultsOf } from '../../contract/read-json.ts';
import type { Reported } from '../../contract/state.ts';
import type { Document } from '../archive/archive.ts';
import { configHash } from '../bridge/config-relay.ts';
import { type Handlers, json, refuse, unknown } from './answer.ts';
import type { TrustStanding } from './people-keeper.ts';
import type { Services } from './services.ts';

type ConfigRoute =
  | ('config' | 'configVersion' | 'releaseConfig' | 'layers' | 'layer' | 'putLayer')
  | ('command' | 'reply' | 'trust' | 'putTrust');

/** Versions of a unit that are listed. */
const mostListed = 100;

/** Configurations, commands and who may sign them. */
export function configHandlers(services: Services): Pick<Handlers, ConfigRoute> {
  const { bridge, archive, people, clock } = services;
  return {
    config: async ({ parameters: { unit } }) => {
      const history = await bridge.configs.history(unit, mostListed);
      const reported = (await archive.document('reported', unit))?.value as unknown as Reported | undefined;
      const newest = history[0];
      return json({
        ...(newest === undefined ? {} : { desired: newest.document }),
        ...(reported === undefined ? {} : { reported }),
        history: history.map(({ document, sha256, released, by, became }) => ({
          ...{ version: document.version, sha256, issued: document.issued, released, by },
          ...(document.note === undefined ? {} : { note: document.note }),
          ...(became === undefined ? {} : { became: { ...became, reasons: [...became.reasons] } }),
        })),
      });
    },
    configVersion: async ({ parameters: { unit, version } }) => {
      const released = await bridge.configs.version(unit, Number(version));
      return released === undefined ? unknown(`version ${version} for unit ${unit}`) : json(released.document);
    },
    releaseConfig: async ({ person, parameters: { unit }, raw }) => {
      // As it was signed: what the schema fills in is none of it.
      const { document } = raw as { readonly document: Desired };
      const why = await desiredFault(services, document);
      if (why !== undefined) return refuse(403, 'document-refused', why);
      const release = await bridge.configs.release(unit, document, person.name);
      if (release.kind === 'refused') return refuse(409, 'document-refused', release.reason);
      const { version } = document;
      const { published: relayed } = (await bridge.configs.version(unit, version)) ?? {};
      const answer = { version, sha256: configHash(document), broker: bridge.brokerView };
      return json({ ...answer, ...(relayed === undefined ? {} : { relayed }) });
    },
    layers: async () => json({ layers: (await archive.documents('layer')).map(layerOf) }),
    layer: async ({ parameters: { name } }) => {
      const document = await archive.document('layer', name);
      return json(document === undefined ? { name, version: 0, settings: {} } : layerOf(document));
    },
    putLayer: async ({ parameters: { name }, body: { settings, based } }) => {
      if (!(await archive.putDocument('layer', name, settings as JsonValue, based))) {
        return refuse(409, 'changed-meanwhile', `the layer ${name} is not of version ${based} any more`);
      }
      return json({ name, version: based + 1, settings });
    },
    command: async ({ person, raw }) => {
      const { command } = raw as { readonly command: Command };
      const standing = await people.standing();
      if (standing.kind !== 'in-force') return refuse(403, 'act-refused', noTrust(standing));
      const allowed = authorise(command as UnsignedDocument, standing.people, `command.${command.name}`);
      if (allowed.kind === 'refused')
        return refuse(403, 'act-refused', `the command: ${allowed.reason}: ${allowed.detail}`);
      if (allowed.person.key !== person.key) {
        return refuse(403, 'act-refused', 'the command is signed by somebody else than the act');
      }
      if (Date.parse(command.expires) <= clock.utc()) return refuse(400, 'act-refused', 'the command has expired');
      const read = commandArguments[command.name].safeParse(command.arguments);
      if (!read.success) return refuse(400, 'malformed', `arguments: ${faultsOf(read.error)}`);
      const { unit, id } = command;
      const given = await bridge.commands.give(command, person.name);
      if (given.kind === 'refused') return refuse(409, 'act-refused', given.reason);
      const { relayed } = (await bridge.commands.find(unit, id)) ?? {};
      return json({ unit, id, broker: bridge.brokerView, ...(relayed === undefined ? {} : { relayed }) });
    },
    reply: async ({ parameters: { unit, id } }) => {
      const found = await bridge.commands.find(unit, id);
      if (found === undefined) return unknown(`command ${id} to unit ${unit}`);
      const { command, relayed, reply } = found;
      return json({
        command,
        broker: bridge.brokerView,
        ...(relayed === undefined ? {} : { relayed }),
        ...(reply === undefined ? {} : { reply }),
      });
    },
    trust: async () => {
      const trust = await people.trust();
      return trust === undefined ? unknown('trust document') : json({ trust });
    },
    putTrust: async ({ raw }) => {
      try {
        const { version, sha256 } = await people.accept(JSON.stringify((raw as { readonly trust: unknown }).trust));
        return json({ version, sha256 });
      } catch (error) {
        if (!isAtalayaError(error, 'document-refused')) throw error;
        return refuse(409, error.code, error.message);
      }
    },
  };
}

/** Why a configuration may not be released; undefined where it may. Of whether it fits the unit, the unit alone judges. */
export async function desiredFault({ people, clock }: Services, document: Desired): Promise<string | undefined> {
  const standing = await people.standing();
  if (standing.kind !== 'in-force') return noTrust(standing);
  const allowed = authorise(document as UnsignedDocument, standing.people, 'config.push');
  if (allowed.kind === 'refused') return `${allowed.reason}: ${allowed.detail}`;
  if (document.expires !== undefined && Date.parse(document.expires) <= clock.utc()) return 'it has expired';
  return undefined;
}

function noTrust({ kind, detail }: Exclude<TrustStanding, { kind: 'in-force' }>): string {
  return `${kind === 'expired' ? 'trust-expired' : 'no-trust'}: ${detail}`;
}

function layerOf({ key, version, value }: Document): LayerView {
  return { name: key, version, settings: value as LayerView['settings'] };
}
