import { fromDecimal } from './text-forms.ts';

/** C2SP tlog-tiles: hashes of a tile, and entries of a bundle. */
export const tileWidth = 256;

export interface TilePlace {
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256. */
  readonly width: number;
}

/** `x001/x234/067`: groups of three digits, all but the last with an x. */
function indexPath(index: number): string {
  let path = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  }
  return path;
}

/** Path of a tile or bundle under `log`; without its width where that is the full one. */
export function tilePath({ level, index, width }: TilePlace): string {
  const path = `tile/${level}/${indexPath(index)}`;
  return width === tileWidth ? path : `${path}.p/${width}`;
}

/** The place that a path under `log` names; undefined for one that names none. */
export function tilePlace(path: string): TilePlace | undefined {
  const match = /^tile\/(entries|[0-9]|[1-5][0-9]|6[0-3])\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]+))?$/.exec(path);
  if (match === null) return undefined;
  const [, level, groups, digits] = match as unknown as [string, string, string, string | undefined];
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const width = digits === undefined ? tileWidth : (fromDecimal(digits) ?? 0);
  if (!Number.isSafeInteger(index) || width < 1 || width > tileWidth) return undefined;
  const place = { level: level === 'entries' ? ('entries' as const) : Number(level), index, width };
  return tilePath(place) === path ? place : undefined;
}

/** How many hashes a level has in a tree of this size; for `entries`, how many entries. */
export function widthOfLevel(size: number, level: TilePlace['level']): number {
  return level === 'entries' ? size : Math.floor(size / tileWidth ** level);
}
