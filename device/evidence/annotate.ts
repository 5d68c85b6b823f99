import type { Infraction } from '../judge/infraction.ts';
import { toIso } from '../kernel/units.ts';
import { textHeight, textPath, textWidth } from './pixel-font.ts';

/** A line or an outline of the scene that belongs to what was judged: the stop line, the zone. Pixels of the full picture. */
export interface Mark {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** True for an outline, whose last point is joined to its first. */
  readonly closed: boolean;
}

export interface Annotation {
  /** Laid over the picture, in its size; what it says stands below the picture and covers nothing. */
  readonly svg: Buffer;
  /** Rows that the picture grows by at its bottom. */
  readonly stripHeight: number;
}

/** What is drawn on the annotated copy: box, label, the scene's lines, and below the picture rule, figures, time and frame. */
export function annotate(
  width: number,
  height: number,
  infraction: Infraction,
  unit: string,
  marks: readonly Mark[],
): Annotation {
  const scale = Math.max(1, Math.round(width / 400));
  const lineHeight = textHeight(scale) + 3 * scale;
  const lines = strip(infraction, unit);
  const stripHeight = lines.length * lineHeight + 2 * scale;
  const shapes = [
    ...marks.map((mark) => outline(mark, scale)),
    boxShape(infraction, scale),
    `<rect x="0" y="${height}" width="${width}" height="${stripHeight}" fill="#000"/>`,
    ...lines.map((line, i) =>
      lettering(line, 2 * scale, height + 2 * scale + i * lineHeight, scale, width - 4 * scale),
    ),
  ];
  const size = `width="${width}" height="${height + stripHeight}"`;
  return { svg: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${shapes.join('')}</svg>`), stripHeight };
}

function strip(infraction: Infraction, unit: string): readonly string[] {
  const { rule, measured, time, frame, lane, track } = infraction;
  const figures = Object.entries(measured).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${spaced(name)} ${Math.round(value * 100) / 100}`] : [],
  );
  return [
    `${rule}  ${infraction.class} ${track}${lane === undefined ? '' : `  lane ${lane}`}`,
    figures.join('  '),
    `${toIso(time.utc)}  frame ${frame}  unit ${unit}`,
    'annotated copy: the picture itself is kept apart',
  ];
}

/** `redForS` as `red for s`. */
const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter}`);

const markColour = '#ffd400';

/** A line or outline as SVG, with its name at its first point where it has one; `scale` is the size of a letter's pixel. */
export function outline({ name, points, closed }: Mark, scale: number, colour: string = markColour): string {
  const [first] = points;
  if (first === undefined) return '';
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  const style = `fill="none" stroke="${colour}" stroke-width="${scale + 1}"`;
  return `<path d="${path}${closed ? 'z' : ''}" ${style}/>${name === '' ? '' : tag(name, first.x, first.y, colour, scale)}`;
}

function boxShape({ box, class: kind, track }: Infraction, scale: number): string {
  const { x, y, width, height } = box;
  const rectangle = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  const label = tag(`${kind} ${track}`, x, y - textHeight(scale) - 2 * scale, '#ff2020', scale);
  return `<rect ${rectangle} fill="none" stroke="#ff2020" stroke-width="${scale + 1}"/>${label}`;
}

/** A word on a ground of its own, so that it can be read on any picture; moved inside where it would begin outside. */
export function tag(text: string, x: number, y: number, colour: string, scale: number): string {
  const left = Math.max(0, Math.round(x));
  const top = Math.max(0, Math.round(y));
  const size = `width="${textWidth(text, scale) + 2 * scale}" height="${textHeight(scale) + 2 * scale}"`;
  const ground = `<rect x="${left}" y="${top}" ${size} fill="#000" fill-opacity="0.7"/>`;
  return `${ground}<path d="${textPath(text, left + scale, top + scale, scale)}" fill="${colour}"/>`;
}

/** A line of text, in smaller letters where it would not fit. */
function lettering(text: string, x: number, y: number, scale: number, room: number): string {
  const fitting = Math.max(1, Math.min(scale, Math.floor(room / Math.max(1, textWidth(text, 1)))));
  return `<path d="${textPath(text, x, y, fitting)}" fill="#fff"/>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
