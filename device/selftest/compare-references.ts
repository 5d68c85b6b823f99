import { estimateDrift } from '../scene/drift/estimate-drift.ts';
import { lumaWindow } from '../scene/drift/luma-window.ts';
import { matchPatch, patchSize, preparePatch, type ReferencePatch } from '../scene/drift/match-patch.ts';
import type { ReferenceFacts } from './facts.ts';

type Picture = Parameters<typeof matchPatch>[1];

/**
 * Holds one picture against the patches of the calibration: where the camera points, and how much of the fine detail is left. Pure; some
 * milliseconds. `allowedPx`: the shift from which the camera counts as moved.
 */
export function compareReferences(
  patches: readonly ReferencePatch[],
  picture: Picture,
  allowedPx: number,
): Extract<ReferenceFacts, { readonly kind: 'compared' }> {
  const prepared = patches.map(preparePatch);
  const drift = estimateDrift(prepared, picture);
  const shares = patches.flatMap((patch, i): number[] => {
    const sight = matchPatch(prepared[i] as (typeof prepared)[number], picture);
    if (sight.kind === 'hidden') return [];
    const x = within(patch.x + Math.round(sight.dx), picture.width);
    const y = within(patch.y + Math.round(sight.dy), picture.height);
    const then = detailOf(patch.grey);
    return then === 0 ? [] : [detailOf(lumaWindow(picture, x, y, patchSize, patchSize).data) / then];
  });
  return {
    kind: 'compared',
    patches: patches.length,
    seen: drift.seen,
    agreeing: drift.agreeing,
    allowedPx,
    ...(drift.kind === 'judged' ? { shiftPx: drift.shiftPx } : {}),
    ...(shares.length === 0 ? {} : { detail: Math.min(1, median(shares)) }),
  };
}

const within = (at: number, size: number): number => Math.max(0, Math.min(size - patchSize, at));

/**
 * Mean square of the change from pixel to pixel over the variance of a patch: what a blur takes away first, whatever the light. 0 for a patch
 * of one grey.
 */
function detailOf(grey: Uint8Array): number {
  let [sum, squares, change] = [0, 0, 0];
  for (let i = 0; i < grey.length; i++) {
    const value = grey[i] as number;
    sum += value;
    squares += value * value;
    if (i % patchSize > 0) change += (value - (grey[i - 1] as number)) ** 2;
    if (i >= patchSize) change += (value - (grey[i - patchSize] as number)) ** 2;
  }
  const variance = squares / grey.length - (sum / grey.length) ** 2;
  return variance < 1 ? 0 : change / grey.length / variance;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
