import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type Milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { Desired } from '../../contract/acts.ts';
import type { Rollout, RolloutPlan, RolloutState } from '../../contract/rollout.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { withShortIds } from '../../fleet/text.ts';
import type { Objection } from '../updates/rollout-updates.ts';
import { faultsOfPlan, makeRollout } from './make-rollout.ts';
import { isActive, planRollout, type UnitView, unitsOf, watchedUnits } from './plan-rollout.ts';
import { type HandsOptions, noUpdates, RolloutHands } from './rollout-hands.ts';
import { applyNotes, type Effect, isEffect, type Note } from './rollout-steps.ts';
import { type Papers, type RolloutDocuments, RolloutStore } from './rollout-store.ts';

export interface RolloutKeeperOptions extends HandsOptions {
  readonly archive: RolloutDocuments;
  /** Why a document may not be released: its signature, its role, its unit; undefined where it may. Asked before a rollout starts. */
  readonly check: (document: Desired) => Promise<string | undefined>;
  /** Of this bridge: one at a time keeps a rollout, and another takes over `lease` after it was last heard of. */
  readonly name: string;
  readonly lease: Milliseconds;
}

export type Started =
  | { readonly kind: 'started'; readonly rollout: Rollout }
  /** `hints`: what to do, where that is known. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[]; readonly hints?: readonly string[] };

export type Changed =
  | { readonly kind: 'changed'; readonly rollout: Rollout }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly reason: string; readonly hint?: string };

/** Releases at the same time. */
const wide = 16;
/** How often a change is tried again that another bridge came before. */
const attempts = 20;

/**
 * Keeps rollouts: every state is a document of the archive, so that a bridge that dies at any point is followed by one that goes on.
 *
 * Guarantees: an intention to release is durable before the release, and what is durable for a unit is not released again; when `pause`
 * or `abort` has resolved, this bridge begins no further release (another one that is at it ends the releases that it has begun, at most
 * 16). Methods throw the archive's faults.
 */
export class RolloutKeeper {
  readonly #options: RolloutKeeperOptions;
  readonly #store: RolloutStore;
  readonly #hands: RolloutHands;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RolloutKeeperOptions) {
    this.#options = options;
    this.#store = new RolloutStore(options.archive);
    this.#hands = new RolloutHands(options);
  }

  /** The same plan handed in twice is one rollout. */
  start(plan: RolloutPlan, by: string): Promise<Started> {
    return this.#alone(() => this.#start(plan, by));
  }

  /** The newest first. */
  async list(): Promise<readonly Rollout[]> {
    return [...(await this.#store.list())].sort(
      (a, b) => b.created.localeCompare(a.created) || a.id.localeCompare(b.id),
    );
  }

  async show(id: string): Promise<Rollout | undefined> {
    return (await this.#store.load(id))?.rollout;
  }

  pause(id: string, reason: string): Promise<Changed> {
    return this.#change(id, (before) =>
      before.state === 'waiting' || before.state === 'running'
        ? { ...before, state: 'paused', reason }
        : cannot(before, 'paused'),
    );
  }

  resume(id: string, reason: string): Promise<Changed> {
    return this.#change(id, (before) =>
      before.state === 'paused' ? { ...before, state: 'waiting', reason } : cannot(before, 'resumed'),
    );
  }

  /** `restore`: the units that it had reached are given the plan's rollback documents. A rollout that failed may be aborted for that. */
  abort(id: string, reason: string, restore: boolean): Promise<Changed> {
    return this.#change(id, (before) => {
      if (before.state === 'done') return cannot(before, 'aborted');
      const again = before.restoring || !restore || before.update !== undefined;
      if (before.state === 'aborted' && again) return cannot(before, 'aborted');
      // An update is taken back from whoever has not switched to it, and from nobody else.
      if (before.update !== undefined) return { ...before, state: 'aborted', reason, restoring: true };
      if (restore && unitsOf(before).every(({ rollback }) => rollback === undefined))
        return {
          reason: 'the plan came without rollback documents: roll the units back one by one, or in another rollout',
          hint: `Abort it without --restore. A unit is rolled back with: ${fleetProgram} config rollback UNIT`,
        };
      return { ...before, state: 'aborted', reason, restoring: restore };
    });
  }

  /**
   * Goes on with every rollout as far as it goes now. To be called every few seconds, and when a unit has reported. Throws the first fault
   * after every rollout had its turn; what had been done until then stands.
   */
  async tick(signal?: AbortSignal): Promise<void> {
    const faults: unknown[] = [];
    for (const { id } of (await this.list()).filter(isActive)) {
      try {
        const views = new Map<string, UnitView>();
        while (signal?.aborted !== true && (await this.#alone(() => this.#round(id, views, faults)))) {}
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
  }

  async #start(plan: RolloutPlan, by: string): Promise<Started> {
    const standing = await this.#store.load(plan.id);
    if ((await this.#store.putPlan(plan, 'look')) === 'other')
      return { kind: 'refused', reasons: [`there is another rollout ${plan.id}`] };
    if (standing !== undefined) return { kind: 'started', rollout: standing.rollout };
    const objections = [...faultsOfPlan(plan).map((reason) => ({ reason })), ...(await this.#objections(plan))];
    if (objections.length > 0) return refusedFor(objections);
    const made = makeRollout(plan, by, this.#options.clock.utc(), await this.#jobsBefore(plan));
    const changed: Started = {
      kind: 'refused',
      reasons: [`the rollout ${plan.id} was started by somebody else meanwhile`],
    };
    if ((await this.#store.putPlan(plan, 'write')) === 'other') return changed;
    return (await this.#store.put({ rollout: made, version: 0, holder: '', until: made.created }))
      ? { kind: 'started', rollout: made }
      : changed;
  }

  async #jobsBefore({ update, groups }: RolloutPlan): Promise<ReadonlyMap<string, number>> {
    const jobs = new Map<string, number>();
    if (update === undefined) return jobs;
    for (const unit of groups.flatMap(({ units }) => units))
      jobs.set(unit, (await this.#options.updates?.standing(unit))?.newest?.number ?? 0);
    return jobs;
  }

  /** What stands against it outside of the plan itself. */
  async #objections({ documents, rollbacks, groups, update }: RolloutPlan): Promise<readonly Objection[]> {
    const elsewhere = new Map(
      (await this.list())
        .filter(isActive)
        .flatMap((other) => unitsOf(other).map(({ unit }): [string, string] => [unit, other.id])),
    );
    const units = groups.flatMap((group) => group.units);
    const objections = [...new Set(units)].flatMap((unit): readonly Objection[] => {
      const other = elsewhere.get(unit);
      if (other === undefined) return [];
      const id = withShortIds(other);
      const hint = `Wait until it is over, or abort it first: ${fleetProgram} rollout abort ${id} --reason WORDS`;
      return [{ reason: `unit ${unit} is part of the rollout ${id}, which is not over`, hint }];
    });
    if (update !== undefined)
      return [...objections, ...((await this.#options.updates?.objections(units, update)) ?? [{ reason: noUpdates }])];
    for (const document of documents) {
      const { unit, version } = document;
      const newest = (await this.#options.view(unit)).newest?.version ?? 0;
      if (newest >= version)
        objections.push({
          reason: `unit ${unit} has version ${newest} already; the document is of version ${version}`,
        });
    }
    for (const document of [...documents, ...rollbacks]) {
      const why = await this.#options.check(document);
      if (why !== undefined)
        objections.push({ reason: `the document ${document.version} of unit ${document.unit}: ${why}` });
    }
    return objections;
  }

  /**
   * One step of one rollout; false where nothing is left to do now. `views` is what was seen of its units since the tick began: what this
   * bridge has done since stands in the rollout, and where somebody else has written there all are looked at again.
   */
  async #round(id: string, views: Map<string, UnitView>, faults: unknown[]): Promise<boolean> {
    const { clock, name, lease } = this.#options;
    const before = await this.#store.load(id);
    const now = clock.utc();
    if (before === undefined || !isActive(before.rollout)) {
      this.#store.forget(id);
      return false;
    }
    if (before.rollout.update !== undefined && this.#options.updates === undefined) return false;
    const left = Date.parse(before.until) - now;
    if (before.holder !== name && left > 0) return false;
    const mine = { ...before, holder: name, until: toIso(utcMilliseconds(now + lease)) };
    const papers = await this.#store.papers(id);
    await this.#look(before.rollout, papers, views);
    const steps = planRollout(before.rollout, views, now);
    const put = async (after: Rollout): Promise<void> => {
      if (!(await this.#store.put({ ...mine, rollout: after }))) views.clear();
    };
    const notes = steps.filter((step) => !isEffect(step));
    if (notes.length > 0) {
      await put(applyNotes(before.rollout, notes, now));
      return true;
    }
    const effects = steps.filter(isEffect).slice(0, wide);
    if (effects.length === 0) return false;
    if (before.holder !== name || left < lease / 2) {
      await put(before.rollout);
      return true;
    }
    const results = await Promise.allSettled(effects.map((effect) => this.#execute(effect, before.rollout, papers)));
    const failed = results.filter((result) => result.status === 'rejected');
    const done = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
    if (done.length > 0) await put(applyNotes(before.rollout, done, clock.utc()));
    faults.push(...failed.map(({ reason }) => reason));
    return failed.length === 0;
  }

  #execute<K extends Effect['kind']>(effect: Extract<Effect, { kind: K }>, of: Rollout, papers: Papers): Promise<Note> {
    return this.#hands.executors[effect.kind as K](effect, of, papers);
  }

  async #look(of: Rollout, papers: Papers, views: Map<string, UnitView>): Promise<void> {
    const units = watchedUnits(of).filter(({ unit }) => !views.has(unit));
    for (let at = 0; at < units.length; at += wide) {
      await Promise.all(
        units.slice(at, at + wide).map(async (one) => {
          views.set(one.unit, await this.#hands.view(one, of, papers));
        }),
      );
    }
  }

  #change(id: string, change: (before: Rollout) => Rollout | Objection): Promise<Changed> {
    return this.#alone(async () => {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const before = await this.#store.load(id);
        if (before === undefined) return { kind: 'unknown' };
        const after = change(before.rollout);
        if (!('state' in after)) return { kind: 'refused', ...after };
        const dated = { ...after, changed: toIso(this.#options.clock.utc()) };
        if (await this.#store.put({ ...before, rollout: dated })) return { kind: 'changed', rollout: dated };
      }
      throw new AtalayaError('archive-unavailable', `the rollout ${id} is being changed all the time`, {
        hint: 'Try again.',
      });
    });
  }

  /** One after the other, so that a person's word comes between two steps and never into one. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const mostReasons = 100;

function refusedFor(objections: readonly Objection[]): Started {
  const hints = [...new Set(objections.flatMap(({ hint }) => hint ?? []))].slice(0, 3);
  const reasons = objections.map(({ reason }) => reason).slice(0, mostReasons);
  return { kind: 'refused', reasons, ...(hints.length === 0 ? {} : { hints }) };
}

type Way = 'paused' | 'resumed' | 'aborted';

function cannot({ id: whole, state, reason }: Rollout, what: Way): Objection {
  const id = withShortIds(whole);
  const why = reason === undefined ? '' : ` (${reason})`;
  return {
    reason: `the rollout ${id} is ${stateWords[state]}${why} and cannot be ${what}`,
    hint: hintOf(id, state, what),
  };
}

function hintOf(id: string, state: RolloutState, what: Way): string {
  if (state === what) return 'It is so already: there is nothing to do.';
  if (state === 'waiting' || state === 'running') return 'It goes on by itself: there is nothing to do.';
  if (what === 'aborted') return 'It is over: there is nothing to abort. What units have they keep.';
  return `It is over. Look at what became of it, and start another: ${fleetProgram} rollout show ${id}`;
}

const stateWords: Readonly<Record<RolloutState, string>> = {
  waiting: 'waiting for its time',
  running: 'running',
  paused: 'paused',
  aborted: 'aborted',
  done: 'done',
  failed: 'failed',
};
