import { parse, stringify } from 'yaml';
import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import type { BrokerInForce, EnrolledState, UnsignedGrant } from '../contract/enrolment-documents.ts';
import { type SceneTexts, sceneNames, sceneSettings } from './granted-scene.ts';

/** What all grants to a unit have given it, the newest word on each thing. */
export type GrantInForce = Omit<UnsignedGrant, 'schema'>;

/** What is written for a unit: plain texts by name, all in one folder. */
export type IdentityTexts = ReadonlyMap<string, string>;

export const identityNames = {
  key: 'unit.key',
  certificate: 'unit.pem',
  authorities: 'ca.pem',
  brokerAuthorities: 'broker-ca.pem',
  trust: 'trust.json',
  rootKey: 'root.public.pem',
  recipients: 'authority.age',
  witnesses: 'witnesses',
  configuration: 'unit.yaml',
  ...sceneNames,
  grant: 'grant.json',
  state: 'state.json',
} as const;

/** Where the root metadata of an update repository lies. */
export const updateRootName = (repository: string): string => `update-root-${repository}.json`;

/**
 * What a later grant leaves out stays as it was. A configuration takes the place of the one before, but for the broker: the one in force
 * stays where the new one names none, since a unit that lost its broker could only be found by walking there.
 */
export function mergeGrant(before: GrantInForce | undefined, next: UnsignedGrant): GrantInForce {
  const { schema: _, ...given } = next;
  const merged: GrantInForce = { ...before, ...given };
  const { configuration = {} } = merged;
  const kept = configuredBroker(before);
  if (kept === undefined || configuredBroker(merged) !== undefined) return merged;
  const cloud = { ...section(configuration, 'cloud'), broker: kept } as (typeof configuration)[string];
  return { ...merged, configuration: { ...configuration, cloud } };
}

function configuredBroker(given: Partial<GrantInForce> | undefined): string | undefined {
  const { broker } = section(given?.configuration ?? {}, 'cloud');
  return typeof broker === 'string' ? broker : undefined;
}

/** The broker that a unit has by its grants: one that was given by itself goes before those that configurations name. */
export function brokerOf(given: Partial<GrantInForce> | undefined): string | undefined {
  return given?.broker ?? configuredBroker(given);
}

/** What a grant makes of the broker; undefined where there is none afterwards. */
export function brokerInForceOf(
  before: GrantInForce | undefined,
  next: Partial<UnsignedGrant>,
  given: GrantInForce,
): BrokerInForce | undefined {
  const [was, now, named] = [brokerOf(before), brokerOf(given), configuredBroker(next)];
  if (now === undefined) return undefined;
  const unheard = named !== undefined && named !== now && next.broker === undefined;
  return { now, ...(was === undefined ? {} : { before: was }), ...(unheard ? { configured: named } : {}) };
}

/** Whether a grant says anything that stands in the configuration file; a renewal does not, and the file stays as people left it. */
export function changesConfiguration(given: Partial<UnsignedGrant>): boolean {
  const { site, broker, configuration, people, recipients, witnesses, brokerAuthorities, scene, references } = given;
  const parts = [site, broker, configuration, people, recipients, witnesses, brokerAuthorities, scene, references];
  return parts.some((part) => part !== undefined);
}

export type JsonObject = { readonly [name: string]: JsonValue };

export interface UsualSettings {
  /** Folder of the evidence. */
  readonly data: string;
  /** What lies beside the configuration. */
  readonly scene?: SceneTexts;
  /** `evidence.signing`: where the key that evidence is signed with lies. */
  readonly signing?: JsonObject;
}

/**
 * The unit's configuration: what the grant says, with the paths of its files relative to the configuration file, which lies beside them.
 * `usual` is what the unit knows of itself, and the grant may say otherwise.
 */
export function unitConfiguration(given: GrantInForce, { data, scene = noTexts, signing }: UsualSettings): JsonObject {
  const {
    unit,
    site,
    broker,
    people,
    recipients,
    witnesses,
    brokerAuthorities,
    updateRoots,
    configuration = {},
  } = given;
  const ca = brokerAuthorities === undefined ? identityNames.authorities : identityNames.brokerAuthorities;
  const { scene: _scene, references: _references, ...others } = configuration;
  return {
    ...sceneSettings(scene, configuration),
    ...others,
    unit: { ...section(configuration, 'unit'), id: unit, ...(site === undefined ? {} : { site }) },
    evidence: {
      data,
      ...(signing === undefined ? {} : { signing }),
      ...section(configuration, 'evidence'),
      ...(recipients === undefined ? {} : { authority: recipients }),
      ...(witnesses === undefined ? {} : { witnesses }),
    },
    cloud: {
      ...section(configuration, 'cloud'),
      ...(broker === undefined ? {} : { broker }),
      ca,
      cert: identityNames.certificate,
      key: identityNames.key,
      ...(people === undefined ? {} : { trust: identityNames.trust, rootKey: identityNames.rootKey }),
    },
    ...updateSettings(configuration, updateRoots),
  };
}

/** One of the two repositories alone vouches for nothing: a unit that has not both takes no updates. */
function updateSettings(configuration: JsonObject, updateRoots: GrantInForce['updateRoots']): JsonObject {
  const { image, director } = updateRoots ?? {};
  if (image === undefined || director === undefined) return {};
  const roots = { imageRoot: updateRootName('image'), directorRoot: updateRootName('director') };
  return { updates: { ...section(configuration, 'updates'), ...roots } };
}

export interface IdentityParts {
  readonly given: GrantInForce;
  readonly enrolled: EnrolledState;
  /** The grant as it came. */
  readonly grant: string;
  /** PKCS#8, PEM. */
  readonly key: string;
  /** YAML. */
  readonly configuration: string;
  readonly scene: SceneTexts;
}

/** Every file of an enrolled unit. */
export function identityTexts({ given, enrolled, grant, key, configuration, scene }: IdentityParts): IdentityTexts {
  const { people, recipients, witnesses, brokerAuthorities, updateRoots = {} } = given;
  const files: [string, string | undefined][] = [
    [identityNames.key, key],
    [identityNames.certificate, given.certificate],
    [identityNames.authorities, given.authorities],
    [identityNames.brokerAuthorities, brokerAuthorities],
    [identityNames.trust, people?.trust],
    [identityNames.rootKey, people?.rootKey],
    [identityNames.recipients, lines(recipients)],
    [identityNames.witnesses, lines(witnesses)],
    [identityNames.configuration, configuration],
    [identityNames.scene, scene.scene],
    [identityNames.references, scene.references],
    [identityNames.grant, grant],
    [identityNames.state, `${JSON.stringify({ enrolled, given })}\n`],
    ...Object.entries(updateRoots).map(([name, text]): [string, string] => [updateRootName(name), text]),
  ];
  return new Map(files.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])));
}

const noTexts: SceneTexts = { scene: undefined, references: undefined };

export function configurationText(settings: JsonObject): string {
  return `# Written at enrolment. Paths start at this file.\n${stringify(settings)}`;
}

/** What a configuration file says; undefined for what is none. */
export function readConfiguration(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function section(settings: JsonObject, name: string): JsonObject {
  const found = settings[name];
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as JsonObject) : {};
}

const lines = (texts: readonly string[] | undefined): string | undefined => texts?.map((text) => `${text}\n`).join('');
