import type { CaptureTime } from '../../capture/frame.ts';
import type { Box } from '../../detect/detection.ts';
import type { Infraction } from '../../judge/infraction.ts';
import { toIso } from '../../kernel/units.ts';
import { undatedFace } from './elapsed-face.ts';
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

/** The frame that is shown, and the accused's box in it where that is known; it need not be the frame that is charged. */
export interface ShownFrame {
  readonly sequence: number;
  readonly time: CaptureTime;
  readonly box: Box | undefined;
}

/**
 * What is drawn on the annotated copy: box, label, the scene's lines, and below the picture rule, figures, and the time and number of the
 * frame that is shown.
 */
export function annotate(
  width: number,
  height: number,
  infraction: Infraction,
  shown: ShownFrame,
  unit: string,
  marks: readonly Mark[],
): Annotation {
  const scale = Math.max(1, Math.round(width / 400));
  const lineHeight = textHeight(scale) + 3 * scale;
  const lines = stripLines(infraction, shown, unit);
  const stripHeight = lines.length * lineHeight + 2 * scale;
  const shapes = [
    ...marks.map((mark) => outline(mark, scale)),
    ...(shown.box === undefined ? [] : [boxShape(shown.box, infraction, scale)]),
    `<rect x="0" y="${height}" width="${width}" height="${stripHeight}" fill="#000"/>`,
    ...lines.map((line, i) =>
      lettering(line, 2 * scale, height + 2 * scale + i * lineHeight, scale, width - 4 * scale),
    ),
  ];
  const size = `width="${width}" height="${height + stripHeight}"`;
  return { svg: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${shapes.join('')}</svg>`), stripHeight };
}

/** The lines of text below the picture. */
export function stripLines(infraction: Infraction, shown: ShownFrame, unit: string): readonly string[] {
  const { rule, measured, frame, lane, track } = infraction;
  const { sequence, time } = shown;
  const when = time.clock.dated ? toIso(time.utc) : undatedFace(time.elapsed);
  const frames = sequence === frame ? `frame ${frame}` : `charged frame ${frame}, shown ${sequence}`;
  const figures = Object.entries(measured).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${spaced(name)} ${Math.round(value * 100) / 100}`] : [],
  );
  return [
    `${rule}  ${infraction.class} ${track}${lane === undefined ? '' : `  lane ${lane}`}`,
    figures.join('  '),
    `${when}  ${frames}  unit ${unit}`,
    ...(shown.box === undefined ? ['no box: the track does not say where it was in this frame'] : []),
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

function boxShape({ x, y, width, height }: Box, { class: kind, track }: Infraction, scale: number): string {
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
