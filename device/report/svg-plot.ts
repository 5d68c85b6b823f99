import { type Content, html, Markup } from '../kernel/html.ts';

/** Small pure pieces of a plot in SVG. Coordinates are pixels of the drawing, y downwards; colours come from the page's classes. */

/** A linear scale from a range of values to a range of pixels. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** The pixel of a value; values outside are clamped, so that nothing is drawn beyond the frame. */
export function at(scale: Scale, value: number): number {
  const span = scale.to - scale.from;
  const share = span === 0 ? 0 : (value - scale.from) / span;
  return round(scale.start + Math.min(1, Math.max(0, share)) * (scale.end - scale.start));
}

/** Round values of 1, 2 or 5 times a power of ten from `from` to `to`, about `wanted` (3 or more) of them, never more than twice as many. */
export function ticks(from: number, to: number, wanted: number): readonly number[] {
  if (!(to > from) || !(wanted >= 3)) return [from];
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(digits)));
}

export type Anchor = 'start' | 'middle' | 'end';

export function label(x: number, y: number, content: Content, anchor: Anchor = 'start', kind = ''): Markup {
  return html`<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" class="${kind}">${content}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, kind: string): Markup {
  return html`<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`;
}

/** A filled rectangle; at least half a pixel wide, so that a short span is still seen. `title` is read out and shown on hover. */
export function bar(
  x: number,
  y: number,
  width: number,
  height: number,
  kind: string,
  title?: string,
  radius = 0,
): Markup {
  const tip = title === undefined ? undefined : html`<title>${title}</title>`;
  return html`<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0.5, width))}" height="${round(height)}" rx="${radius}" class="${kind}">${tip}</rect>`;
}

export type Shape = 'dot' | 'diamond' | 'ring' | 'triangle' | 'cross';

/** A mark of about `2 x size` pixels around a point. */
export function mark(shape: Shape, x: number, y: number, size: number, kind: string, title?: string): Markup {
  const tip = title === undefined ? undefined : html`<title>${title}</title>`;
  const [cx, cy, s] = [round(x), round(y), size];
  switch (shape) {
    case 'dot':
    case 'ring':
      return html`<circle cx="${cx}" cy="${cy}" r="${s}" class="${kind} ${shape}">${tip}</circle>`;
    case 'diamond':
      return html`<path d="M${cx} ${round(cy - s)}l${s} ${s}l${-s} ${s}l${-s} ${-s}z" class="${kind}">${tip}</path>`;
    case 'triangle':
      return html`<path d="M${cx} ${round(cy - s)}l${s} ${2 * s}h${-2 * s}z" class="${kind}">${tip}</path>`;
    case 'cross':
      return html`<path d="M${round(cx - s)} ${round(cy - s)}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}" class="${kind}">${tip}</path>`;
  }
}

/** Vertical grid lines from `top` to `bottom` with their values and, to the right below them, the axis's name and unit. */
export function horizontalAxis(scale: Scale, top: number, bottom: number, name: string, wanted: number): Markup {
  const values = ticks(scale.from, scale.to, wanted);
  return html`<g>${values.map((value) => [
    line(at(scale, value), top, at(scale, value), bottom, 'grid'),
    label(at(scale, value), bottom + 18, value, 'middle', 'tick'),
  ])}${line(scale.start, bottom, scale.end, bottom, 'axis')}${label((scale.start + scale.end) / 2, bottom + 38, name, 'middle', 'axis-name')}</g>`;
}

/** Height that `horizontalAxis` takes below the plot. */
export const axisHeight = 46;

/** The whole drawing; it scales down with the page and never up. `description` says in words what the plot shows. */
export function drawing(width: number, height: number, description: string, content: Content): Markup {
  return html`<svg viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" role="img" aria-label="${description}">${content}</svg>`;
}

export interface KeyEntry {
  readonly symbol: (x: number, y: number) => Content;
  readonly text: string;
}

/** The plot's key, wrapped into the width: its markup and its height. Letters are taken as 8 pixels wide. */
export function key(
  entries: readonly KeyEntry[],
  left: number,
  top: number,
  width: number,
): { readonly markup: Markup; readonly height: number } {
  let x = left;
  let y = top + 10;
  const parts: Content[] = [];
  for (const entry of entries) {
    const needed = 26 + entry.text.length * 8;
    if (x > left && x + needed > left + width) {
      x = left;
      y += 22;
    }
    parts.push(entry.symbol(x + 10, y), label(x + 26, y + 5, entry.text, 'start', 'key'));
    x += needed + 14;
  }
  return { markup: html`<g>${parts}</g>`, height: entries.length === 0 ? 0 : y - top + 16 };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Nothing drawn, for a branch that has nothing to show. */
export const nothing = new Markup('');
