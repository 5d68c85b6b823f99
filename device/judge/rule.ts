import type { Infraction } from './infraction.ts';
import type { Sight } from './subject.ts';

/** One rule of the road. It remembers what it needs on the subject (a weak map), so that nothing outlives a road user. */
export interface Rule {
  /** What this frame says against the subject; each subject is accused at most once by a rule. */
  observe(sight: Sight): Infraction | undefined;
}
