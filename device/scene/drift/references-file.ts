import { z } from 'zod';
import { AtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { patchSize, type ReferencePatch } from './match-patch.ts';

/** The reference patches of a scene, a file beside it: `calibrate references` writes it, the unit reads it. */

const schema = 'atalaya/scene-references/1';

const patch = z.strictObject({
  x: z.int().nonnegative(),
  y: z.int().nonnegative(),
  /** Brightness, base64. */
  grey: z.string().max(2 * patchSize * patchSize),
});

const file = z.strictObject({
  schema: z.literal(schema),
  scene: z.string().min(1),
  picture: z.strictObject({ width: z.int().positive(), height: z.int().positive() }),
  made: z.iso.datetime({ precision: 3 }),
  patches: z.array(patch).min(3).max(64),
});

export interface References {
  readonly scene: string;
  /** Size of the picture that the patches were taken from: a unit that delivers another cannot use them. */
  readonly picture: { readonly width: number; readonly height: number };
  /** When, ISO 8601. */
  readonly made: string;
  readonly patches: readonly ReferencePatch[];
}

export function writeReferences({ scene, picture, made, patches }: References): string {
  const written = patches.map(({ x, y, grey }) => ({ x, y, grey: Buffer.from(grey).toString('base64') }));
  return `${JSON.stringify({ schema, scene, picture, made, patches: written })}\n`;
}

/** Throws `scene-invalid` for what is no file of references. */
export function readReferences(text: string, what: string): References {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AtalayaError('scene-invalid', `${what} is not JSON`, { cause });
  }
  const { scene, picture, made, patches } = parse(file, value, what, 'scene-invalid');
  return {
    scene,
    picture,
    made,
    patches: patches.map(({ x, y, grey }, i) => {
      const bytes = new Uint8Array(Buffer.from(grey, 'base64'));
      const isInside = x + patchSize <= picture.width && y + patchSize <= picture.height;
      if (bytes.byteLength === patchSize * patchSize && isInside) return { x, y, grey: bytes };
      throw new AtalayaError('scene-invalid', `${what} is not valid:\n  patches[${i}]: is no patch of this picture`);
    }),
  };
}
