import sharp from 'sharp';
import type { RgbPicture } from '../../../device/capture/to-rgb.ts';
import { tag } from '../../../device/evidence/pictures/annotate.ts';
import type { Point, Polyline } from '../../../device/scene/geometry.ts';
import type { GroundPlane } from '../../../device/scene/ground-plane.ts';
import { metreGrid } from '../../calibrate/metre-grid.ts';
import { writeOutput } from '../write-output.ts';

const colours = { grid: '#00c8ff', far: '#0090c0', mark: '#40ff40', bad: '#ff4040', line: '#ffd400' } as const;

/** What is drawn over the picture. */
export interface CalibrationDrawing {
  readonly plane: GroundPlane;
  /** Names of the marks, in the order of the fit's pairs. */
  readonly names: readonly string[];
  /** Lines that are straight on the road, as they were drawn. */
  readonly lines: readonly Polyline[];
  /** Residual that is allowed, pixels: marks near it are red. */
  readonly allowedPx: number;
}

/** How many times longer a residual is drawn than it is. */
const magnified = 10;

/** Draws the calibration over the picture as a PNG. Throws as `writeOutput` does. */
export async function drawCalibration(drawing: CalibrationDrawing, picture: RgbPicture, path: string): Promise<void> {
  const { width, height, data } = picture;
  const svg = Buffer.from(calibrationSvg(drawing, width, height));
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .composite([{ input: svg, left: 0, top: 0 }])
    .png()
    .toBuffer();
  await writeOutput(path, png);
}

/** The drawing alone: the grid of metres, the marks with their residuals ten times their length, and the straight lines. */
export function calibrationSvg(drawing: CalibrationDrawing, width: number, height: number): string {
  const { plane, names, lines, allowedPx } = drawing;
  const scale = Math.max(1, Math.round(width / 960));
  const grid = metreGrid(plane, { width, height }).flatMap(({ axis, metres, points }) => {
    const isFifth = axis === 'y' || metres % 5 === 0;
    // Not the very end, which may stand at the border.
    const end = points[Math.min(2, points.length - 1)];
    const name = isFifth && end !== undefined ? tag(`${axis} ${metres}`, end.x, end.y, colours.grid, scale) : '';
    return [stroke(points, isFifth ? colours.grid : colours.far, isFifth ? scale : scale / 2), name];
  });
  const marks = plane.fit.pairs.map(({ image, road }, i) => {
    const seen = plane.toImage(road);
    const { px, m } = plane.fit.residuals[i] ?? { px: 0, m: 0 };
    const colour = px > allowedPx / 2 ? colours.bad : colours.mark;
    const tip = { x: image.x + magnified * (seen.x - image.x), y: image.y + magnified * (seen.y - image.y) };
    const words = `${names[i] ?? i + 1}: ${px.toFixed(1)} px ${(m * 100).toFixed(0)} cm`;
    const arm = 5 * scale;
    return [
      stroke(
        [
          { x: image.x - arm, y: image.y },
          { x: image.x + arm, y: image.y },
        ],
        colour,
        scale,
      ),
      stroke(
        [
          { x: image.x, y: image.y - arm },
          { x: image.x, y: image.y + arm },
        ],
        colour,
        scale,
      ),
      stroke([image, tip], colour, scale),
      tag(words, image.x + arm, image.y + arm, colour, scale),
    ].join('');
  });
  const straight = lines.map((points) => stroke(points, colours.line, scale));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${[...grid, ...straight, ...marks].join('')}</svg>`;
}

function stroke(points: readonly Point[], colour: string, thick: number): string {
  const way = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  return `<path d="${way}" fill="none" stroke="${colour}" stroke-width="${thick}"/>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
