import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPicture } from '../capture/read-picture.ts';
import { defaultConfig } from '../config/load-config.ts';
import type { Detector } from '../detect/detector.ts';
import { fraction } from '../kernel/units.ts';
import { loadFormats } from '../plate/formats/format.ts';
import type { VehicleCrop } from '../plate/plate-reader.ts';
import { defaultVoteSettings } from '../plate/vote/settings.ts';
import { openDetector } from '../unit/detector.ts';
import { foremost, type PhotoVehicle, readPhoto } from '../unit/photos.ts';
import { openReader } from '../unit/plates.ts';
import { noComponents } from '../unit/updates/components.ts';
import type { BenchContext, Figure } from './figure.ts';
import { plateTimes } from './plate-times.ts';

const THREADS = 2;
/** Vehicle crops of each set that are timed. */
const TIMED = 12;

interface Photo {
  readonly path: string;
  readonly plate: string;
}

interface PhotoSet {
  readonly name: string;
  /** National formats that the set's plates have. */
  readonly formats: readonly string[];
  readonly bar: string;
  /** Empty where the set is not there. */
  readonly photos: (data: string) => Promise<readonly Photo[]>;
}

const sets: readonly PhotoSet[] = [
  { name: 'chile-pai autos', formats: ['cl'], bar: 'at least 108 of 110', photos: chile },
  { name: 'openalpr br', formats: ['br'], bar: 'at least 52 of 58, goal 57', photos: (data) => openalpr(data, 'br') },
  { name: 'openalpr us', formats: ['us'], bar: 'at least 82 of 111, goal 105', photos: (data) => openalpr(data, 'us') },
];

/**
 * Photographs with known plates, each found, read and judged by itself as the unit does it: vehicles by the detector, the text region and
 * the text by the reader. Right: exactly the plate. Wrong: another text is stated. The rest is unread. Then the time for one vehicle crop.
 */
export async function benchPlates({ data, say }: BenchContext): Promise<readonly Figure[]> {
  if (data === undefined) {
    say('# plates: the photographs are not here; nothing was measured');
    return [];
  }
  const config = defaultConfig();
  await using open = new AsyncDisposableStack();
  const detector = await openDetector(config, { regions: 'auto' }, noComponents);
  open.defer(() => detector.close());
  const figures: Figure[] = [];
  for (const set of sets) {
    const photos = await set.photos(data);
    if (photos.length === 0) say(`# plates: ${set.name} is not here`);
    else figures.push(...(await setFigures(set, photos, detector, say)));
  }
  return figures;
}

async function setFigures(set: PhotoSet, photos: readonly Photo[], detector: Detector, say: BenchContext['say']) {
  const config = defaultConfig();
  const formats = await loadFormats(set.formats);
  await using open = new AsyncDisposableStack();
  const reader = await openReader({ plates: { ...config.plates, threads: THREADS } }, formats, noComponents);
  open.defer(() => reader.close());
  const vote = { ...defaultVoteSettings, leastConfidence: fraction(config.plates.leastConfidence) };
  const tally = { right: 0, wrong: 0, unread: 0 };
  const crops: VehicleCrop[] = [];
  for (const { path, plate } of photos) {
    const seen = await readPhoto({ detector, reader, vote }, await readPicture(path), 0, false);
    tally[outcomeOf(seen, plate)] += 1;
    const [first] = seen;
    if (first !== undefined && crops.length < TIMED) crops.push(first.crop);
  }
  say(`# plates: ${set.name}: ${tally.right} right, ${tally.wrong} wrong, ${tally.unread} unread of ${photos.length}`);
  const figure = (name: string, value: number, ratio?: string): Figure => ({
    section: 'plates',
    name: `${set.name}, ${name}`,
    value,
    unit: `of ${photos.length}`,
    ...(ratio === undefined ? {} : { ratio }),
  });
  return [
    figure('right', tally.right, set.bar),
    figure('wrong', tally.wrong, `at most ${Math.floor(0.02 * photos.length)} (2 %)`),
    figure('unread', tally.unread),
    ...(await plateTimes(set.name, crops, formats)),
  ];
}

function outcomeOf(seen: readonly PhotoVehicle[], truth: string): 'right' | 'wrong' | 'unread' {
  const plate = foremost(seen)?.plate;
  if (plate?.kind !== 'read') return 'unread';
  return plate.text === truth ? 'right' : 'wrong';
}

/** `n,auto,crop,plate`, one a line after the head. */
async function chile(data: string): Promise<readonly Photo[]> {
  const folder = join(data, 'plates-chile-pai');
  const table = join(folder, 'plates_hand_read.csv');
  if (!existsSync(table)) return [];
  const [, ...rows] = (await readFile(table, 'utf8')).trim().split('\n');
  return rows.flatMap((row) => {
    const [, auto, , plate] = row.trim().split(',');
    return auto === undefined || plate === undefined ? [] : [{ path: join(folder, auto), plate }];
  });
}

/** A text file beside each photograph: name, box and plate, separated by tabs. */
async function openalpr(data: string, country: string): Promise<readonly Photo[]> {
  const folder = join(data, 'plates-openalpr', country);
  if (!existsSync(folder)) return [];
  const texts = (await readdir(folder)).filter((name) => name.endsWith('.txt')).sort();
  const photos = await Promise.all(
    texts.map(async (name) => {
      const [file, , , , , plate] = (await readFile(join(folder, name), 'utf8')).trim().split('\t');
      return file === undefined || plate === undefined ? [] : [{ path: join(folder, file), plate }];
    }),
  );
  return photos.flat();
}
