import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { systemCode } from '../kernel/errors.ts';
import type { RunRecord, SealedInfraction } from './run-record.ts';

export const pictureKinds = ['annotated', 'closeUp', 'context'] as const;
export type PictureKind = (typeof pictureKinds)[number];

/** How the page gets at a picture. */
export type PictureSource =
  | { readonly kind: 'embedded'; readonly uri: string }
  | { readonly kind: 'linked'; readonly href: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** By the path that the run's record names. */
export type Pictures = ReadonlyMap<string, PictureSource>;

/** Characters of data URIs that a page may hold: with its text it stays below 10 MB. */
export const pictureBudget = 9_000_000;

/**
 * Reads the pictures that the page embeds: first the annotated ones of all infractions, then the close-ups, then the contexts, as far
 * as the budget reaches; what is beyond it is linked relative to the page. A picture that cannot be read, or that is neither JPEG nor
 * PNG, is named as missing with its reason and spoils nothing else.
 *
 * `root` is the folder that the record's paths start from, `page` the path of the page itself.
 */
export async function readPictures(
  record: RunRecord,
  root: string,
  page: string,
  budget: number = pictureBudget,
): Promise<Pictures> {
  const sources = new Map<string, PictureSource>();
  let left = budget;
  for (const path of pathsByWeight(record.infractions)) {
    if (sources.has(path)) continue;
    const file = join(root, path);
    const source = await readPicture(file, left);
    if (source === undefined) {
      sources.set(path, { kind: 'linked', href: link(relative(dirname(page), file)) });
      continue;
    }
    if (source.kind === 'embedded') left -= source.uri.length;
    sources.set(path, source);
  }
  return sources;
}

function pathsByWeight(infractions: readonly SealedInfraction[]): readonly string[] {
  return pictureKinds.flatMap((kind) =>
    infractions.flatMap(({ pictures }) => {
      const path = pictures[kind];
      return path === undefined ? [] : [path];
    }),
  );
}

/** Undefined where the picture is larger than the budget. */
async function readPicture(file: string, budget: number): Promise<PictureSource | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const reason =
      systemCode(error) === 'ENOENT' ? 'the file is not there' : `it cannot be read (${systemCode(error)})`;
    return { kind: 'missing', reason };
  }
  const type = mediaType(bytes);
  if (type === undefined) return { kind: 'missing', reason: 'it is neither a JPEG nor a PNG' };
  const uri = `data:${type};base64,${bytes.toString('base64')}`;
  return uri.length <= budget ? { kind: 'embedded', uri } : undefined;
}

function mediaType(bytes: Uint8Array): string | undefined {
  const begins = (...first: number[]) => first.every((byte, i) => bytes[i] === byte);
  if (begins(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (begins(0x89, 0x50, 0x4e, 0x47)) return 'image/png';
  return undefined;
}

const link = (path: string): string => path.split(sep).map(encodeURIComponent).join('/');
