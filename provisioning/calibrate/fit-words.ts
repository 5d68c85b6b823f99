import type { GroundPlane } from '../../device/scene/ground-plane.ts';
import type { Calibration } from './fit-calibration.ts';

/** A calibration in words, for the one who made it. */
export function fitText(calibration: Calibration): string {
  const { plane, points, lens, remarks, allowedPx } = calibration;
  const { residuals, misfit, freedom } = plane.fit;
  const wide = Math.max(...points.pairs.map(({ name }) => name.length), 5);
  const rows = points.pairs.map(({ name, image, road }, i) => {
    const { px = 0, m = 0 } = residuals[i] ?? {};
    const place = `(${image.x.toFixed(1)}, ${image.y.toFixed(1)})`.padEnd(18);
    const metres = `(${road.x.toFixed(2)}, ${road.y.toFixed(2)}) m`.padEnd(20);
    return `  ${name.padEnd(wide)}  ${place} ${metres} off by ${px.toFixed(2)} px, ${(m * 100).toFixed(1)} cm`;
  });
  const share = lengthError(plane);
  const { image, road, scale = 0 } = points.error;
  return [
    `${points.pairs.length} points: ${points.source}`,
    ...rows,
    `greatest residual ${Math.max(...residuals.map(({ px }) => px)).toFixed(2)} px, ${allowedPx} px allowed; ${freedom} checks beyond what the map needs`,
    `errors taken: ${image} px, ${(road * 100).toFixed(1)} cm, ${(scale * 100).toFixed(2)} % of every length`,
    ...(misfit === undefined ? [] : [`residuals are ${Math.sqrt(misfit).toFixed(2)} times what these errors explain`]),
    ...(lens === undefined ? [] : [`lens k1 ${lens.k1}, k2 ${lens.k2}: ${lens.source}`]),
    ...(plane.viewpoint === undefined
      ? []
      : [`the camera stands ${plane.viewpoint.above.toFixed(1)} m above the road: is that so?`]),
    ...(share === undefined
      ? []
      : [
          `a length along the middle of the points is known to ${(share * 100).toFixed(2)} %: ${(share * 50).toFixed(2)} km/h at 50 km/h (1 sigma), from the calibration alone`,
        ]),
    ...remarks.map((remark) => `note: ${remark}`),
  ].join('\n');
}

/** The same for programs. */
export function fitJson(calibration: Calibration): object {
  const { plane, points, lens, found, remarks, picture, allowedPx } = calibration;
  return {
    picture,
    source: points.source,
    points: points.pairs.map((pair, i) => ({ ...pair, ...plane.fit.residuals[i] })),
    error: points.error,
    misfit: plane.fit.misfit ?? null,
    freedom: plane.fit.freedom,
    allowedPx,
    lens: lens ?? null,
    lensFit: found ?? null,
    viewpoint: plane.viewpoint ?? null,
    lengthError: lengthError(plane) ?? null,
    remarks,
  };
}

/**
 * Standard error of a length in the middle half of the marked road, as a share of it: what the calibration adds to a speed that is
 * measured there. `undefined` where the marks have no extent along the road.
 */
export function lengthError(plane: GroundPlane): number | undefined {
  const roads = plane.fit.pairs.map(({ road }) => road);
  const x = (Math.min(...roads.map((one) => one.x)) + Math.max(...roads.map((one) => one.x))) / 2;
  const [near, far] = [Math.min(...roads.map((one) => one.y)), Math.max(...roads.map((one) => one.y))];
  const ends = [0.25, 0.75].map((share) => plane.toImage({ x, y: near + share * (far - near) }));
  const lengthBy = (by: GroundPlane): number | undefined => {
    const [a, b] = ends.map((end) => by.toRoad(end));
    return a === undefined || b === undefined ? undefined : Math.hypot(a.x - b.x, a.y - b.y);
  };
  const length = lengthBy(plane);
  if (length === undefined || !(length > 0)) return undefined;
  const moves = plane.variations().map((moved) => ((lengthBy(moved) ?? length) - length) / length);
  return Math.hypot(...moves);
}
