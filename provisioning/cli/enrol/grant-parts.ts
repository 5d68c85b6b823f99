import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { basename, isAbsolute, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { openTrust } from '../../../cloud-bridge/contract/people.ts';
import { faultsOf, jsonFault, readJson } from '../../../cloud-bridge/contract/read-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { keyId, publicKeyOf } from '../../../device/kernel/signed/key-id.ts';
import { signatureSchema } from '../../../device/kernel/signed/signed-document.ts';
import { grant } from '../../contract/enrolment-documents.ts';
import type { GrantParts } from '../../enrol/compose-grant.ts';
import { givenSceneFault, nextScene, type SceneTexts } from '../../enrol/granted-scene.ts';
import { unitConfiguration } from '../../enrol/identity-files.ts';
import { configurationFault } from './configuration-fault.ts';
import { type SceneNames, sceneFault } from './scene-fault.ts';

/** What the technician says that a unit is given. */
export interface PartFlags {
  readonly site?: string;
  readonly broker?: string;
  readonly brokerCa?: string;
  readonly trust?: string;
  readonly rootKey?: string;
  readonly recipients?: string;
  readonly witnesses?: string;
  readonly config?: string;
  readonly scene?: string;
  /** False: those that the unit has are taken away. */
  readonly references?: string | false;
  readonly updateRoot?: readonly string[];
}

/**
 * Reads and checks everything before anything is signed: the unit would find the same faults, but at the roadside. Throws
 * `usage-invalid`, `config-invalid`, `document-refused`, `key-invalid`.
 */
export async function readGrantParts(flags: PartFlags, unit: string, clock: Clock): Promise<GrantParts> {
  const { site, broker, brokerCa, trust, rootKey, recipients, witnesses, config, updateRoot = [] } = flags;
  const { scene, references } = flags;
  if ((trust === undefined) !== (rootKey === undefined)) {
    throw new AtalayaError('usage-invalid', '--trust and --root-key belong together', {
      hint: 'Give the trust document, and root.public.pem of the key that signed it.',
    });
  }
  const people =
    trust === undefined || rootKey === undefined
      ? undefined
      : { trust: await text(trust, '--trust'), rootKey: await text(rootKey, '--root-key') };
  if (people !== undefined) {
    checkPeople(people, { trust: trust ?? '', rootKey: rootKey ?? '' }, clock);
  }
  const parts = {
    ...(site === undefined ? {} : { site }),
    ...(people === undefined ? {} : { people }),
    ...(recipients === undefined ? {} : { recipients: lines(await text(recipients, '--recipients')) }),
    ...(witnesses === undefined ? {} : { witnesses: lines(await text(witnesses, '--witnesses')) }),
    ...(brokerCa === undefined ? {} : { brokerAuthorities: await text(brokerCa, '--broker-ca') }),
    ...(broker === undefined ? {} : { broker }),
    ...(config === undefined ? {} : { configuration: await readSettings(config) }),
    ...(scene === undefined ? {} : { scene: await text(scene, '--scene') }),
    ...(references === undefined
      ? {}
      : { references: references === false ? '' : await text(references, '--references') }),
    ...(updateRoot.length === 0 ? {} : { updateRoots: await readUpdateRoots(updateRoot) }),
  };
  const checked = grant
    .pick({
      site: true,
      people: true,
      recipients: true,
      witnesses: true,
      brokerAuthorities: true,
      broker: true,
      configuration: true,
      scene: true,
      references: true,
      updateRoots: true,
    })
    .safeParse(parts);
  if (!checked.success) {
    throw new AtalayaError('usage-invalid', `a unit would refuse this: ${faultsOf(checked.error)}`, {
      hint: 'Check the files that were named.',
    });
  }
  const given = { unit, version: 1, issued: '', certificate: '', authorities: '', ...parts };
  checkScene(parts, { scene: scene ?? '--scene', references: references || '--references' });
  const usual = { data: '/var/lib/atalaya', scene: nextScene(parts, parts, noTexts) };
  const fault = configurationFault(unitConfiguration(given, usual), '/var/lib/atalaya/identity');
  if (fault === undefined) return parts;
  throw new AtalayaError('config-invalid', `the unit could not run with this configuration: ${fault}`, {
    hint: `Correct ${config ?? 'what was given'}. Paths in it are absolute: the file lies in the unit's identity folder.`,
  });
}

/** Of two files of a fleet that look alike, the wrong key is the more likely slip, and is named first. */
function checkPeople(people: NonNullable<GrantParts['people']>, files: PeopleFiles, clock: Clock): void {
  const root = publicKeyOf(people.rootKey, `the key in ${files.rootKey}`);
  try {
    openTrust(people.trust, root, { utc: clock.utc(), reliable: true });
  } catch (error) {
    if (!isAtalayaError(error, 'document-refused') || signerIn(people.trust) === keyId(root)) throw error;
    if (signerIn(people.trust) === undefined) throw error;
    throw new AtalayaError(
      'document-refused',
      `--root-key ${files.rootKey} may be another one's: it is not the key that signed ${files.trust}`,
      {
        hint: 'Give root.public.pem of the root key over the people, not the public key of a person; if it is that one, somebody else signed the trust document.',
        cause: error,
      },
    );
  }
}

type PeopleFiles = Readonly<Record<'trust' | 'rootKey', string>>;

/** The key that a document says it is signed by; undefined where it says none. */
function signerIn(document: string): string | undefined {
  const json = readJson(document);
  const read = z.object({ signature: signatureSchema }).safeParse(json.kind === 'refused' ? undefined : json.value);
  return read.data?.signature.key;
}

/** What a unit would find: whether references fit a scene that it has already, the unit alone can say. */
function checkScene(parts: GrantParts, names: SceneNames): void {
  const texts = { scene: parts.scene, references: parts.references === '' ? undefined : parts.references };
  const fault = givenSceneFault(parts, parts, texts, (given) => sceneFault(given, names));
  if (fault === undefined) return;
  throw new AtalayaError('scene-invalid', `the unit could not run with this scene: ${fault}`, {
    hint: 'Nothing was signed.',
  });
}

const noTexts: SceneTexts = { scene: undefined, references: undefined };

type JsonObject = NonNullable<GrantParts['configuration']>;

async function readSettings(path: string): Promise<JsonObject> {
  const document = parseDocument(await text(path, '--config'));
  const fault = document.errors[0]?.message;
  const value: unknown = fault === undefined ? (document.toJS() ?? {}) : undefined;
  const odd = fault ?? (typeof value === 'object' && !Array.isArray(value) ? jsonFault(value) : 'it is no mapping');
  if (odd === undefined) return value as JsonObject;
  throw new AtalayaError('config-invalid', `${path} is no configuration: ${odd}`, { hint: 'Correct it.' });
}

/** Each as `name=file`, or a file that is called by its repository. */
async function readUpdateRoots(given: readonly string[]): Promise<Record<string, string>> {
  const entries = await Promise.all(
    given.map(async (one): Promise<[string, string]> => {
      const [name, path] = one.includes('=')
        ? [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]
        : [basename(one, '.json'), one];
      return [name, await text(path, '--update-root')];
    }),
  );
  return Object.fromEntries(entries);
}

const lines = (content: string): string[] =>
  content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

async function text(path: string, flag: string): Promise<string> {
  const bytes = await readFile(isAbsolute(path) ? path : resolve(path)).catch((error: unknown) => {
    throw new AtalayaError('usage-invalid', `${path} cannot be read`, { hint: `Check ${flag}.`, cause: error });
  });
  // What a unit would refuse is found here; and no letter is given on as another one.
  const content = bytes.toString('utf8');
  if (isUtf8(bytes) && jsonFault(content) === undefined) return content;
  throw new AtalayaError('usage-invalid', `${path} is no text (UTF-8)`, { hint: `Check ${flag}.` });
}
