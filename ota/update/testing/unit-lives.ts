import type { SlotName, SlotsState } from '../../contract/slots.ts';
import { FolderSlots } from '../../slots/folder-slots.ts';
import type { MadeBundle, MadeBundles } from '../../testing/made-bundles.ts';
import { image, type MadeUnit, root } from '../../testing/made-unit.ts';

/** Short, so that a case is cheap. */
export const trial = { holdSeconds: 20, deadlineSeconds: 60, starts: 3 };

/** Publishes release 1, and gives the unit the job to install it. */
export async function assignFirst(unit: MadeUnit, bundles: MadeBundles): Promise<MadeBundle> {
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  unit.made.assign([one.target], { trial });
  return one;
}

/** From start to start, until nothing is left to be done. Gives the steps. */
export async function settle(unit: MadeUnit): Promise<readonly string[]> {
  const steps: string[] = [];
  for (let lives = 0; lives < 8; lives += 1) {
    const life = await unit.live();
    steps.push(...life.steps);
    if (life.end === 'settled') return steps;
  }
  throw new Error(`it does not settle: ${steps.join(' ')}`);
}

/** As the unit sees them that was started from `running`; from the confirmed slot where it is not told. */
export const slotsOf = (unit: MadeUnit, running?: SlotName): Promise<SlotsState> =>
  new FolderSlots({ files: unit.files, root, image, ...(running === undefined ? {} : { running }) }).state();

/** Release of the confirmed program; 0 is the image's. */
export const releaseOf = async (unit: MadeUnit): Promise<number> =>
  (await slotsOf(unit)).confirmed.record?.parts[0]?.release ?? 0;
