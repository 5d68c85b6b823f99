import type { PlateFile, PlateRead } from '../record/plate-file.ts';
import type { EvidenceFile, EvidenceRecord, PlatePicture } from '../record/record.ts';

/** What an opened plate file and its record say of one another. */
export interface PlateCheck {
  /** Of the frame that shows the plate best: where the record's track has the vehicle, in words; undefined where no place is known. */
  readonly onVehicle: string | undefined;
  /** How many reads say the stated text, and how many another one, with their weights, in words; undefined of an unread plate. */
  readonly counted: string | undefined;
  /** What contradicts itself or the record, a sentence each; none of them repeats a text that was read. */
  readonly doubts: readonly string[];
}

/** A read may lie so far outside of the detector's box, as a share of its size: crops are a little wider than the box. */
const around = 0.1;

type About = Pick<EvidenceRecord, 'files' | 'infraction' | 'auxiliary'>;

/**
 * Holds an opened plate file against itself and against the record: is the stated text the one that the counted reads say, and were they read
 * on the vehicle that the record's track has? The vote itself cannot be run again: what each frame gave to texts that it did not
 * read is not kept.
 */
export function checkPlate(plate: PlateFile, record: About): PlateCheck {
  const { frame, quad, vehicle } = plate;
  const inTrack = ofTrack(plate, record);
  return {
    onVehicle: frame === null || quad === null ? undefined : vehicleWords(frame, quad, vehicle, record),
    counted: plate.outcome === 'read' ? countedWords(plate.reads) : undefined,
    doubts: [
      ...inTrack,
      ...ofPictures(plate, record.files),
      ...(plate.outcome === 'read' ? ofReads(plate, record) : []),
    ],
  };
}

function ofTrack({ track }: PlateFile, { infraction }: About): string[] {
  if (track === infraction.track) return [];
  return [`the plate is that of track ${track}, the infraction that of track ${infraction.track}`];
}

const isPicture = (file: EvidenceFile): file is PlatePicture =>
  file.role === 'plate-crop' || file.role === 'plate-vehicle';

function ofPictures({ frame, time }: PlateFile, files: About['files']): string[] {
  return files
    .filter(isPicture)
    .filter((file) => file.frame !== frame || file.time.elapsedMs !== time?.elapsedMs || file.time.utc !== time.utc)
    .map(({ name }) => `${name} is of another frame or time than the plate`);
}

function ofReads(plate: Extract<PlateFile, { outcome: 'read' }>, { auxiliary: { track } }: About): string[] {
  const { text, characters, reads, omitted, said, frame } = plate;
  const counted = reads.filter(({ reason }) => reason === 'counted');
  const doubts: string[] = [];
  if (characters.map(({ character }) => character).join('') !== text) {
    doubts.push('its characters are not those of the stated text');
  }
  if (counted.some((read) => read.text !== text)) doubts.push('a read that is counted says another text');
  if (reads.some((read) => read.reason === 'outvoted' && read.text === text)) {
    doubts.push('a read that is outvoted says the stated text');
  }
  if (said === 'read' && omitted === 0 && !counted.some((read) => read.frame === frame)) {
    doubts.push(`frame ${frame} is said to read the text, and none of its reads is counted`);
  }
  const outside = counted.filter((read) => {
    const there = track.find((point) => point.frame === read.frame);
    return there !== undefined && !holds(there.box, read.quad);
  });
  if (outside.length > 0) {
    const frames = [...new Set(outside.map((read) => read.frame))].join(', ');
    doubts.push(`what is counted was read beside the vehicle, as the record's track has it: frame ${frames}`);
  }
  return doubts;
}

function vehicleWords(
  frame: number,
  quad: PlateRead['quad'],
  vehicle: PlateFile['vehicle'],
  { infraction, auxiliary: { track, omitted } }: About,
): string {
  const there = track.find((point) => point.frame === frame);
  if (there === undefined) {
    const last = track.at(-1)?.frame ?? frame;
    if (frame > last && vehicle !== null) {
      const [x, y, width, height] = vehicle;
      const side = holds({ x, y, width, height }, quad) ? 'inside of' : 'BESIDE';
      return `${side} the box that the unit states for it in that frame; the record's track ends before, with frame ${last}`;
    }
    const left = omitted === 0 ? '' : `; ${omitted} of its older boxes are left out`;
    return `not to be checked: the record's track has no box in that frame${left}`;
  }
  const { x, y, width, height } = there.box;
  const box = `(${[x, y].map(Math.round).join(', ')}), ${Math.round(width)} x ${Math.round(height)} pixels`;
  const part = there.track === infraction.track ? '' : `, then track ${there.track}`;
  return `${holds(there.box, quad) ? 'inside of' : 'BESIDE'} the box that the record's track has in that frame${part}: ${box}`;
}

function countedWords(reads: readonly PlateRead[]): string {
  const words = (reason: PlateRead['reason']) => {
    const those = reads.filter((read) => read.reason === reason);
    const weight = those.reduce((sum, read) => sum + read.weight, 0);
    return those.length === 0 ? 'none' : `${those.length}, weight ${weight.toFixed(2)} together`;
  };
  return `reads that say it: ${words('counted')}; that say another text: ${words('outvoted')}`;
}

/** Whether the middle of a quad lies in a box, or hardly outside of it. */
function holds({ x, y, width, height }: About['infraction']['box'], quad: PlateRead['quad']): boolean {
  const [across, down] = [0, 1].map((axis) => quad.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / quad.length);
  const within = (value = Number.NaN, from: number, size: number) =>
    value >= from - size * around && value <= from + size * (1 + around);
  return within(across, x, width) && within(down, y, height);
}
