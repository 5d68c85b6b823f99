import { LikeBlocks } from './choose-prefix.ts';
import { findCopies } from './find-copies.ts';
import { type PatchStep, patchBounds, type Stretch } from './patch-form.ts';

export interface PlannedFrame {
  readonly content: Buffer;
  readonly prefix: readonly Stretch[];
}

export interface PlannedPatch {
  readonly steps: readonly PatchStep[];
  readonly frames: readonly PlannedFrame[];
}

/** Bytes of a gap in the base up to which all of it goes into a prefix. */
const mostGap = 2 ** 20;

/** How one archive becomes another: what is copied, and over which parts of the base each frame of what is fresh is compressed. Pure. */
export function planPatch(base: Buffer, result: Buffer): PlannedPatch {
  const steps = findCopies(base, result);
  const fresh = freshPieces(steps, result);
  const content = Buffer.concat(fresh.map(({ bytes }) => bytes));
  if (content.byteLength === 0) return { steps, frames: [] };
  const blocks = new LikeBlocks(base);
  const frames: PlannedFrame[] = [];
  for (let at = 0; at < content.byteLength; at += patchBounds.content) {
    const part = content.subarray(at, at + patchBounds.content);
    const gaps = fresh.flatMap((one) => {
      const touches = one.at < at + part.byteLength && one.at + one.bytes.byteLength > at;
      return touches && one.gap !== undefined ? [one.gap] : [];
    });
    // A little content gains nothing from much of the base, and each byte of it is read and held by every unit.
    const most = Math.min(patchBounds.prefix, 2 ** 20 + part.byteLength * 32);
    frames.push({ content: part, prefix: blocks.choose(part, gaps, most) });
  }
  return { steps, frames };
}

interface FreshPiece {
  readonly bytes: Buffer;
  /** Where in the content of all frames it begins. */
  readonly at: number;
  /** What stood in its place in the base, where that is not much. */
  readonly gap?: Stretch;
}

function freshPieces(steps: readonly PatchStep[], result: Buffer): FreshPiece[] {
  const pieces: FreshPiece[] = [];
  let [made, at, end] = [0, 0, 0];
  for (const { fresh, copy } of steps) {
    if (fresh > 0) {
      const length = (copy?.offset ?? 0) - end;
      const gap = length > 0 && length <= mostGap ? { gap: { offset: end, length } } : {};
      pieces.push({ bytes: result.subarray(made, made + fresh), at, ...gap });
    }
    at += fresh;
    made += fresh + (copy?.length ?? 0);
    end = copy === undefined ? end : copy.offset + copy.length;
  }
  return pieces;
}
