import { bars } from './bars.ts';
import type { SelfTestFigure, SelfTestFinding } from './contract/self-test-report.ts';
import type { CameraFacts, PictureFigures, ReferenceFacts, Size } from './facts.ts';
import { above, below, passed, percent, rounded, troubled, untested } from './findings.ts';

type Seen = Extract<CameraFacts, { readonly kind: 'seen' }>;

/** Whether the camera delivers what was asked for, and sees something. */
export function judgeCamera(camera: CameraFacts, picture: PictureFigures | undefined): readonly SelfTestFinding[] {
  const check = 'camera';
  if (camera.kind === 'unavailable') return [troubled('failed', 'camera-unavailable', { check, says: camera.says })];
  if (camera.kind === 'ended') return [untested('camera-ended', { check, says: camera.says })];
  const figures = cameraFigures(camera);
  if (camera.frames === 0) {
    const says = `No frame came within ${rounded(camera.seconds)} s.`;
    return [troubled('failed', 'camera-unavailable', { check, says, figures })];
  }
  const faults = [sizeFault(camera), rateFault(camera), damageFault(camera), coveredFault(picture)].flatMap(
    (found): SelfTestFinding[] => (found === undefined ? [] : [{ ...found, figures: found.figures.concat(figures) }]),
  );
  if (faults.length > 0) return faults;
  const says = `${camera.frames} frames of ${shown(camera.size)} in ${rounded(camera.seconds)} s.`;
  return [passed('camera-good', { check, says, figures })];
}

/** Whether a picture is covered: then nothing else can be said of it. */
export const isCovered = ({ spread }: PictureFigures): boolean => spread < bars.camera.coveredSpread;

const shown = ({ width, height }: Size): string => `${width} x ${height}`;

function cameraFigures({ seconds, frames, damaged, nominal }: Seen): SelfTestFigure[] {
  const { leastRate, rate } = bars.camera;
  return [
    {
      name: 'frames a second',
      value: frames / Math.max(seconds, 0.001),
      unit: 'frames/s',
      least: Math.max(leastRate, rounded((nominal ?? 0) * rate.doubt)),
    },
    { name: 'damaged frames', value: damaged, unit: '1' },
  ].map((one) => ({ ...one, value: rounded(one.value) }));
}

function sizeFault({ size, scene }: Seen): SelfTestFinding | undefined {
  // Another size of the same shape is scaled; another shape is another view.
  const isSame = Math.abs(size.width / size.height - scene.width / scene.height) < 0.01;
  if (isSame) return undefined;
  const says = `The camera delivers ${shown(size)}; the scene was drawn on ${shown(scene)}.`;
  return troubled('failed', 'camera-size', { check: 'camera', says });
}

function rateFault({ frames, seconds, nominal }: Seen): SelfTestFinding | undefined {
  const { leastRate, rate } = bars.camera;
  const found = frames / Math.max(seconds, 0.001);
  const tooFew = found < Math.min(leastRate, nominal ?? leastRate) * rate.doubt;
  const worst = tooFew ? 'failed' : nominal === undefined ? 'passed' : below(found / nominal, rate);
  if (worst === 'passed') return undefined;
  const asked = nominal === undefined ? '' : ` of the ${rounded(nominal)} that were asked for`;
  const says = `${rounded(found)} frames a second${asked}; evidence needs ${leastRate}.`;
  return troubled(worst, 'camera-slow', { check: 'camera', says });
}

function damageFault({ frames, damaged }: Seen): SelfTestFinding | undefined {
  const share = damaged / (frames + damaged);
  const worst = above(share, bars.camera.damaged);
  if (worst === 'passed') return undefined;
  const says = `${damaged} of ${frames + damaged} frames could not be decoded (${percent(share)}).`;
  const figures = [{ name: 'damaged share', value: share * 100, unit: '%', most: bars.camera.damaged.doubt * 100 }];
  return troubled(worst, 'camera-damaged', { check: 'camera', says, figures });
}

function coveredFault(picture: PictureFigures | undefined): SelfTestFinding | undefined {
  if (picture === undefined || !isCovered(picture)) return undefined;
  const dark = picture.mean < 30 ? 'black' : picture.mean > 225 ? 'white' : 'of one grey';
  const says = `The picture is ${dark} all over: the lens is covered, or the camera sees no light.`;
  const figures = [{ name: 'contrast', value: picture.spread, unit: '1', least: bars.camera.coveredSpread }];
  return troubled('failed', 'camera-covered', { check: 'camera', says, figures });
}

/** Whether the picture is sharp: by the calibration's own pictures where they are found again, else by itself. */
export function judgeFocus(picture: PictureFigures | undefined, reference: ReferenceFacts): SelfTestFinding {
  const check = 'focus';
  if (picture === undefined || isCovered(picture)) return untested('picture-untold', { check, says: unseen(picture) });
  const detail = reference.kind === 'compared' ? reference.detail : undefined;
  const blur = { name: 'blur', value: picture.blur, unit: '1', most: bars.blur.doubt };
  if (detail !== undefined) {
    const figures = [{ name: 'detail left', value: detail * 100, unit: '%', least: bars.detail.doubt * 100 }, blur];
    const worst = below(detail, bars.detail);
    const says = `${percent(detail)} of the fine detail that the calibration saw is there.`;
    if (worst === 'passed') return passed('focus-good', { check, says, figures });
    return troubled(worst, 'focus-soft', { check, says, figures });
  }
  const worst = above(picture.blur, bars.blur);
  const figures = [blur];
  if (worst === 'passed') return passed('focus-good', { check, says: 'Edges are sharp.', figures });
  const says = worst === 'failed' ? 'The picture is blurred.' : 'The picture is soft.';
  return troubled(worst, 'focus-soft', { check, says, figures });
}

/** Whether light and dark can be told apart. */
export function judgeExposure(picture: PictureFigures | undefined): SelfTestFinding {
  const check = 'exposure';
  if (picture === undefined || isCovered(picture)) return untested('picture-untold', { check, says: unseen(picture) });
  const { black, white, mean } = picture;
  const figures = [
    { name: 'brightness', value: (mean / 255) * 100, unit: '%' },
    { name: 'black', value: black * 100, unit: '%', most: bars.exposure.black.doubt * 100 },
    { name: 'white', value: white * 100, unit: '%', most: bars.exposure.white.doubt * 100 },
  ];
  const bright = above(white, bars.exposure.white);
  if (bright !== 'passed') {
    return troubled(bright, 'exposure-bright', { check, says: `${percent(white)} of the picture is white.`, figures });
  }
  const dark = above(black, bars.exposure.black);
  if (dark !== 'passed') {
    return troubled(dark, 'exposure-dark', { check, says: `${percent(black)} of the picture is black.`, figures });
  }
  return passed('exposure-good', { check, says: 'Light and dark can be told apart.', figures });
}

const unseen = (picture: PictureFigures | undefined): string =>
  picture === undefined ? 'There is no picture to look at.' : 'The picture is covered: nothing can be said of it.';

/** Whether the camera stands where it was calibrated. */
export function judgePlace(reference: ReferenceFacts, drawn: boolean): SelfTestFinding {
  const check = 'place';
  if (!drawn)
    return troubled('failed', 'scene-empty', {
      check,
      says: 'Nothing is drawn in the scene: nobody is judged or counted.',
    });
  switch (reference.kind) {
    case 'none':
      return untested('place-no-references', {
        check,
        says: 'The configuration names no references of the calibration.',
      });
    case 'unusable':
      return troubled('failed', 'references-unusable', { check, says: reference.says });
    case 'compared':
      return judgeShift(reference);
  }
}

function judgeShift({
  patches,
  seen,
  agreeing,
  shiftPx,
  allowedPx,
}: Extract<ReferenceFacts, { readonly kind: 'compared' }>): SelfTestFinding {
  const check = 'place';
  const sights = [
    { name: 'references seen', value: seen, unit: '1' },
    { name: 'references there are', value: patches, unit: '1' },
  ];
  if (shiftPx === undefined) {
    const says = `${seen} of ${patches} places of the calibration are found again, ${agreeing} of them agree: too few to tell.`;
    return troubled('doubtful', 'place-unseen', { check, says, figures: sights });
  }
  const figures = [{ name: 'shift', value: shiftPx, unit: 'px', most: rounded(allowedPx) }, ...sights];
  const says = `The picture lies ${rounded(shiftPx)} px from where it was calibrated.`;
  const worst = above(shiftPx, { doubt: allowedPx, fail: allowedPx * bars.place.fail });
  if (worst === 'passed') return passed('place-good', { check, says, figures });
  return troubled(worst, 'camera-moved', { check, says, figures });
}
