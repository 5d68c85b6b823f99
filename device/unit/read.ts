import { mkdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { readPicture } from '../capture/read-picture.ts';
import { defaultConfig, loadConfig } from '../config/load-config.ts';
import { AtalayaError, explain, isAtalayaError } from '../kernel/errors.ts';
import { fraction } from '../kernel/units.ts';
import { loadFormats } from '../plate/formats/format.ts';
import { defaultVoteSettings } from '../plate/vote/settings.ts';
import { drawPlates } from '../report/draw-plates.ts';
import { writeReason } from '../report/write-reason.ts';
import { loadScene } from '../scene/load-scene.ts';
import { openDetector } from './detector.ts';
import { foremost, type PhotoVehicle, readPhoto, voteOnPhotos } from './photos.ts';
import { openReader } from './plates.ts';
import { type Photo, photoLines, photoObject, voteLines, voteObject } from './read-words.ts';
import { openComponents } from './updates/components.ts';

/** What `atalaya-unit read` was asked for, as it stands on the command line. */
export interface ReadRequest {
  readonly config?: string;
  readonly scene?: string;
  /** Ids, separated by commas. */
  readonly formats?: string;
  /** Takes each picture for one vehicle. */
  readonly whole?: boolean;
  /** Takes all pictures for pictures of one vehicle, and votes. */
  readonly vote?: boolean;
  /** Folder of the drawings. */
  readonly annotated?: string;
  readonly json?: boolean;
}

/**
 * Reads the plates of photographs and says what was found, read, voted and rejected. A photograph that cannot be decoded is told on
 * `complain` and does not keep the others from being read.
 *
 * Returns false where there was such a one. Throws `usage-invalid`, `config-invalid`, `scene-invalid`, and what bundles and engine are
 * refused with.
 */
export async function readUnit(
  images: readonly string[],
  request: ReadRequest,
  say: Writable,
  complain: Writable,
): Promise<boolean> {
  const config = request.config === undefined ? defaultConfig() : await loadConfig(request.config);
  const formats = await loadFormats(await formatIds(request, config.scene));
  const folder = request.annotated === undefined ? undefined : await madeFolder(resolve(request.annotated));
  const vote = { ...defaultVoteSettings, leastConfidence: fraction(config.plates.leastConfidence) };
  const tell = (lines: readonly string[], object: object) =>
    say.write(`${request.json === true ? JSON.stringify(object) : lines.join('\n')}\n`);
  const { ATALAYA_COMPONENTS: beside } = process.env;
  const components = await openComponents(beside);
  await using open = new AsyncDisposableStack();
  const detector = await openDetector(config, { regions: 'auto' }, components);
  open.defer(() => detector.close());
  const reader = await openReader(config, formats, components);
  open.defer(() => reader.close());
  const photos: (readonly PhotoVehicle[])[] = [];
  let whole = true;
  for (const [sequence, name] of images.entries()) {
    try {
      const picture = await readPicture(name);
      const vehicles = await readPhoto({ detector, reader, vote }, picture, sequence, request.whole === true);
      photos.push(vehicles);
      const drawings = folder === undefined ? [] : await drawAll(vehicles, folder, name, sequence);
      const photo: Photo = { name, picture, vehicles, foremost: foremost(vehicles), drawings };
      tell(photoLines(photo, formats), photoObject(photo));
    } catch (error) {
      if (!isAtalayaError(error, 'frame-damaged') && !isAtalayaError(error, 'source-missing')) throw error;
      complain.write(`${explain(error)}\n`);
      whole = false;
    }
  }
  if (request.vote === true && photos.length > 0) {
    const plate = voteOnPhotos(photos, vote);
    tell(voteLines(plate, photos.length, formats), voteObject(plate, photos.length));
  }
  return whole;
}

async function formatIds(request: ReadRequest, configured: string | undefined): Promise<readonly string[]> {
  if (request.formats !== undefined) {
    return request.formats
      .split(',')
      .map((id) => id.trim().toLowerCase())
      .filter((id) => id !== '');
  }
  const scene = request.scene ?? configured;
  const ids = scene === undefined ? undefined : (await loadScene(scene)).plates?.formats;
  if (ids !== undefined) return ids;
  throw new AtalayaError('usage-invalid', 'nothing says which plates to expect', {
    hint: 'Give --formats, such as --formats cl,ar-mercosur, or --scene with a scene that names plates.formats.',
  });
}

async function madeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw new AtalayaError('usage-invalid', `the folder ${folder} cannot be made: ${writeReason(error)}`, {
      hint: 'Give --annotated a folder that you may write to.',
      cause: error,
    });
  }
}

/** One drawing a vehicle, named after the photograph and its place in the call, since two photographs may have one name. */
async function drawAll(
  vehicles: readonly PhotoVehicle[],
  folder: string,
  name: string,
  sequence: number,
): Promise<readonly string[]> {
  const stem = basename(name, extname(name));
  const drawings: string[] = [];
  for (const [i, { crop, sight }] of vehicles.entries()) {
    const path = join(folder, `${sequence + 1}-${stem}-${i + 1}.png`);
    await drawPlates(crop, sight, path);
    drawings.push(path);
  }
  return drawings;
}
