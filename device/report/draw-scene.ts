import sharp from 'sharp';
import type { Picture } from '../capture/frame.ts';
import { toRgb } from '../capture/to-rgb.ts';
import { outline, tag } from '../evidence/pictures/annotate.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Point, Polyline } from '../scene/geometry.ts';
import type { Scene } from '../scene/scene.ts';
import { writeDrawing } from './write-drawing.ts';

/**
 * A scene as it lies on a picture, for the person who drew it: lanes with their way, stop and counting lines with their sides, zones, signal
 * heads, ignored areas, and each calibration mark with the way from where it was drawn to where the fit puts it. A PNG.
 *
 * Throws `usage-invalid` for a path that does not end in `.png` or cannot be written, `store-full` where the disk has no room.
 */
export async function drawScene(scene: Scene, picture: Picture, path: string): Promise<void> {
  if (!/\.png$/i.test(path)) {
    throw new AtalayaError('usage-invalid', `the drawing is a PNG; ${path} does not end in .png`, {
      hint: 'Give --out a name that ends in .png.',
    });
  }
  const { width, height } = picture;
  const rgb = toRgb(picture);
  const svg = Buffer.from(sceneSvg(scene, width, height));
  const png = await sharp(rgb.data, { raw: { width, height, channels: 3 } })
    .composite([{ input: svg, left: 0, top: 0 }])
    .png()
    .toBuffer();
  await writeDrawing(path, png, 'Give --out a file in a folder that exists, that has room, and that you may write to.');
}

const colours = {
  lane: '#00c8ff',
  stop: '#ff4040',
  counting: '#ffd400',
  zone: '#ff8c00',
  box: '#ffb000',
  ignore: '#909090',
  signal: '#ff60ff',
  mark: '#40ff40',
} as const;

/** The drawing alone, in the picture's size. */
export function sceneSvg(scene: Scene, width: number, height: number): string {
  const scale = Math.max(1, Math.round(width / 640));
  // Named in their middle: a corner often stands at the picture's border.
  const area = (name: string, points: Polyline, colour: string) => {
    const inside = centre(points);
    return outline({ name: '', points, closed: true }, scale, colour) + tag(name, inside.x, inside.y, colour, scale);
  };
  const line = (name: string, points: Polyline, colour: string) =>
    outline({ name, points, closed: false }, scale, colour);
  const shapes = [
    ...scene.ignore.map((points) => area('ignored', points, colours.ignore)),
    ...scene.lanes.flatMap(({ name, polygon, direction }) => [
      area(name, polygon, colours.lane),
      direction === undefined ? '' : arrow(direction, colours.lane, scale),
    ]),
    ...scene.noStopping.map(({ name, polygon }) => area(name, polygon, colours.zone)),
    ...scene.boxJunctions.map(({ name, polygon }) => area(name, polygon, colours.box)),
    ...scene.stopLines.flatMap(({ name, points, direction }) => [
      line(name, points, colours.stop),
      arrow(across(points, direction, 30 * scale), colours.stop, scale),
    ]),
    ...scene.countingLines.flatMap(({ name, points, left, right }) => {
      const side = leftOf(points);
      return [
        line(name, points, colours.counting),
        sideName(points, side, left, scale),
        sideName(points, { x: -side.x, y: -side.y }, right, scale),
      ];
    }),
    ...scene.signals.flatMap(({ name, lamp }) => (lamp === undefined ? [] : [spot(lamp, name, scale)])),
    ...marks(scene, scale),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
}

/** From the line's first point to its last, a person has this side on the left, in the picture. */
function leftOf(points: Polyline): Point {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return { x: 0, y: -1 };
  const length = Math.hypot(last.x - first.x, last.y - first.y) || 1;
  return { x: (last.y - first.y) / length, y: -(last.x - first.x) / length };
}

/** Mean of the corners. */
function centre(points: Polyline): Point {
  const sum = points.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function middle(points: Polyline): Point {
  const [first, last] = [points[0] ?? { x: 0, y: 0 }, points.at(-1) ?? { x: 0, y: 0 }];
  return { x: (first.x + last.x) / 2, y: (first.y + last.y) / 2 };
}

/** The name of the way that leads to this side of a counting line, with its arrow. */
function sideName(points: Polyline, side: Point, name: string, scale: number): string {
  const way = across(points, side, 22 * scale);
  const tip = way[1] ?? middle(points);
  return arrow(way, colours.counting, scale) + tag(name, tip.x, tip.y, colours.counting, scale);
}

/** From the middle of a line, along `way` (length 1), so many pixels. */
function across(points: Polyline, way: Point, length: number): Polyline {
  const from = middle(points);
  return [from, { x: from.x + way.x * length, y: from.y + way.y * length }];
}

function arrow(points: Polyline, colour: string, scale: number): string {
  const [tip, before] = [points.at(-1), points.at(-2)];
  if (tip === undefined || before === undefined) return '';
  const length = Math.hypot(tip.x - before.x, tip.y - before.y) || 1;
  const [ux, uy] = [((tip.x - before.x) / length) * 6 * scale, ((tip.y - before.y) / length) * 6 * scale];
  const head = `M${round(tip.x)} ${round(tip.y)}L${round(tip.x - ux - uy / 2)} ${round(tip.y - uy + ux / 2)}L${round(tip.x - ux + uy / 2)} ${round(tip.y - uy - ux / 2)}z`;
  const shaft = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  return `<path d="${shaft}" fill="none" stroke="${colour}" stroke-width="${scale}"/><path d="${head}" fill="${colour}"/>`;
}

function spot({ x, y }: Point, name: string, scale: number): string {
  const circle = `<circle cx="${round(x)}" cy="${round(y)}" r="${6 * scale}" fill="none" stroke="${colours.signal}" stroke-width="${scale}"/>`;
  return circle + tag(name, x + 8 * scale, y, colours.signal, scale);
}

/** Each calibration mark: a cross where it was drawn, a line to where the fit puts it, and its miss in pixels and metres. */
function marks({ ground }: Scene, scale: number): string[] {
  if (ground === undefined) return [];
  return ground.fit.pairs.map(({ image, road }, i) => {
    const seen = ground.toImage(road);
    const { px, m } = ground.fit.residuals[i] ?? { px: 0, m: 0 };
    const arm = 4 * scale;
    const cross = `M${round(image.x - arm)} ${round(image.y)}h${2 * arm}M${round(image.x)} ${round(image.y - arm)}v${2 * arm}`;
    const miss = `M${round(image.x)} ${round(image.y)}L${round(seen.x)} ${round(seen.y)}`;
    const style = `fill="none" stroke="${colours.mark}" stroke-width="${scale}"`;
    const words = `${px.toFixed(1)} px ${m.toFixed(2)} m`;
    return `<path d="${cross}${miss}" ${style}/>${tag(words, image.x + arm, image.y + arm, colours.mark, 1)}`;
  });
}

const round = (value: number): number => Math.round(value * 10) / 10;
