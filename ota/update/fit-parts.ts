import type { BundleManifest } from '../contract/bundle.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';

/** What programs without a word about it write and read: the first form of a unit's data. */
export const firstDataForm = 1;

/** What a slot has one of, whatever it is called; a program under another name takes the place of the one before. */
const single = ['program', 'scene', 'trust'] as const;

export const readsOf = ({ data }: Pick<BundleManifest, 'data'>): readonly number[] => data?.reads ?? [firstDataForm];

/**
 * Why parts cannot make a slot together; undefined where they can. `reads`: forms of data that the program reads that this one may have to
 * give way to: it has to go on from what the new one has written.
 */
export function unfit(parts: readonly BundleManifest[], reads: readonly number[]): UpdateRefused | undefined {
  const program = parts.find(({ kind }) => kind === 'program');
  if (program === undefined) return refusedUpdate('component-unfit', 'there would be no program in the slot');
  for (const kind of single) {
    const [one, two] = parts.filter((part) => part.kind === kind);
    if (one !== undefined && two !== undefined)
      return refusedUpdate(
        'component-unfit',
        `there would be two of kind ${kind} in the slot, ${one.name} and ${two.name}; publish the new one under the name of the old`,
      );
  }
  const writes = program.data?.writes ?? firstDataForm;
  if (!reads.includes(writes))
    return refusedUpdate(
      'bundle-unreadable-data',
      `${program.name} ${program.version} writes data of form ${writes}; the program that it may have to give way to reads ${reads.join(', ')}`,
    );
  const early = parts.find(({ needsProgram }) => needsProgram !== undefined && needsProgram > program.release);
  if (early !== undefined)
    return refusedUpdate(
      'component-unfit',
      `${early.kind} ${early.name} ${early.version} needs release ${early.needsProgram} of the program; this is ${program.release}`,
    );
  return undefined;
}
