import { checkPlate } from '../evidence/re-derive/plate-check.ts';
import type { PlateFile, PlateRead } from '../evidence/record/plate-file.ts';
import { formatWords, readWords, sureWords, unreadWords } from '../evidence/record/plate-words.ts';
import type { EvidenceFile, EvidenceRecord, PlateOutcome, PlatePicture } from '../evidence/record/record.ts';
import { opensCommitment, readPlate } from '../evidence/sealing/plate-commitment.ts';
import { exact } from '../kernel/numerals.ts';
import type { Fact } from './charge-words.ts';
import { packNames } from './pack-names.ts';
import type { SheetPart, SheetPicture } from './sheet-model.ts';
import type { Keeper } from './shown-files.ts';
import { intervalFace, momentWords } from './time-words.ts';

/** Pixels across at which a plate is shown: some have less than a hundred of their own. */
const shownAcross = 480;

/** Reads that a sheet lists; the file has all of them. */
const mostReads = 100;

/**
 * What is known of the plate: the outcome, which the record itself states, and, only where the file was opened and is the one that the
 * record commits to, its text, where it was read, its pictures and every other read.
 */
export function plateParts(record: EvidenceRecord, opened: Keeper, erased: boolean): SheetPart[] {
  const { plate } = record;
  if (plate === undefined) return [];
  const file = record.files.find(({ name, role }) => role === 'plate' && name === plate.file);
  const content = file === undefined ? undefined : opened.content(file);
  const read = content === undefined ? undefined : openPlate(content, plate);
  const known = typeof read === 'object' ? read : undefined;
  const pictures = platePictures(record, opened, erased);
  return [
    {
      kind: 'facts',
      title: 'Plate',
      facts: [
        [
          'Plate',
          typeof read === 'string' ? read : known === undefined ? sealedWords(plate, erased) : plateWords(known),
        ],
        ...(known === undefined ? [] : plateFacts(known, record)),
        ['Commitment', plate.commitment],
      ],
      notes: [
        `The commitment is the SHA-256 of the sealed file ${plate.file}, which holds 32 random bytes besides what was read.`,
      ],
    },
    ...(pictures.length === 0 ? [] : [{ kind: 'pictures' as const, title: 'Pictures of the plate', pictures }]),
    ...(known === undefined ? [] : [readsPart(known)]),
  ];
}

function sealedWords(plate: PlateOutcome, erased: boolean): string {
  const where = erased ? 'erased: nobody can open it any more' : 'sealed to the authority';
  return plate.outcome === 'read' ? `read; ${where}` : `unread: ${unreadWords[plate.reason]}; its file is ${where}`;
}

/** What the opened file says, or what is wrong with it. */
function openPlate(content: Buffer, { commitment, outcome }: PlateOutcome): PlateFile | string {
  const read = readPlate(content);
  if (read === undefined) return 'the opened file is not that of a plate';
  return opensCommitment(content, commitment) && read.outcome === outcome
    ? read
    : 'NOT THE ONE THAT THE RECORD COMMITS TO: the opened file is false';
}

const plateWords = (read: PlateFile): string =>
  read.outcome === 'read'
    ? `${read.text} (it is the one that the record commits to)`
    : `unread: ${unreadWords[read.reason]}`;

function plateFacts(read: PlateFile, record: EvidenceRecord): Fact[] {
  const { infraction } = record;
  const { frame, time } = read;
  const { onVehicle, counted, doubts } = checkPlate(read, record);
  const where: Fact[] =
    frame === null || time === null
      ? [['Frame', 'none: no frame showed it']]
      : [
          [
            read.outcome === 'read' ? 'Read on' : 'Best shown on',
            `frame ${frame}, ${momentWords(time)}; ${awayWords(time.elapsedMs - infraction.time.elapsedMs)}`,
          ],
        ];
  const stated: Fact[] =
    read.outcome === 'read'
      ? [
          ['Format', `${formatWords(read.format)} (${read.format})`],
          ['Probability that it is right', sureWords(read.confidence, 3)],
          [
            'Of each character',
            read.characters.map((one) => `${one.character} ${sureWords(one.confidence, 3)}`).join(', '),
          ],
          ['Independent looks that say it', exact(read.agreeing)],
          ['In the vote', counted ?? ''],
        ]
      : [];
  const { looked, dropped, models } = read;
  return [
    ...doubts.map((doubt): Fact => ['DOES NOT FIT', doubt]),
    ...stated,
    ...where,
    ...(onVehicle === undefined ? [] : [['Its place', onVehicle] as const]),
    ...(read.outcome === 'read' && read.said === 'alternative'
      ? [['That frame', 'by itself does not say this text: it is the one that supports it most'] as const]
      : []),
    ['Crops', `${looked} looked at, ${dropped} not looked at for want of time`],
    ...(models.length === 0
      ? []
      : [['Models', models.map(({ id, version }) => `${id}, version ${version}`).join('; ')] as const]),
  ];
}

/** How far from the charged moment, which may be another frame. */
function awayWords(ms: number): string {
  if (ms === 0) return "the charged moment's own frame";
  return `${(Math.abs(ms) / 1000).toFixed(2)} s ${ms < 0 ? 'before' : 'after'} the charged moment`;
}

const captions: Record<PlatePicture['role'], string> = {
  'plate-crop': 'The plate, pixel by pixel',
  'plate-vehicle': 'The vehicle in the same frame',
};

const isPlatePicture = (file: EvidenceFile): file is PlatePicture =>
  file.role === 'plate-crop' || file.role === 'plate-vehicle';

function platePictures({ files }: EvidenceRecord, opened: Keeper, erased: boolean): SheetPicture[] {
  const names = packNames(files.map(({ name }) => name));
  return files.flatMap((file, i): SheetPicture[] => {
    if (!isPlatePicture(file)) return [];
    const { role, frame, time, width, mediaType } = file;
    const caption = `${captions[role]}: frame ${frame}, ${momentWords(time)}`;
    const content = opened.content(file);
    if (content !== undefined) {
      const across = Math.max(width, shownAcross);
      return [{ caption, shown: { kind: 'picture', mediaType, content, ...(role === 'plate-crop' && { across }) } }];
    }
    const says = erased
      ? 'Erased; nobody can open it any more.'
      : opened.isOpened(file)
        ? `Too large for this sheet: opened/${names[i]}.`
        : `Sealed to the authority: files/${names[i]}.age opens with its key only.`;
    return [{ caption, shown: { kind: 'words', says } }];
  });
}

function readsPart({ reads, omitted }: PlateFile): SheetPart {
  const rows = reads.slice(0, mostReads);
  const left = reads.length - rows.length + omitted;
  return {
    kind: 'facts',
    title: 'Every read of the plate',
    facts: rows.map((read) => [`Frame ${read.frame}, ${intervalFace(read.elapsedMs)}`, readLine(read)]),
    notes: [
      reads.length === 0
        ? 'Nothing was read on any frame.'
        : 'What each frame showed, and what became of it in the vote.',
      ...(left === 0 ? [] : [`${left} more reads are not listed here.`]),
    ],
  };
}

function readLine({ text, confidence, weight, reason }: PlateRead): string {
  const says = text === '' ? 'no text' : `${text}, sure ${sureWords(confidence, 3)}`;
  return `${says}${weight > 0 ? `, weight ${sureWords(weight, 3)}` : ''}; ${readWords[reason]}`;
}
