import { type Actor, actionRecord, actionRecordOf } from '../evidence/record/action-record.ts';
import type { EvidenceFile, EvidenceRecord, PictureFile } from '../evidence/record/record.ts';
import { ruleTitle } from '../judge/rule-title.ts';
import { sha256 } from '../kernel/hash.ts';
import { exact } from '../kernel/numerals.ts';
import { parse } from '../kernel/schema.ts';
import { chargeSentence, type Fact, measuredFacts } from './charge-words.ts';
import { packNames } from './pack-names.ts';
import type { PackParts } from './pack-parts.ts';
import { plateParts } from './plate-part.ts';
import type { Sheet, SheetFile, SheetFinding, SheetPart, SheetPicture } from './sheet-model.ts';
import type { Keeper } from './shown-files.ts';
import { clockWords, dated, intervalFace, momentWords } from './time-words.ts';

/** The sheet of a pack whose opened files have been kept. Throws `internal` where the erasure is not one. */
export function buildSheet(parts: PackParts, opened: Keeper): Sheet {
  const { record, exported } = parts;
  const { infraction } = record;
  const erased = erasurePart(parts);
  const certificate = certificateOf(record)?.value;
  const dateUnknown = !infraction.time.clock.dated;
  return {
    title: `${ruleTitle(infraction.rule)}: evidence sheet`,
    id: record.id,
    charge: chargeSentence(infraction),
    place: placeLine(record),
    warnings: [
      ...(dateUnknown
        ? [
            'DATE UNKNOWN: nothing states when this was recorded. The times are those of a replay; only intervals mean anything.',
          ]
        : []),
      ...(!dateUnknown && !infraction.time.clock.synchronised
        ? ['CLOCK NOT SYNCHRONISED: date and time are those of a clock that no reference kept right.']
        : []),
      ...(certificate === 'expired' || certificate === 'not-yet-valid'
        ? ['CERTIFICATE NOT VALID: the certificate of the calibration was not valid on that day; see Calibration.']
        : []),
      ...(erased === undefined ? [] : ['FILES ERASED: the pictures of this evidence are gone for good; see Erasure.']),
    ],
    parts: [
      facts('Figures', measuredFacts(infraction.measured)),
      facts('Place and time', placeAndTime(record)),
      ...plateParts(record, opened, erased !== undefined),
      picturesPart(parts, opened),
      { kind: 'findings', title: 'What was found, and why it counts', findings: infraction.findings.map(finding) },
      ...(erased === undefined ? [] : [erased]),
      calibrationPart(record),
      rawPart(parts),
      filesPart(parts, opened),
      signaturePart(parts),
      facts('Export', [
        ['By', exported.who],
        ['Why', exported.why],
        ['When', momentText(exported.when)],
      ]),
    ],
    footer:
      'This sheet is for people and is made from record.json, which alone is signed. Where they differ, record.json counts.',
    made: exported.when,
  };
}

const facts = (title: string, list: readonly Fact[], notes: readonly string[] = []): SheetPart => ({
  kind: 'facts',
  title,
  facts: list,
  notes,
});

const momentText = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

function placeLine({ provenance: { site }, infraction: { lane, time } }: EvidenceRecord): string {
  const where = [site.name, site.direction, lane === null ? undefined : `lane ${lane}`];
  return `${where.filter((one) => one !== undefined).join(', ')} · ${momentWords(time)}`;
}

function placeAndTime({ unit, infraction, provenance, sealed }: EvidenceRecord): Fact[] {
  const { site } = provenance;
  return [
    ['Place', `${site.name} (site ${site.id})`],
    ['Direction', site.direction ?? 'not stated in the record'],
    ['Lane', infraction.lane ?? 'in no lane'],
    ['Road user', `${infraction.class}, track ${infraction.track}`],
    ['Date and time', momentWords(infraction.time)],
    ['Frame', String(infraction.frame)],
    ...clockWords(infraction.time),
    ['Sealed', momentWords(sealed)],
    ['Unit', unit],
  ];
}

const moments: Record<PictureFile['moment'], string> = { before: 'before', at: 'at the moment', after: 'after' };

const roles: Record<EvidenceFile['role'], string> = {
  context: 'Whole picture',
  'close-up': 'Close-up',
  annotated: 'Annotated copy',
  operator: 'Copy with bystanders masked',
  clip: 'Clip',
  plate: 'Plate: text and reads',
  'plate-crop': 'Plate, its pixels',
  'plate-vehicle': 'Vehicle on which the plate was looked for',
};

const origins: Record<PictureFile['origin'], string> = {
  original: "the camera's own bytes",
  encoded: 'encoded by the unit from the pixels',
  derived: 'derived for people to look at; proves nothing that the others do not',
};

function picturesPart({ record, erasure }: PackParts, opened: Keeper): SheetPart {
  const names = packNames(record.files.map(({ name }) => name));
  const pictures = record.files.flatMap((file, i): SheetPicture[] => {
    if (!('moment' in file)) return [];
    const caption = `${roles[file.role]}, ${moments[file.moment]}: frame ${file.frame}, ${momentWords(file.time)}; ${origins[file.origin]}`;
    const content = opened.content(file);
    if (content !== undefined) return [{ caption, shown: { kind: 'picture', mediaType: file.mediaType, content } }];
    const says =
      erasure !== undefined
        ? 'Erased; nobody can open it any more.'
        : opened.isOpened(file)
          ? `Too large for this sheet: opened/${names[i]}.`
          : `Sealed to the authority: files/${names[i]}.age opens with its key only.`;
    return [{ caption, shown: { kind: 'words', says } }];
  });
  if (pictures.length > 0) return { kind: 'pictures', title: 'Pictures', pictures };
  const why =
    record.sealing === null ? 'No authority was configured to seal to, so none was kept.' : 'None was sealed.';
  return facts('Pictures', [], [why]);
}

function finding({ name, value, unit, limit, says }: EvidenceRecord['infraction']['findings'][number]): SheetFinding {
  const quantity = (what: number | string | boolean): string => {
    const words = typeof what === 'boolean' ? (what ? 'yes' : 'no') : typeof what === 'number' ? exact(what) : what;
    return unit === undefined ? words : `${words} ${unit}`;
  };
  return {
    name: name.replaceAll('-', ' '),
    value: quantity(value),
    against: limit === undefined ? undefined : quantity(limit),
    says,
  };
}

function erasurePart({ erasure }: PackParts): SheetPart | undefined {
  if (erasure === undefined) return undefined;
  const value: { readonly schema?: unknown } = JSON.parse(erasure.recordBytes.toString());
  const act = parse(actionRecordOf(value.schema) ?? actionRecord, value, 'the record of the erasure', 'internal');
  return facts('Erasure', [
    ['By', actorWords(act.actor)],
    ['Why', act.reason],
    ['When', momentWords(act.time)],
    ['Entry of the log', String(act.sequence)],
  ]);
}

function actorWords(actor: Actor): string {
  switch (actor.kind) {
    case 'person':
      return `${actor.name} (account ${actor.account})`;
    case 'policy':
      return `the retention rule ${actor.name}`;
    case 'operator':
      return `${actor.name} (${actor.role}, key ${actor.key.slice(0, 16)})`;
    case 'unit':
      return `the unit by itself (${actor.name})`;
  }
}

/** The finding by which the rule says what the certificate of the calibration was on the day. */
const certificateOf = ({ infraction: { findings } }: EvidenceRecord) =>
  findings.find(({ name }) => name === 'calibration-certificate');

function calibrationPart(record: EvidenceRecord): SheetPart {
  const { scene, software, configuration, model } = record.provenance;
  const { ground, speed } = record.auxiliary.calibration;
  const certificate = ground?.certificate ?? undefined;
  const state = certificateOf(record);
  return facts(
    'Calibration and software',
    [
      ...(certificate === undefined
        ? []
        : ([
            ['Certificate', `${certificate.number}, ${certificate.issuer}`],
            ['Valid', `${certificate.issued} to ${certificate.expires}`],
          ] as const)),
      ...(state === undefined ? [] : [['On that day', state.says] as const]),
      ...(speed === null || speed.limitSource === null ? [] : [['Limit set by', speed.limitSource] as const]),
      ['Calibration (scene)', scene.name],
      ['Its SHA-256', scene.sha256],
      ['Detection model', model.version === undefined ? model.id : `${model.id}, version ${model.version}`],
      ['Its SHA-256', model.sha256],
      ['Software', software.version],
      ...(software.sha256 === undefined ? [] : [['Its SHA-256', software.sha256] as const]),
      ['Configuration, SHA-256', configuration.sha256],
    ],
    certificate === undefined && state === undefined
      ? ['The record names no calibration certificate and no date on which the calibration expires.']
      : [],
  );
}

function rawPart({ record, rederivation }: PackParts): SheetPart {
  const { label, track } = record.auxiliary;
  const first = track[0];
  const last = track.at(-1);
  const span =
    first === undefined || last === undefined
      ? 'none'
      : `${track.length} positions, frames ${first.frame} to ${last.frame}, ${exact((last.elapsedMs - first.elapsedMs) / 1000)} s, in record.json`;
  return facts(
    `Auxiliary data: ${label}`,
    [
      ['Track', span],
      ...(rederivation === undefined ? [] : [['Derived again', rederivation.says] as const, ...rederivation.figures]),
    ],
    [
      `Marked in the record as “${label}”. It is kept so that the figures can be derived again.`,
      ...(rederivation === undefined ? ['The figures were not derived again for this sheet.'] : []),
    ],
  );
}

function filesPart({ record, erasure }: PackParts, opened: Keeper): SheetPart {
  const names = packNames(record.files.map(({ name }) => name));
  const files = record.files.map((file, i): SheetFile => {
    const place = erasure === undefined ? `files/${names[i]}.age` : 'erased';
    const also = opened.isOpened(file) ? `, opened/${names[i]}` : '';
    const kind = 'moment' in file ? `${roles[file.role]}, ${moments[file.moment]}` : roles[file.role];
    return {
      name: file.name,
      says: `${kind}${clipSpan(file)}; ${file.bytes} bytes sealed; ${place}${also}${file.making === '' ? '' : `. ${file.making}`}`,
      sha256: file.sha256,
    };
  });
  const recipients = record.sealing?.recipients ?? [];
  const operators = record.sealing?.operators ?? [];
  return {
    kind: 'files',
    title: 'Files and their hashes',
    files,
    notes: [
      ...(files.length === 0 ? ['No files.'] : ['Each SHA-256 is that of the sealed file, as the record names it.']),
      ...(recipients.length === 0 ? [] : [`Sealed to the authority: ${recipients.join(', ')}`]),
      ...(operators.length === 0
        ? []
        : [`The copy with bystanders masked also opens for the operator: ${operators.join(', ')}`]),
    ],
  };
}

/** Of a clip, how many pictures a second over what time. */
function clipSpan(file: EvidenceFile): string {
  if (file.role !== 'clip') return '';
  const first = file.frames[0];
  const last = file.frames.at(-1);
  if (first === undefined || last === undefined) return ', no pictures';
  const span = (last[1] - first[1]) / 1000;
  const rate = span > 0 ? `, ${exact((file.frames.length - 1) / span)} a second` : '';
  return `, ${file.frames.length} pictures, frames ${first[0]} to ${last[0]}, ${intervalFace(first[1])} to ${intervalFace(last[1])}${rate}; each with its time in clip.txt`;
}

const algorithms = { ed25519: 'Ed25519', p256: 'ECDSA P-256 with SHA-256' } as const;

function signaturePart({ record, recordBytes, checkpoint, publicKey, since }: PackParts): SheetPart {
  const [, size = '', root = ''] = checkpoint.split('\n');
  return facts(
    'Signature and log',
    [
      ['Signature', algorithms[publicKey.algorithm]],
      ['Key, SHA-256', record.signer],
      ['Record, SHA-256', sha256(recordBytes)],
      ['Place in the log', `entry ${record.sequence} of ${size} (leaf index ${record.sequence - 1})`],
      ['Root of the log', root],
      ...(since === undefined
        ? []
        : [['Proven against', `the older checkpoint at ${since.checkpoint.split('\n')[1]} entries`] as const]),
      ['Start of the unit', record.boot],
    ],
    [
      'To verify: get the unit’s public key from the authority, not from this pack, and run “sh verify.sh KEY.pem” in the folder. It needs openssl and sha256sum only. VERIFY.md gives the same steps by hand.',
      ...(dated(record.sealed) ? [] : ['Its log proves the order of entries, not their dates.']),
    ],
  );
}
