import type { Box } from '../detect/detection.ts';
import { fixed } from '../kernel/numerals.ts';
import type { PlateFormat } from '../plate/formats/plate-format.ts';
import type { CharacterRead, RejectedRead } from '../plate/plate-reader.ts';
import type { TrackPlate } from '../plate/vote/track-plate.ts';
import { shown } from './opening.ts';
import type { Carrier, PhotoVehicle } from './photos.ts';

/** One photograph with all that was read on it. */
export interface Photo {
  /** Path as it was given. */
  readonly name: string;
  readonly picture: { readonly width: number; readonly height: number };
  /** The largest first. */
  readonly vehicles: readonly PhotoVehicle[];
  /** The vehicle whose plate is the photograph's. */
  readonly foremost: PhotoVehicle | undefined;
  /** Paths of the drawings, in the order of the vehicles. */
  readonly drawings: readonly string[];
}

/** Lower characters are often misread; the technician moves the camera, or narrows its view. */
const COMFORTABLE = 14;

/** What a technician reads of a photograph. */
export function photoLines(photo: Photo, formats: readonly PlateFormat[]): readonly string[] {
  const { name, picture, vehicles, drawings } = photo;
  return [
    `${name}  ${picture.width}x${picture.height}`,
    ...vehicles.flatMap(({ class: kind, box, sight, plate }, i) => [
      `  ${carrierName(kind)} at ${place(box)}`,
      `    ${plateWords(plate, formats)}`,
      ...(sight.read === undefined
        ? []
        : [`    ${characterWords(sight.read.characters)}, ${heightWords(sight.read.characterHeight)}`]),
      ...sight.rejected.map((one) => `    rejected, ${rejectedWords(one)}`),
      ...(drawings[i] === undefined ? [] : [`    drawn in ${shown(drawings[i])}`]),
    ]),
  ];
}

/** The same for a program, one object a photograph; `plate` is the photograph's own, null where it is unread. */
export function photoObject({ name, picture, vehicles, foremost, drawings }: Photo): object {
  return {
    file: name,
    width: picture.width,
    height: picture.height,
    plate: foremost === undefined ? null : plateObject(foremost.plate),
    vehicles: vehicles.map(({ class: kind, box, sight, plate }, i) => ({
      class: kind,
      box,
      ...plateObject(plate),
      ...(sight.read === undefined
        ? {}
        : {
            quad: sight.read.quad,
            characterHeight: sight.read.characterHeight,
            sharpness: sight.read.sharpness,
            alternatives: sight.read.alternatives,
          }),
      rejected: sight.rejected,
      ...(drawings[i] === undefined ? {} : { drawing: drawings[i] }),
    })),
  };
}

/** What the vote over all photographs says. */
export function voteLines(plate: TrackPlate, photos: number, formats: readonly PlateFormat[]): readonly string[] {
  return [
    `vote over ${photos} picture${photos === 1 ? '' : 's'}: ${plateWords(plate, formats)}`,
    ...plate.reads
      .filter(({ reason }) => reason === 'outvoted' || reason === 'counted')
      .map(({ frame, text, confidence }) => `  picture ${frame + 1} says ${text}, sure ${fixed(confidence, 2)}`),
  ];
}

export function voteObject(plate: TrackPlate, photos: number): object {
  return { vote: { photos, ...plateObject(plate) } };
}

function plateObject(plate: TrackPlate): object {
  if (plate.kind === 'unread') return { outcome: 'unread', reason: plate.reason };
  const { text, format, confidence, characters } = plate;
  return { outcome: 'read', text, format, confidence, characters };
}

function plateWords(plate: TrackPlate, formats: readonly PlateFormat[]): string {
  if (plate.kind === 'unread') return `UNREAD: ${plate.reason.replaceAll('-', ' ')}`;
  const { text, format, confidence } = plate;
  const title = formats.find(({ id }) => id === format)?.title ?? format;
  return `READ ${text}  sure ${fixed(confidence, 3)}  ${format}: ${title}`;
}

const characterWords = (characters: readonly CharacterRead[]): string =>
  characters.map(({ character, confidence }) => `${character} ${fixed(confidence, 2)}`).join('  ');

function rejectedWords({ reason, text, confidence, characterHeight, quad }: RejectedRead): string {
  const [corner] = quad;
  const said = text === '' ? 'nothing legible' : reason === 'no-format-fits' ? text : `${text} ${fixed(confidence, 2)}`;
  return `${reason.replaceAll('-', ' ')}: ${said}, ${fixed(characterHeight, 0)} px high, at ${fixed(corner.x, 0)},${fixed(corner.y, 0)}`;
}

const heightWords = (height: number): string =>
  height < COMFORTABLE
    ? `characters ${fixed(height, 0)} px high: ${COMFORTABLE} or more read better`
    : `characters ${fixed(height, 0)} px high`;

const carrierName = (kind: Carrier): string => (kind === 'picture' ? 'the whole picture' : kind);

const place = ({ x, y, width, height }: Box): string =>
  `${Math.round(x)},${Math.round(y)}, ${Math.round(width)}x${Math.round(height)}`;
