import { type AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';

export interface Taken<Item, Result> {
  readonly done: readonly { readonly items: readonly Item[]; readonly result: Result }[];
  /** Those that were not taken, while others were. */
  readonly left: readonly { readonly item: Item; readonly error: AtalayaError }[];
}

/**
 * Gives a batch to the archive; where one of it may be what it does not take, halves it until that one is found, and leaves it out. Throws
 * where nothing is taken, or where a later try may do.
 */
export async function takeInHalves<Item, Result>(
  items: readonly Item[],
  take: (items: readonly Item[]) => Promise<Result>,
): Promise<Taken<Item, Result>> {
  try {
    return { done: [{ items, result: await take(items) }], left: [] };
  } catch (error) {
    if (!isPoison(error) || items.length === 1) throw error;
    const done: Taken<Item, Result>['done'][number][] = [];
    const left: Taken<Item, Result>['left'][number][] = [];
    for (const half of [items.slice(0, items.length >> 1), items.slice(items.length >> 1)]) {
      try {
        const inner = await takeInHalves(half, take);
        done.push(...inner.done);
        left.push(...inner.left);
      } catch (inner) {
        if (!isPoison(inner)) throw inner;
        left.push(...half.map((item) => ({ item, error: inner })));
      }
    }
    if (done.length === 0) throw error;
    return { done, left };
  }
}

/** May be the fault of one of them. Every other one is the archive's: not there, full, damaged, too slow. */
function isPoison(error: unknown): error is AtalayaError {
  return isAtalayaError(error, 'store-failed') || isAtalayaError(error, 'internal');
}
