import type { Assertions } from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { agrees } from './agreement.ts';
import { folder, type Scenario } from './scenarios.ts';

/** What leaves the medium as it was: a cut before it is one before the next operation. */
const looks: ReadonlySet<Operation['kind']> = new Set(['read', 'list', 'space']);

/**
 * Cuts the power before each operation of the work in turn, those of the opening and the closing too, and looks each time what a start
 * makes of it. Returns how many cuts there were.
 */
export async function cutEverywhere(t: Assertions, { begin, options, work }: Scenario): Promise<number> {
  let cuts = 0;
  for (;;) {
    const { files, before } = await begin();
    let left = cuts;
    files.plan = ({ kind }) => {
      if (left < 0 || looks.has(kind)) return undefined;
      left -= 1;
      return left < 0 ? 'power-cut' : undefined;
    };
    let store: EvidenceStore | undefined;
    try {
      store = await EvidenceStore.open(folder, options(files));
      await work(store, before);
    } catch (error) {
      // A cut in the work ends it; where only the closing is left, it has ended already.
      if (!isAtalayaError(error, 'store-failed')) throw error;
    }
    await store?.close();
    if (left >= 0) return cuts;
    cuts += 1;
    const after = files.survivors(seededRandom(cuts));
    await agrees(t, folder, after, options(after), before, `cut number ${cuts}`);
  }
}
