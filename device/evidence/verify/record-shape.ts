import { actionShapes } from './action-shape.ts';
import { type CommonRecord, common, type Moment, moment } from './common-shape.ts';
import {
  anyJson,
  anyOf,
  anyText,
  bound,
  count,
  digest,
  figure,
  flag,
  integer,
  listOf,
  mapOf,
  nullOr,
  objectOf,
  oneOf,
  type Shape,
  text,
  tupleOf,
  variants,
} from './shape.ts';

/**
 * The schemas that this verifier interprets, written from the description of the format. What a rule measured is only looked at
 * as far as the format says something of it: a table of named figures; what they mean is no matter of integrity.
 */

export const evidenceSchema = 'atalaya/evidence/3';
/** The same in form; its calibration states a lens or an error of scale, which is no matter of integrity. */
const lensSchema = 'atalaya/evidence/4';
/** The same from before plates were read. */
const platelessSchema = 'atalaya/evidence/2';

export interface SealedFile {
  readonly name: string;
  readonly role: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly header: number;
  readonly body: string;
}

/** As much of a record of evidence as is checked beyond its shape. */
export interface Evidence extends CommonRecord {
  readonly id: string;
  readonly sealed: Moment;
  readonly files: readonly SealedFile[];
  readonly sealing: { readonly keys: { readonly bytes: number; readonly sha256: string } } | null;
  readonly plate?: { readonly commitment: string; readonly file: string };
}

const box = objectOf({ x: figure, y: figure, width: figure, height: figure });

const sealedFile = {
  name: text,
  role: text,
  mediaType: text,
  bytes: count,
  sha256: digest,
  header: count,
  body: digest,
  making: anyText,
};
const origin = oneOf('original', 'encoded', 'derived');
const picture = objectOf({
  ...sealedFile,
  origin,
  width: count,
  height: count,
  moment: oneOf('before', 'at', 'after'),
  frame: count,
  time: moment,
});

const frameFiles = {
  context: picture,
  'close-up': picture,
  annotated: picture,
  operator: picture,
  clip: objectOf({
    ...sealedFile,
    origin,
    width: count,
    height: count,
    frames: listOf(tupleOf(count, figure, count, count)),
  }),
};

const platePicture = objectOf({ ...sealedFile, origin, width: count, height: count, frame: count, time: moment });
const plateFiles = { plate: objectOf(sealedFile), 'plate-crop': platePicture, 'plate-vehicle': platePicture };

const plateOutcome = { commitment: digest, file: text, outcome: text };
const plate = variants('outcome', {
  read: objectOf(plateOutcome),
  unread: objectOf({ ...plateOutcome, reason: text }),
});

const infraction = objectOf({
  rule: text,
  frame: count,
  time: moment,
  track: integer,
  class: text,
  lane: nullOr(text),
  box,
  measured: mapOf(anyOf(figure, anyText, flag, listOf(anyText)), 'rule'),
  findings: listOf(
    objectOf(
      { name: anyText, value: anyOf(figure, anyText, flag), says: anyText },
      { unit: anyText, limit: anyOf(figure, anyText) },
    ),
  ),
});

const sealing = objectOf(
  {
    format: oneOf('age-encryption.org/v1'),
    recipients: listOf(text, 1),
    keys: objectOf({ bytes: count, sha256: digest }),
  },
  { operators: listOf(text) },
);

const provenance = objectOf({
  site: objectOf({ id: text, name: text }, { direction: text }),
  software: objectOf({ version: text }, { sha256: digest }),
  configuration: objectOf({ sha256: digest }),
  scene: objectOf({ name: text, sha256: digest }),
  model: objectOf({ id: text, sha256: digest }, { version: text }),
});

const platelessMembers = {
  ...common,
  id: text,
  sealed: moment,
  infraction,
  files: listOf(variants('role', frameFiles)),
  sealing: nullOr(sealing),
  provenance,
  auxiliary: objectOf({
    label: oneOf('raw data, not a measurement'),
    calibration: mapOf(anyJson),
    track: listOf(
      objectOf(
        {
          frame: count,
          elapsedMs: figure,
          intervalErrorMs: bound,
          clock: text,
          box,
          score: figure,
          measured: flag,
          use: text,
          track: integer,
        },
        { votes: mapOf(figure) },
      ),
    ),
    omitted: count,
    votes: mapOf(figure),
    phases: listOf(mapOf(anyJson, 'phase', 'fromMs')),
  }),
};

const evidence = objectOf(
  { ...platelessMembers, files: listOf(variants('role', { ...frameFiles, ...plateFiles })) },
  { plate },
);

const schemas: Readonly<Record<string, Shape>> = {
  [evidenceSchema]: evidence,
  [lensSchema]: evidence,
  [platelessSchema]: objectOf(platelessMembers),
  ...actionShapes,
};

/** Whether a record is one of evidence, of any schema that is interpreted. */
export const isEvidence = <R extends CommonRecord>(record: R): record is R & Evidence =>
  record.schema === evidenceSchema || record.schema === lensSchema || record.schema === platelessSchema;

/** What is wrong with a record of this schema; `unknown` for a schema that this software does not know. */
export function recordFault(record: CommonRecord): { readonly says: string } | 'unknown' | undefined {
  const shape = Object.hasOwn(schemas, record.schema) ? schemas[record.schema] : undefined;
  if (shape === undefined) return 'unknown';
  const fault = shape(record);
  if (fault !== undefined) return { says: `record${fault.at} ${fault.must}` };
  return isEvidence(record) ? packageFault(record) : undefined;
}

export const evidenceId = (unit: string, sequence: number): string => `${unit}-${String(sequence).padStart(9, '0')}`;

/** The sequence number in an evidence id of this unit; undefined for anything else. */
export function sequenceOf(id: string, unit: string): number | undefined {
  const digits = id.startsWith(`${unit}-`) ? id.slice(unit.length + 1) : '';
  if (!/^[0-9]{9,15}$/.test(digits)) return undefined;
  const sequence = Number(digits);
  return evidenceId(unit, sequence) === id ? sequence : undefined;
}

/** Of a key file, which is read whole: a header has some hundred bytes a recipient, so more would only fill the memory. */
const longestKeys = 16 * 1024 * 1024;

/** What the members of a record of evidence must have to do with each other. */
function packageFault({ id, unit, sequence, files, sealing: sealed, plate }: Evidence): { says: string } | undefined {
  if (id !== evidenceId(unit, sequence)) return { says: `record.id must be ${evidenceId(unit, sequence)}` };
  if (sealed === null && files.length > 0) return { says: 'record.files must be empty where nothing is sealed' };
  const names = files.map(({ name }) => name);
  if (new Set(names).size !== names.length) return { says: 'record.files bears a name twice' };
  const unfit = names.find((name) => !isFileName(name));
  if (unfit !== undefined) return { says: 'record.files bears a name that cannot be a file name' };
  const plates = files.filter(({ role }) => role === 'plate').map(({ name }) => name);
  if (plates.length > 1 || plates[0] !== plate?.file) {
    return { says: 'record.plate.file must be the one file whose role is plate' };
  }
  for (const role of ['plate-crop', 'plate-vehicle']) {
    const pictures = files.filter((file) => file.role === role).length;
    if (pictures > (plate === undefined ? 0 : 1)) {
      return { says: `record.files must have one file of the role ${role} at most, beside a plate` };
    }
  }
  if (files.some(({ bytes, header }) => header > bytes)) return { says: 'a header must not be longer than its file' };
  const headers = files.reduce((sum, { header }) => sum + header, 0);
  if (headers > longestKeys) return { says: `the headers of the files are longer than ${longestKeys} bytes together` };
  if (sealed !== null && headers !== sealed.keys.bytes) {
    return {
      says: `the headers of the files have ${headers} bytes together, record.sealing.keys.bytes says ${sealed.keys.bytes}`,
    };
  }
  return undefined;
}

/** A name that stays in its folder on any system. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no name may hold
const isFileName = (name: string): boolean => !/[/\\\x00-\x1f]/.test(name) && name !== '.' && name !== '..';
