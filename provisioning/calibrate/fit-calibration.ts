import type { Point } from '../../device/scene/geometry.ts';
import { buildGroundPlane, type GroundPlane, type LensOfMarks, straightened } from '../../device/scene/ground-plane.ts';
import { fitHomography, type HomographyFit, jacobian, type PairError } from '../../device/scene/homography.ts';
import { type LensModel, lensBefore, lensFault, type PictureSize, perHalfDiagonal } from '../../device/scene/lens.ts';
import { behindHorizon, findCulprit } from './find-culprit.ts';
import { type FoundLens, findLens } from './find-lens.ts';
import type { PointsFile } from './points-schema.ts';
import { type NamedPair, type RoadPoints, roadPoints } from './road-points.ts';

/** The lens of a calibration, as the scene file states it. */
export interface LensFigures extends LensModel {
  readonly deviations: readonly (readonly [number, number])[];
  /** Where the figures are from. */
  readonly source: string;
}

export interface Calibration {
  readonly plane: GroundPlane;
  readonly points: RoadPoints;
  /** `undefined`: taken as straight. */
  readonly lens: LensFigures | undefined;
  /** What the lines said of the lens; `undefined` where none were drawn. */
  readonly found: FoundLens | undefined;
  readonly picture: PictureSize;
  readonly allowedPx: number;
  /** What a person should know before using it. */
  readonly remarks: readonly string[];
}

export type CalibrationOutcome =
  | { readonly ok: true; readonly calibration: Calibration }
  | {
      readonly ok: false;
      readonly says: readonly string[];
      /** The map that was refused for its residuals, so that a person can look where it goes wrong. */
      readonly refused?: { readonly plane: GroundPlane; readonly names: readonly string[]; readonly allowedPx: number };
    };

/**
 * Greatest residual of a point, in its own standard errors, and at least in pixels: the scene file's default; and of all of them together, as
 * their mean square over what the stated errors explain, which only a bent picture or errors stated too small exceed.
 */
const allowed = { sigmas: 4.5, px: 4, misfit: 4 } as const;

/** What each mark may miss in the picture: its own error, and that of its metres as the picture shows them; near the camera that is more. */
function allowedEach({ toImage }: HomographyFit, pairs: readonly NamedPair[], error: PairError): readonly number[] {
  return pairs.map(({ road }) => {
    const [[a, b], [c, d]] = jacobian(toImage, road);
    const sigma = Math.hypot(error.image, error.road * Math.max(Math.hypot(a, c), Math.hypot(b, d)));
    return Math.max(allowed.px, allowed.sigmas * sigma);
  });
}

/**
 * Fits the map from the picture to the road to the marks of a file, with the very fit that the unit measures with, and refuses in words
 * what cannot be measured with. `picture` is the size of the picture that the points were read from.
 */
export function fitCalibration(file: PointsFile, picture: PictureSize): CalibrationOutcome {
  const refused = (...says: string[]): CalibrationOutcome => ({ ok: false, says });
  const outside = outsideOf(file, picture);
  if (outside !== undefined) return refused(outside);
  const pixelError = file.pixelError ?? 1;
  const lens = lensOf(file, picture, pixelError);
  if (!lens.ok) return refused(lens.says);
  const marks = lens.figures && lensOfMarks(lens.figures, picture);
  const points = roadPoints(file, picture, marks?.lens);
  if (!points.ok) return refused(points.says);
  const { pairs, error } = points.points;
  const loose = buildGroundPlane(pairs, error, Number.POSITIVE_INFINITY, picture, marks);
  const each = loose.ok ? allowedEach(loose.plane.fit, pairs, error) : [];
  const allowedPx = Math.ceil(10 * Math.max(allowed.px, ...each)) / 10;
  const built = buildGroundPlane(pairs, error, allowedPx, picture, marks);
  const tooFar = loose.ok && loose.plane.fit.residuals.some(({ px }, i) => px > (each[i] ?? allowed.px));
  const tooMany = loose.ok && loose.plane.fit.freedom >= 4 && (loose.plane.fit.misfit ?? 0) > allowed.misfit;
  if (!built.ok || tooFar || tooMany) {
    const reason = built.ok ? tooFarWords(built.plane.fit, pairs, each) : built.reason;
    const says = whyRefused(reason, pairs, points.points, allowedPx, marks);
    const names = pairs.map(({ name }) => name);
    return { ok: false, says, ...(loose.ok && { refused: { plane: loose.plane, names, allowedPx: allowed.px } }) };
  }
  const remarks = [...points.points.remarks, ...lens.remarks, ...doubtsOf(built.plane, pairs, picture)];
  return {
    ok: true,
    calibration: {
      plane: built.plane,
      points: points.points,
      lens: lens.figures,
      found: lens.found,
      picture,
      allowedPx,
      remarks,
    },
  };
}

function tooFarWords(
  { residuals, misfit }: HomographyFit,
  pairs: readonly NamedPair[],
  each: readonly number[],
): string {
  const words = pairs.flatMap(({ name }, i) => {
    const { px, m } = residuals[i] ?? { px: 0, m: 0 };
    const most = each[i] ?? allowed.px;
    return px > most ? [`point ${name} by ${px.toFixed(1)} px, ${m.toFixed(2)} m (${most.toFixed(1)} px allowed)`] : [];
  });
  if (words.length > 0) return `residuals are too large for the stated errors: ${words.join('; ')}`;
  const times = Math.sqrt(misfit ?? 0).toFixed(1);
  return `residuals are ${times} times as large as the stated errors explain, all together: state pixelError and roadError as they are`;
}

type Wheels = NonNullable<PointsFile['vehicle']>['positions'][number];

const wheelsOf = (wheels: Wheels): readonly Point[] => Object.values(wheels).filter((point) => point !== undefined);

function outsideOf(file: PointsFile, { width, height }: PictureSize): string | undefined {
  const isOutside = ({ x, y }: Point): boolean => !(x >= 0 && y >= 0 && x <= width && y <= height);
  const named: readonly (readonly [string, Point])[] = [
    ...(file.plan ?? []).map((one, i) => [`point ${one.name ?? i + 1}`, one.image] as const),
    ...(file.markings?.points ?? []).map((one, i) => [`point ${one.name ?? i + 1}`, one.image] as const),
    ...(file.vehicle?.positions ?? []).flatMap((wheels, i) =>
      wheelsOf(wheels).map((one) => [`a wheel of position ${i + 1}`, one] as const),
    ),
    ...(file.lines ?? []).flatMap((line, i) => line.map((one) => [`a point of line ${i + 1}`, one] as const)),
  ];
  const [what, at] = named.find(([, point]) => isOutside(point)) ?? [];
  if (what === undefined || at === undefined) return undefined;
  return `${what} at (${at.x}, ${at.y}) lies outside of the picture of ${width} x ${height}: were the points read from another picture?`;
}

type LensOutcome =
  | {
      readonly ok: true;
      readonly figures: LensFigures | undefined;
      readonly found: FoundLens | undefined;
      readonly remarks: readonly string[];
    }
  | { readonly ok: false; readonly says: string };

function lensOf(file: PointsFile, picture: PictureSize, pixelError: number): LensOutcome {
  if (file.lens !== undefined) return lensOfSheet(file.lens, picture);
  if (file.lines === undefined) {
    const remark =
      'The lens is taken as straight. Draw three lines or more along things that are straight, or give its figures, to know.';
    return { ok: true, figures: undefined, found: undefined, remarks: [remark] };
  }
  const needed = [
    ...(file.plan ?? []).map(({ image }) => image),
    ...(file.markings?.points ?? []).map(({ image }) => image),
    ...(file.vehicle?.positions ?? []).flatMap(wheelsOf),
  ];
  const outcome = findLens(file.lines, picture, pixelError, needed);
  if (outcome.kind === 'refused') return { ok: false, says: outcome.says };
  const { lens } = outcome;
  const by = `${lens.bendPx.toFixed(1)} px (±${lens.bendErrorPx.toFixed(1)} px)`;
  if (outcome.kind === 'straight') {
    const remark = `The lens moves no mark by more than ${by}: it is taken as straight.`;
    return { ok: true, figures: undefined, found: lens, remarks: [remark] };
  }
  const { model, deviations } = lens;
  const source = `found from ${file.lines.length} straight lines`;
  const remark = `The lens moves marks by up to ${by}; straight lines were off by ${lens.deliveredPx.toFixed(1)} px and are now by ${lens.residualPx.toFixed(1)} px.`;
  return { ok: true, figures: { ...model, deviations, source }, found: lens, remarks: [remark] };
}

function lensOfSheet(
  { k1, k2 = 0, focal, error = 0, source }: NonNullable<PointsFile['lens']>,
  picture: PictureSize,
): LensOutcome {
  const ours = (model: LensModel): LensModel => {
    const { k1: a, k2: b } = focal === undefined ? model : perHalfDiagonal(model, focal, picture);
    return { k1: Math.round(a * 1e6) / 1e6, k2: Math.round(b * 1e6) / 1e6 };
  };
  const model = ours({ k1, k2 });
  const fault = lensFault(model);
  if (fault !== undefined) return { ok: false, says: fault };
  const moved = ours({ k1: k1 + error, k2 });
  const deviations = error === 0 ? [] : [[moved.k1 - model.k1, 0] as const];
  const remarks = error === 0 ? ['The figures of the lens are taken as exact; give `error` if they are not.'] : [];
  return { ok: true, figures: { ...model, deviations, source }, found: undefined, remarks };
}

export function lensOfMarks({ k1, k2, deviations }: LensFigures, picture: PictureSize): LensOfMarks {
  return {
    lens: lensBefore({ k1, k2 }, picture),
    moved: deviations.map(([d1, d2]) => lensBefore({ k1: k1 + d1, k2: k2 + d2 }, picture)),
  };
}

/** Where one mark or two explain it, that first and the rest in short; else the fit's own reason, and what it may come from. */
function whyRefused(
  reason: string,
  drawn: readonly NamedPair[],
  { error }: RoadPoints,
  allowedPx: number,
  marks: LensOfMarks | undefined,
): readonly string[] {
  const straight = marks === undefined ? drawn : straightened(drawn, marks.lens);
  const pairs = straight.map((pair, i) => ({ ...pair, name: drawn[i]?.name ?? `${i + 1}` }));
  const culprit = findCulprit(pairs, error, allowedPx);
  const fit = fitHomography(pairs, error);
  if (culprit !== undefined) return [`${culprit.says}.`, `As it is, ${inShort(reason, fit, pairs, allowedPx)}.`];
  const behind = fit === undefined ? [] : behindHorizon(fit, pairs);
  const numbers = pairs.some(({ name }, i) => name !== `${i + 1}`);
  const names = numbers ? [`Numbers above count from 1 in the order of the file.`] : [];
  return [
    reason,
    ...(behind.length > 0
      ? [`Point ${behind.join(', ')} would lie behind the horizon, where there is no road: check it first.`]
      : []),
    ...(pairs.length < 6 && /residuals/.test(reason)
      ? ['With six points or more the one that is wrong could be named: add some.']
      : []),
    ...(marks === undefined && pairs.length >= 6 && /residuals/.test(reason)
      ? ['No single point explains it. If straight lines look bent in the picture it is the lens: draw `lines`.']
      : []),
    ...names,
  ];
}

/** The fit's reason without a figure for every mark. */
function inShort(
  reason: string,
  fit: HomographyFit | undefined,
  pairs: readonly NamedPair[],
  allowedPx: number,
): string {
  if (/crossed order/.test(reason)) return 'the points turn one way in the picture and another on the road';
  const worst = fit?.residuals.map(({ px }, i) => ({ px, name: pairs[i]?.name })).toSorted((a, b) => b.px - a.px)[0];
  if (worst === undefined || !/^residuals are too large/.test(reason)) return reason;
  return `residuals are too large, the largest at point ${worst.name}: ${worst.px.toFixed(1)} px, and ${allowedPx} px are allowed`;
}

function doubtsOf(plane: GroundPlane, pairs: readonly NamedPair[], { height }: PictureSize): readonly string[] {
  const { freedom, misfit } = plane.fit;
  const ys = pairs.map(({ image }) => image.y);
  const span = Math.max(...ys) - Math.min(...ys);
  return [
    ...(freedom === 0
      ? ['With four points the map passes through all of them and no mistake shows: add at least two.']
      : []),
    ...(misfit !== undefined && misfit > 2
      ? [
          `Residuals are ${Math.sqrt(misfit).toFixed(1)} times as large as the stated errors explain; the uncertainty of every speed was enlarged by that.`,
        ]
      : []),
    ...(misfit !== undefined && freedom >= 8 && misfit < 0.1
      ? ['Residuals are far smaller than the stated errors: were these points computed rather than read off?']
      : []),
    ...(span < 0.25 * height
      ? ['The points span less than a quarter of the picture in height: measure speed only between them.']
      : []),
    ...(plane.viewpoint === undefined
      ? ['The place of the camera does not follow from the points; heights of vehicles are not used.']
      : []),
  ];
}
