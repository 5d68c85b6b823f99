import type { Sheet, SheetFinding, SheetPart, SheetPicture } from '../../../device/audit/sheet-model.ts';
import type { SelfTestFigure, SelfTestFinding } from '../../../device/selftest/contract/self-test-report.ts';
import { type Acceptance, type AcceptanceOutcome, acceptanceFiles } from '../../accept/acceptance.ts';
import { grouped } from '../../contract/fingerprint.ts';
import { enrolmentCodeModules } from '../../identity/enrolment-code.ts';
import { qrPicture } from './qr-picture.ts';

export const outcomeWords: Readonly<Record<AcceptanceOutcome, string>> = {
  accepted: 'Accepted',
  'accepted-with-doubts': 'Accepted with doubts',
  refused: 'Refused',
  incomplete: 'Incomplete: not accepted',
};

/** Pictures that stand beside the document. */
export interface SheetPictures {
  readonly picture: Buffer | undefined;
  readonly calibration: Buffer | undefined;
}

/** Pixels across at which a QR code is shown. */
const codeAcross = 180;

type Said = Omit<Acceptance, 'files'>;

/** Everything that the document says, for a person. Plain text throughout: whoever draws it escapes it. */
export function acceptanceSheet(document: Said, pictures: SheetPictures): Sheet {
  const { unit, outcome, test, at, by, faults, missing, doubts } = document;
  return {
    title: 'Acceptance of a unit',
    id: unit,
    charge: outcomeWords[outcome],
    place: `${test.site}, ${timeWords(at)}, by ${by.name}`,
    warnings: [...faults, ...missing, ...doubts.filter(({ answer }) => answer === null).map(({ says }) => says)],
    parts: [
      facts(document),
      ...parts('Doubts', doubtsOf(document)),
      ...parts('The unit tested itself', test.findings.map(findingOf)),
      ...parts('Lines, tried by hand', linesOf(document)),
      ...pictureParts(document, pictures),
      ...parts('Test evidence at the centre', evidenceOf(document)),
    ],
    footer: `${acceptanceFiles.document} beside this sheet is what ${by.name} signed with the key ${by.key.slice(0, 16)}, this sheet's hash in it. Check: atalaya-provision accept verify FOLDER --trust trust.json --root-key root.public.pem`,
    made: at,
  };
}

const timeWords = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

const parts = (title: string, findings: readonly SheetFinding[]): readonly SheetPart[] =>
  findings.length === 0 ? [] : [{ kind: 'findings', title, findings }];

function facts({ unit, test, by, began, at, program, identity, centre, clockAheadS }: Said): SheetPart {
  const { scene, configuration } = test;
  const some = (name: string, value: string | undefined | null): readonly (readonly [string, string])[] =>
    value === undefined || value === null ? [] : [[name, value]];
  return {
    kind: 'facts',
    title: 'Which unit, and who accepted it',
    facts: [
      ['Unit', unit],
      ['Site', test.site],
      ...some('Serial of the board', identity?.serial),
      ...some('Key', identity === null ? undefined : grouped(identity.fingerprint)),
      ...some('Key of its evidence', identity?.evidenceKey),
      ...some(
        'Certificate',
        identity?.certificate && `${identity.certificate.serial}, until ${timeWords(identity.certificate.expires)}`,
      ),
      ['Program of the unit', test.program],
      ...some('Scene', scene && `${scene.name}, ${scene.calibrated ? 'calibrated' : 'NOT calibrated'}`),
      ...some('SHA-256 of the scene', scene?.sha256),
      ...some('SHA-256 of the configuration', configuration),
      ['Tested', `${timeWords(test.at)} by the unit's clock`],
      ...some("Unit's clock ahead", clockAheadS === null ? undefined : `${clockAheadS} s at least`),
      ['Accepted by', by.role === null ? by.name : `${by.name}, ${by.role}`],
      ['Key of this person', by.key],
      ['From, until', `${timeWords(began)}, ${timeWords(at)}`],
      ...some('Centre', centre),
      ['Program that accepted', program],
    ],
    notes: identity === null ? ['Nobody compared serial and key of the unit: no --identity was given.'] : [],
  };
}

function findingOf({ check, subject, outcome, code, says, figures }: SelfTestFinding): SheetFinding {
  const bars = figures.flatMap(barOf);
  const measured = figures.map(({ name, value, unit }) => `${name} ${number(value)}${unitOf(unit)}`);
  return {
    name: subject === undefined ? check : `${check} (${subject})`,
    value: [outcome, ...measured].join(', '),
    against: bars.length === 0 ? undefined : bars.join(', '),
    says: `${says} (${code})`,
  };
}

function barOf({ name, least, most, unit }: SelfTestFigure): readonly string[] {
  const words = [
    ...(least === undefined ? [] : [`at least ${number(least)}`]),
    ...(most === undefined ? [] : [`at most ${number(most)}`]),
  ];
  return words.length === 0 ? [] : [`${name} ${words.join(' and ')}${unitOf(unit)}`];
}

const number = (value: number): string => String(Number(value.toPrecision(4)));
const unitOf = (unit: string): string => (unit === '1' ? '' : unit === 'Cel' ? ' °C' : ` ${unit}`);

function linesOf({ test, lines }: Said): readonly SheetFinding[] {
  return test.lines.map(({ name, role, direction }) => {
    const trial = lines.find((one) => one.name === name);
    return {
      name: `${direction} ${name} (${role})`,
      value: trial?.outcome ?? 'not tried',
      against: undefined,
      says: trial === undefined ? untriedWords(role) : `${trial.says}, ${timeWords(trial.at)}`,
    };
  });
}

const untriedWords = (role: string): string => (role === 'spare' ? 'nothing uses it' : 'nobody tried it');

function evidenceOf({ evidence }: Said): readonly SheetFinding[] {
  if (evidence === null) return [];
  const { id, outcome, says, checkpoint } = evidence;
  const root = checkpoint === null ? undefined : `the root ${checkpoint.root} over ${checkpoint.size} entries`;
  return [{ name: 'test evidence', value: `${id}, ${outcome}`, against: root, says }];
}

const doubtsOf = ({ doubts }: Said): readonly SheetFinding[] =>
  doubts.map(({ about, says, answer }) => ({
    name: about,
    value: answer === null ? 'open' : 'answered for',
    against: undefined,
    says: answer === null ? says : `${says} Answered: ${answer}`,
  }));

function pictureParts({ picture, identity }: Said, held: SheetPictures): readonly SheetPart[] {
  const shown: SheetPicture[] = [];
  if (picture !== null && held.picture !== undefined) {
    const judged =
      picture.good === null ? 'nobody judged it' : picture.good ? 'found sharp, showing the road' : 'found NOT good';
    shown.push({
      caption: `What the camera sees, bystanders masked, ${timeWords(picture.taken)}: ${judged}`,
      shown: { kind: 'picture', mediaType: 'image/jpeg', content: held.picture },
    });
  }
  if (held.calibration !== undefined) {
    shown.push({
      caption: 'The calibration, its residuals drawn ten times their length',
      shown: { kind: 'picture', mediaType: 'image/png', content: held.calibration },
    });
  }
  if (identity !== null) {
    shown.push({
      caption: 'Serial and fingerprint, as the page of the unit shows them',
      shown: {
        kind: 'picture',
        mediaType: 'image/png',
        content: qrPicture(enrolmentCodeModules(identity)),
        across: codeAcross,
      },
    });
  }
  return shown.length === 0 ? [] : [{ kind: 'pictures', title: 'Pictures', pictures: shown }];
}
