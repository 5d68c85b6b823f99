import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Desired } from '../../contract/acts.ts';
import { confirmedUnits } from '../../contract/awaited-work.ts';
import type { Rollout, RolloutUnit } from '../../contract/rollout.ts';
import { judgeQuality } from '../updates/judge-quality.ts';
import { type RolloutUpdates, updateViewOf } from '../updates/rollout-updates.ts';
import { type UnitView, unitsOf } from './plan-rollout.ts';
import type { Effect, Note } from './rollout-steps.ts';
import type { Papers } from './rollout-store.ts';
import { type UnitFacts, viewOf } from './unit-facts.ts';

/** What became of giving a document, or a job, to its unit. */
export type Release = { readonly kind: 'released' } | { readonly kind: 'refused'; readonly reason: string };

export interface HandsOptions {
  /**
   * Makes the document durable as the unit's newest, then publishes it. `refused` for good: not above the newest version. Whoever starts
   * after a crash between the two publishes what is durable: the keeper does not release it again. Faults are tried again.
   */
  readonly release: (unit: string, document: Desired) => Promise<Release>;
  readonly view: (unit: string) => Promise<UnitFacts>;
  /** Undefined: rollouts of updates are left to bridges that have them. */
  readonly updates?: RolloutUpdates | undefined;
  readonly clock: Clock;
}

export const noUpdates = 'this bridge has no update repository (updates.repository)';

/** Reaches the units of rollouts, of configurations and of updates alike. Methods throw the archive's faults. */
export class RolloutHands {
  readonly #options: HandsOptions;

  constructor(options: HandsOptions) {
    this.#options = options;
  }

  readonly executors: {
    readonly [K in Effect['kind']]: (
      effect: Extract<Effect, { kind: K }>,
      of: Rollout,
      papers: Papers,
    ) => Promise<Note>;
  } = {
    release: async ({ unit }, of, papers) => {
      const release = await this.#release(unit, of, papers);
      if (release.kind === 'released') return { kind: 'released', unit };
      return { kind: 'settle', unit, state: 'refused', reasons: [`refused: ${release.reason}`] };
    },
    restore: async ({ unit }, of, papers) => {
      const release = await this.#giveBack(unit, of, papers);
      if (release.kind === 'released') return { kind: 'restoring', unit, state: 'released' };
      return { kind: 'restoring', unit, state: 'failed', reason: `refused: ${release.reason}` };
    },
    judge: async ({ group }, { groups }, { update }) => {
      const bars = update?.quality;
      const units = groups[group]?.units;
      const { updates } = this.#options;
      if (bars === undefined || units === undefined || updates === undefined)
        throw new AtalayaError('internal', 'a group without bars was to be judged');
      const work = await updates.work(confirmedUnits({ units }), bars);
      return { kind: 'judged', group, quality: { ...judgeQuality(work, bars), at: toIso(this.#options.clock.utc()) } };
    },
  };

  async #release(unit: string, of: Rollout, { documents, update }: Papers): Promise<Release> {
    if (update === undefined) return this.#options.release(unit, paper(documents, unit));
    const { updates } = this.#options;
    const given = await updates?.give(unit, update, { by: of.by, rollout: of.id, number: jobOf(of, unit) });
    return given?.kind === 'given' ? { kind: 'released' } : (given ?? { kind: 'refused', reason: noUpdates });
  }

  async #giveBack(unit: string, of: Rollout, { rollbacks, update }: Papers): Promise<Release> {
    if (update === undefined) return this.#options.release(unit, paper(rollbacks, unit));
    const { updates } = this.#options;
    const given = await updates?.takeBack(unit, { by: of.by, rollout: of.id, number: jobOf(of, unit) + 1 });
    return given?.kind === 'given' ? { kind: 'released' } : (given ?? { kind: 'refused', reason: noUpdates });
  }

  async view({ unit, version }: RolloutUnit, of: Rollout, { documents, rollbacks, update }: Papers): Promise<UnitView> {
    if (update === undefined)
      return viewOf(await this.#options.view(unit), paper(documents, unit), rollbacks.get(unit));
    return updateViewOf(await this.#options.updates?.standing(unit), of.id, version);
  }
}

/** The number that the job of a unit has in a rollout. */
function jobOf(of: Rollout, unit: string): number {
  const one = unitsOf(of).find((member) => member.unit === unit);
  if (one === undefined) throw new AtalayaError('internal', `${unit} is in no group of ${of.id}`);
  return one.version;
}

function paper(documents: ReadonlyMap<string, Desired>, unit: string): Desired {
  const document = documents.get(unit);
  if (document === undefined) throw new AtalayaError('internal', `no document of unit ${unit}`);
  return document;
}
