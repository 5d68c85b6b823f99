import { resolve } from 'node:path';
import { readPicture } from '../../../device/capture/read-picture.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { parse } from '../../../device/kernel/schema.ts';
import type { PictureSize } from '../../../device/scene/lens.ts';
import type { Scene } from '../../../device/scene/scene.ts';
import { type Calibration, fitCalibration } from '../../calibrate/fit-calibration.ts';
import { fitJson, fitText } from '../../calibrate/fit-words.ts';
import { pointsSchema } from '../../calibrate/points-schema.ts';
import { withCalibration } from '../../calibrate/write-calibration.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { checkOutput, writeOutput } from '../write-output.ts';
import { drawCalibration } from './draw-calibration.ts';
import { readText, yamlOf } from './small-files.ts';

export interface FitFlags {
  readonly points: string;
  readonly scene: string;
  readonly picture?: string;
  readonly out?: string;
  readonly drawing?: string;
  readonly json?: boolean;
}

/** `calibrate fit`: nothing is written before everything fits. */
export async function fitPoints(flags: FitFlags, io: ProvisionIo): Promise<void> {
  if (flags.drawing !== undefined && flags.picture === undefined) {
    throw new AtalayaError('usage-invalid', '--drawing needs the picture to draw on', { hint: 'Add --picture FILE.' });
  }
  if (
    flags.out !== undefined &&
    [flags.points, flags.picture].some((path) => path !== undefined && resolve(path) === resolve(flags.out ?? ''))
  ) {
    throw new AtalayaError('usage-invalid', `--out ${flags.out} would be written over what it is made from`);
  }
  if (flags.drawing !== undefined && !/\.png$/i.test(flags.drawing)) {
    throw new AtalayaError('usage-invalid', `the drawing is a PNG; ${flags.drawing} does not end in .png`);
  }
  for (const path of [flags.out, flags.drawing]) if (path !== undefined) await checkOutput(path);
  const file = parse(
    pointsSchema,
    yamlOf(await readText(flags.points, 'the file of points'), flags.points),
    flags.points,
    'usage-invalid',
  );
  const sceneText = await readText(flags.scene, 'the scene file');
  const photo = flags.picture === undefined ? undefined : await readPicture(flags.picture);
  const size = sizeOf(file.picture, photo);
  const outcome = fitCalibration(file, size);
  if (!outcome.ok) {
    const { refused } = outcome;
    const isDrawn = refused !== undefined && photo !== undefined && flags.drawing !== undefined;
    if (isDrawn) await drawCalibration({ ...refused, lines: file.lines ?? [] }, photo, flags.drawing);
    throw new AtalayaError('scene-invalid', `these points give no calibration:\n${indented(outcome.says)}`, {
      hint: `Correct the points named above; the scene was not written.${isDrawn ? ` Look at ${flags.drawing}: what is red is off.` : ''}`,
    });
  }
  const { calibration } = outcome;
  const written = withCalibration(sceneText, flags.scene, calibration, file.date);
  if (flags.drawing !== undefined && photo !== undefined) {
    const { plane, points, allowedPx } = calibration;
    const names = points.pairs.map(({ name }) => name);
    const lines = file.lines ?? [];
    await drawCalibration({ plane, names, lines, allowedPx }, photo, flags.drawing);
  }
  if (flags.out !== undefined) await writeOutput(flags.out, written.text);
  report(calibration, written.scene, flags, io);
}

function report(calibration: Calibration, scene: Scene, flags: FitFlags, io: ProvisionIo): void {
  if (flags.json === true) io.out.write(`${JSON.stringify(fitJson(calibration), null, 2)}\n`);
  else say(io.out, fitText(calibration));
  if (flags.drawing !== undefined) say(io.err, `drawn: ${flags.drawing}. Look whether the grid lies on the road.`);
  const [read, drawn] = [words(calibration.picture), words(scene.picture)];
  say(io.err, `points of a picture of ${read}${read === drawn ? '' : `, put into the scene as of its own, ${drawn}`}`);
  say(
    io.err,
    flags.out === undefined
      ? 'Nothing was written: give --out for the scene with this calibration.'
      : `written: ${flags.out}. A certificate of the calibration before is no longer named in it.`,
  );
}

/** Never that of the scene: a snapshot may be smaller than the picture that the scene was drawn on, and its points would all be off. */
function sizeOf(stated: PictureSize | undefined, photo: PictureSize | undefined): PictureSize {
  if (stated !== undefined && photo !== undefined && words(stated) !== words(photo)) {
    throw new AtalayaError(
      'scene-mismatch',
      `the points were read from a picture of ${words(stated)}, and the one given has ${words(photo)}`,
      { hint: 'Give the picture that the points were read from.' },
    );
  }
  const size = stated ?? photo;
  if (size !== undefined) return { width: size.width, height: size.height };
  throw new AtalayaError('usage-invalid', 'nothing says which picture the points were read from', {
    hint: 'Give --picture FILE, or its size in the file of points: picture: { width: 1920, height: 1080 }',
  });
}

const words = ({ width, height }: PictureSize): string => `${width} x ${height}`;
const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');
