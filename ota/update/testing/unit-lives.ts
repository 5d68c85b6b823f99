import { sleep } from '../../../device/kernel/clock.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
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

/** As `assignFirst`, and publishes release 2 beside it, which it gives. */
export async function assignFirstOfTwo(unit: MadeUnit, bundles: MadeBundles): Promise<MadeBundle> {
  const [one, two] = [await bundles.bundle({ release: 1 }), await bundles.bundle({ release: 2 })];
  unit.publish(one, two);
  unit.made.assign([one.target], { trial });
  return two;
}

/**
 * Lets up to `most` ms of the unit's time pass, until it is so; no faster than this machine does what belongs to them. Without `until` all of
 * it passes.
 */
export async function pass(unit: MadeUnit, most: number, until?: () => boolean): Promise<boolean> {
  for (let spent = 0; spent < most && until?.() !== true; spent += 500) {
    await unit.clock.advance(500);
    const turns = until === undefined ? 1 : 10;
    for (let turn = 0; turn < turns && until?.() !== true; turn += 1) await sleep(milliseconds(2));
  }
  return until?.() === true;
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
