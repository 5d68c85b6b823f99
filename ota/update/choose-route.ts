import type { Target } from '../contract/target.ts';
import type { HeldJob } from './update-state.ts';
import { partKey, type RunningParts } from './update-step.ts';

/** By which file a target is made. */
export interface Route {
  readonly target: Target;
  /** The target itself, or a patch to it. */
  readonly file: Target;
}

/**
 * The smallest patch from what runs, where there is one that is smaller than the whole and was not passed over before; else the whole.
 */
export function chooseRoutes(
  { install, patches, passed }: Pick<HeldJob, 'install' | 'patches' | 'passed'>,
  trees: RunningParts['trees'],
): readonly Route[] {
  return install.map((target) => {
    const { description } = target;
    const fit = patches.filter(
      ({ target: name, length, description: { kind, name: component, tree, patchFrom } }) =>
        kind === description.kind &&
        component === description.name &&
        tree.sha256 === description.tree.sha256 &&
        patchFrom !== undefined &&
        patchFrom === trees[partKey(description)] &&
        length < target.length &&
        passed.every((one) => one.target !== name),
    );
    const file = fit.reduce<Target>((best, patch) => (patch.length < best.length ? patch : best), target);
    return { target, file };
  });
}
