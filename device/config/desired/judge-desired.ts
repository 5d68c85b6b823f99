import { configSchemaId, type Desired, desired } from '../../../cloud-bridge/contract/acts.ts';
import { authorise, clockDifference, type People, type Person } from '../../../cloud-bridge/contract/people.ts';
import { faultsOf, readJson } from '../../../cloud-bridge/contract/read-json.ts';
import { longestPayload } from '../../../cloud-bridge/contract/topics.ts';
import { sha256 } from '../../kernel/hash.ts';
import { signedBytes, type UnsignedDocument } from '../../kernel/signed/signed-document.ts';
import { toIso, type UtcMilliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { Config } from '../config-schema.ts';
import { judgeSettings } from './judge-settings.ts';
import type { Refusal } from './refusal.ts';
import { changesBetween, isSettings, type Needs, needsOf } from './settings.ts';
import type { UnitFacts } from './unit-facts.ts';

/** A document by its version and content. */
export interface DocumentRef {
  readonly version: number;
  /** Of what was signed: the canonical JSON without the signature. */
  readonly sha256: string;
}

export interface DesiredContext {
  readonly unit: string;
  /** Who is trusted; undefined: nobody. */
  readonly people: People | undefined;
  /** The unit's own file. */
  readonly base: Config;
  /** What is in force. */
  readonly current: Config;
  /** The newest document that was ever accepted here. */
  readonly highest: DocumentRef | undefined;
  readonly facts: UnitFacts;
  readonly now: {
    readonly utc: UtcMilliseconds;
    /** False where nothing disciplines the clock: it may be days behind, and nothing is refused for having been issued since. */
    readonly reliable: boolean;
  };
}

export type JudgedDesired =
  | {
      readonly kind: 'fits';
      readonly document: Desired;
      readonly ref: DocumentRef;
      readonly person: Person;
      readonly config: Config;
      /** Fields that change, against what is in force. */
      readonly changed: readonly string[];
      readonly needs: Needs;
    }
  /** The newest accepted document once more. */
  | { readonly kind: 'known'; readonly ref: DocumentRef }
  | {
      readonly kind: 'refused';
      readonly refusals: readonly Refusal[];
      /** As far as it can be told. */
      readonly version?: number;
      readonly sha256?: string;
      /** Who signed it, where that is somebody who may. */
      readonly person?: Person;
    };

/**
 * Judges what came as a desired configuration. Never throws, whatever the bytes are.
 *
 * A document that cannot be read, or is not signed by somebody who may, is refused for that alone. Of one that is authentic every fault is
 * told at once, and it is refused whole: nothing of it is applied. Before all that the newest accepted one is known again by its content,
 * since brokers say what they retain at every connection.
 */
export function judgeDesired(text: Uint8Array, context: DesiredContext): JudgedDesired {
  const read = readDocument(text);
  if (read.kind === 'refused') return read;
  const { document, body } = read;
  const { version } = document;
  const ref: DocumentRef = { version, sha256: sha256(signedBytes(body)) };
  const { highest, people, unit } = context;
  if (highest?.version === version && highest.sha256 === ref.sha256) return { kind: 'known', ref };
  const refuse = (refusals: readonly Refusal[], person?: Person): JudgedDesired => {
    return { kind: 'refused', refusals, ...ref, ...(person === undefined ? {} : { person }) };
  };
  if (people === undefined)
    return refuse([{ code: 'no-trust', words: 'there is no trust document here, so nobody may configure this unit' }]);
  const authorised = authorise(body, people, 'config.push');
  if (authorised.kind === 'refused') return refuse([{ code: authorised.reason, words: authorised.detail }]);
  const judged = judgeSettings(document.settings, context.base, context.facts);
  const foreign: readonly Refusal[] =
    document.unit === unit ? [] : [{ code: 'other-unit', words: 'it is for another unit' }];
  const refusals = [
    ...foreign,
    ...versionRefusals(ref, highest),
    ...timeRefusals(document, context.now),
    ...(judged.kind === 'refused' ? judged.refusals : []),
  ];
  if (refusals.length > 0 || judged.kind === 'refused') return refuse(refusals, authorised.person);
  const { config } = judged;
  const changed = changesBetween(context.current, config).map(({ path }) => path);
  return { kind: 'fits', document, ref, person: authorised.person, config, changed, needs: needsOf(changed) };
}

export type ReadDocument =
  | { readonly kind: 'document'; readonly document: Desired; readonly body: UnsignedDocument }
  | Extract<JudgedDesired, { kind: 'refused' }>;

/** The form of a document, without any judgement of who says so and what. */
export function readDocument(text: Uint8Array): ReadDocument {
  const refuse = (refusal: Refusal, version?: number): ReadDocument => {
    return { kind: 'refused', refusals: [refusal], ...(version === undefined ? {} : { version }) };
  };
  if (text.byteLength > longestPayload) {
    const words = `it has ${text.byteLength} bytes, and ${longestPayload} is the most`;
    return refuse({ code: 'oversized', words });
  }
  const json = readJson(text);
  if (json.kind === 'refused') return refuse({ code: json.reason, words: json.detail });
  const body = json.value;
  if (!isSettings(body)) return refuse({ code: 'malformed', words: 'it is no object' });
  const { version: stated, schema } = body;
  const version = Number.isSafeInteger(stated) && (stated as number) > 0 ? (stated as number) : undefined;
  if (typeof schema === 'string' && schema !== configSchemaId)
    return refuse({ code: 'other-schema', words: `it is no ${configSchemaId}` }, version);
  const checked = desired.safeParse(body);
  if (!checked.success) {
    const bySignature = checked.error.issues.every(({ path }) => path[0] === 'signature');
    return refuse({ code: bySignature ? 'signature-malformed' : 'malformed', words: faultsOf(checked.error) }, version);
  }
  return { kind: 'document', document: checked.data, body: body as UnsignedDocument };
}

function versionRefusals({ version }: DocumentRef, highest: DocumentRef | undefined): readonly Refusal[] {
  if (highest === undefined || version > highest.version) return [];
  if (version < highest.version) {
    const words = `it is version ${version}, and version ${highest.version} was accepted here; to go back, sign the old settings under a new version`;
    return [{ code: 'older-version', words }];
  }
  return [{ code: 'version-taken', words: `another document of version ${version} was accepted here` }];
}

function timeRefusals({ issued, expires }: Desired, { utc, reliable }: DesiredContext['now']): readonly Refusal[] {
  const from = utcMilliseconds(Date.parse(issued));
  const until = expires === undefined ? undefined : utcMilliseconds(Date.parse(expires));
  if (until !== undefined && until <= from) return [{ code: 'expires-first', words: 'it expires before it is issued' }];
  if (until !== undefined && utc >= until) return [{ code: 'expired', words: `it expired at ${toIso(until)}` }];
  if (reliable && from > utc + clockDifference)
    return [{ code: 'issued-later', words: `it is issued at ${toIso(from)}, and it is ${toIso(utc)}` }];
  return [];
}
