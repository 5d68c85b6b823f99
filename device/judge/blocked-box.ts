import type { Milliseconds } from '../kernel/units.ts';
import type { Scene, Zone } from '../scene/scene.ts';
import type { Infraction } from './infraction.ts';
import type { Rule } from './rule.ts';
import { observeStanding } from './standing.ts';
import type { Sight, Subject } from './subject.ts';

/** Blocked box: a vehicle comes to stand inside a junction box that must be kept clear, longer than the box allows. */
export class BlockedBox implements Rule {
  readonly #scene: Scene;
  readonly #box: Zone;
  readonly #entered = new WeakMap<Subject, Milliseconds>();

  constructor(scene: Scene, box: Zone) {
    this.#scene = scene;
    this.#box = box;
  }

  observe(sight: Sight): Infraction | undefined {
    return observeStanding(sight, this.#box, this.#scene, { rule: 'blocked-box', what: 'box junction' }, this.#entered);
  }
}
