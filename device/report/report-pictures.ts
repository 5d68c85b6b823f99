import { plateLine } from './plate-line.ts';
import type { RunRecord, SealedInfraction } from './run-record.ts';

export const pictureKinds = ['annotated', 'closeUp', 'context'] as const;
export type PictureKind = (typeof pictureKinds)[number];

/** How the page gets at a picture, or at what was read of a plate. */
export type PictureSource =
  | { readonly kind: 'embedded'; readonly uri: string }
  | { readonly kind: 'said'; readonly words: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** By evidence and name, as `pictureKey` writes it. */
export type Pictures = ReadonlyMap<string, PictureSource>;

/** Why a file cannot be shown; `sealed` where nothing at all is opened for this page. */
export interface NotOpened {
  readonly missing: string;
  readonly sealed?: true;
}

/** Opens a file of sealed evidence, or says why it cannot be shown. */
export type OpenPicture = (evidence: string, name: string) => Promise<Uint8Array | NotOpened>;

/** Characters of data URIs that a page may hold: with its text it stays below 10 MB. */
export const pictureBudget = 9_000_000;

export const pictureKey = (evidence: string, name: string): string => `${evidence}/${name}`;

/**
 * The pictures that the page embeds, and before them what was read of plates, which a page for which nothing is opened does not mention:
 * first the annotated ones of all infractions, then the close-ups, then the contexts, as far as the
 * budget reaches. A picture that cannot be opened, that is beyond the budget, or that is neither JPEG nor PNG, is named as missing with
 * its reason and spoils nothing else.
 */
export async function readPictures(
  record: Pick<RunRecord, 'infractions'>,
  open: OpenPicture,
  budget: number = pictureBudget,
): Promise<Pictures> {
  const sources = new Map<string, PictureSource>();
  let left = budget;
  for (const { evidence, pictures } of record.infractions) {
    for (const name of [pictures.plateFile, pictures.plate]) {
      if (name === undefined) continue;
      const opened = await open(evidence, name);
      if (!(opened instanceof Uint8Array) && opened.sealed === true) continue;
      const source = name === pictures.plateFile ? readPlateFile(opened) : readPicture(opened, left);
      if (source.kind === 'embedded') left -= source.uri.length;
      sources.set(pictureKey(evidence, name), source);
    }
  }
  for (const [evidence, name] of byWeight(record.infractions)) {
    const source = readPicture(await open(evidence, name), left);
    if (source.kind === 'embedded') left -= source.uri.length;
    sources.set(pictureKey(evidence, name), source);
  }
  return sources;
}

function byWeight(infractions: readonly SealedInfraction[]): readonly (readonly [evidence: string, name: string])[] {
  return pictureKinds.flatMap((kind) =>
    infractions.flatMap(({ evidence, pictures }) => {
      const name = pictures[kind];
      return name === undefined ? [] : [[evidence, name] as const];
    }),
  );
}

function readPlateFile(opened: Uint8Array | NotOpened): PictureSource {
  if (!(opened instanceof Uint8Array)) return { kind: 'missing', reason: opened.missing };
  const words = plateLine(opened);
  return words === undefined ? { kind: 'missing', reason: 'it is not the file of a plate' } : { kind: 'said', words };
}

function readPicture(opened: Uint8Array | NotOpened, budget: number): PictureSource {
  if (!(opened instanceof Uint8Array)) return { kind: 'missing', reason: opened.missing };
  const type = mediaType(opened);
  if (type === undefined) return { kind: 'missing', reason: 'it is neither a JPEG nor a PNG' };
  const uri = `data:${type};base64,${Buffer.from(opened).toString('base64')}`;
  if (uri.length <= budget) return { kind: 'embedded', uri };
  return { kind: 'missing', reason: 'the page is full; it stays in the evidence' };
}

function mediaType(bytes: Uint8Array): string | undefined {
  const begins = (...first: number[]) => first.every((byte, i) => bytes[i] === byte);
  if (begins(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (begins(0x89, 0x50, 0x4e, 0x47)) return 'image/png';
  return undefined;
}
