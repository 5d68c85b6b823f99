import type { Milliseconds } from '../kernel/units.ts';
import type { Scene, Zone } from '../scene/scene.ts';
import type { Infraction } from './infraction.ts';
import type { Rule } from './rule.ts';
import { observeStanding } from './standing.ts';
import type { Sight, Subject } from './subject.ts';

/** Forbidden stopping: a vehicle stands in a no-stopping zone longer than the zone allows. */
export class Stopping implements Rule {
  readonly #scene: Scene;
  readonly #zone: Zone;
  readonly #entered = new WeakMap<Subject, Milliseconds>();

  constructor(scene: Scene, zone: Zone) {
    this.#scene = scene;
    this.#zone = zone;
  }

  observe(sight: Sight): Infraction | undefined {
    return observeStanding(
      sight,
      this.#zone,
      this.#scene,
      { rule: 'stopping', what: 'no-stopping zone' },
      this.#entered,
    );
  }
}
