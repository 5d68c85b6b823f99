import { readFile } from 'node:fs/promises';
import { decodeJpeg } from '../../capture/decode-jpeg.ts';
import type { Picture } from '../../capture/frame.ts';
import type { FrameRing } from '../../capture/frame-ring.ts';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import type { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { maskedSnapshot } from '../../evidence/pictures/snapshot.ts';
import { mostTestPicture } from '../../evidence/seal-test.ts';
import { explain, isAtalayaError } from '../../kernel/errors.ts';
import { defaultDriftLimits } from '../../scene/drift/drift-watch.ts';
import { lumaWindow } from '../../scene/drift/luma-window.ts';
import { readReferences } from '../../scene/drift/references-file.ts';
import type { Scene } from '../../scene/scene.ts';
import { compareReferences } from '../../selftest/compare-references.ts';
import type { PictureFigures, ReferenceFacts } from '../../selftest/facts.ts';
import { pictureFigures, stretchRange } from '../../selftest/picture-figures.ts';

/** What the newest picture tells. */
export interface PictureLook {
  readonly picture?: PictureFigures;
  readonly reference: ReferenceFacts;
  /** A JPEG in which people and plates are covered. */
  readonly masked?: Uint8Array;
}

export interface PictureParts {
  readonly ring: Pick<FrameRing, 'holdNewest'>;
  readonly bystanders: Pick<BystanderMemory, 'around'>;
  readonly scene: Pick<Scene, 'name'>;
  /** File of the calibration's references, where the configuration names one. */
  readonly references: string | undefined;
}

/** Pixels across; with fewer bytes than a test record carries. */
const WIDTH = 480;

/** Looks at the newest frame. `mask`: whether its masked picture is wanted. Never rejects. */
export async function lookAtPicture(parts: PictureParts, mask: boolean): Promise<PictureLook> {
  const { ring, bystanders } = parts;
  const held = ring.holdNewest();
  if (held === undefined) return { reference: await referenceFacts(parts, undefined) };
  try {
    const { frame } = held;
    const picture = await pictureOf(frame);
    const reference = await referenceFacts(parts, picture);
    if (picture === undefined) return { reference };
    const luma = lumaWindow(picture, 0, 0, picture.width, picture.height);
    const isVideo = picture.format === 'yuv420p' && picture.range === 'limited';
    const figures = pictureFigures(isVideo ? stretchRange(luma) : luma);
    const masked = mask ? await maskedSnapshotOf(frame, bystanders) : undefined;
    return { picture: figures, reference, ...(masked === undefined ? {} : { masked }) };
  } finally {
    held.release();
  }
}

async function pictureOf(frame: KeptFrame): Promise<Picture | undefined> {
  if (frame.kind === 'pixels') return frame.picture;
  const decoded = await decodeJpeg(frame.original, frame);
  return decoded.kind === 'decoded' ? decoded.picture : undefined;
}

async function maskedSnapshotOf(
  frame: KeptFrame,
  bystanders: Pick<BystanderMemory, 'around'>,
): Promise<Uint8Array | undefined> {
  const limits = { width: WIDTH, mostBytes: mostTestPicture };
  return maskedSnapshot(frame, bystanders.around(frame), limits).catch(() => undefined);
}

async function referenceFacts(
  { references, scene }: Pick<PictureParts, 'references' | 'scene'>,
  picture: Picture | undefined,
): Promise<ReferenceFacts> {
  if (references === undefined) return { kind: 'none' };
  try {
    const read = readReferences(await readFile(references, 'utf8'), references);
    if (read.scene !== scene.name) {
      return { kind: 'unusable', says: `${references} belongs to the scene ${read.scene}, not to ${scene.name}.` };
    }
    const { patches } = read;
    const none = { kind: 'compared', patches: patches.length, seen: 0, agreeing: 0, allowedPx: 0 } as const;
    if (picture === undefined) return none;
    const { width, height } = picture;
    if (width !== read.picture.width || height !== read.picture.height) {
      const says = `${references} is of pictures of ${read.picture.width} x ${read.picture.height}.`;
      return { kind: 'unusable', says };
    }
    return compareReferences(patches, picture, defaultDriftLimits(width).movedPx);
  } catch (error) {
    const why = isAtalayaError(error) ? error.message : explain(error);
    return { kind: 'unusable', says: `${references} cannot be used: ${why}` };
  }
}
