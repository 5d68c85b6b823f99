import test from 'ava';
import fc from 'fast-check';
import type { Rollout, RolloutPlan } from '../../contract/rollout.ts';
import { isActive, isError, onTrial, unitsOf } from './plan-rollout.ts';
import type { RolloutKeeper } from './rollout-keeper.ts';
import { type Behaviour, Crash, RolloutWorld } from './testing/rollout-world.ts';
import { UpdateWorld } from './testing/update-world.ts';

const behaviours: readonly Behaviour[] = ['confirms', 'confirms', 'confirms', 'rejects', 'rolls-back', 'silent'];

interface Drawn {
  readonly what: 'configuration' | 'update';
  readonly sizes: readonly number[];
  readonly successThreshold: number;
  readonly errorThreshold: number;
  readonly mostAtOnce: number | undefined;
  readonly behaviour: readonly Behaviour[];
}

const plans: fc.Arbitrary<Drawn> = fc.record({
  what: fc.constantFrom('configuration' as const, 'update' as const),
  sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
  successThreshold: fc.double({ min: 0.01, max: 1, noNaN: true }),
  errorThreshold: fc.constantFrom(0, 0.2, 0.34, 0.5, 1),
  mostAtOnce: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  behaviour: fc.array(fc.constantFrom(...behaviours), { minLength: 15, maxLength: 15 }),
});

type Word = 'pause' | 'resume' | 'abort' | 'abort-restore';

type Happening =
  | { readonly kind: 'units-speak'; readonly share: number }
  | { readonly kind: 'time'; readonly minutes: number }
  | { readonly kind: 'word'; readonly word: Word; readonly turns: number }
  | { readonly kind: 'crash'; readonly after: number }
  | { readonly kind: 'other-bridge' };

const happenings = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('units-speak' as const),
        share: fc.double({ min: 0.2, max: 1, noNaN: true }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('time' as const), minutes: fc.integer({ min: 1, max: 70 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('word' as const),
        turns: fc.integer({ min: 0, max: 60 }),
        word: fc.constantFrom(
          'pause' as const,
          'resume' as const,
          'resume' as const,
          'abort' as const,
          'abort-restore' as const,
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('crash' as const), after: fc.integer({ min: 0, max: 25 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'other-bridge' as const }) },
  ),
  { minLength: 5, maxLength: 40 },
) satisfies fc.Arbitrary<Happening[]>;

/** A rollout in a world in which anything may happen at any point, and what must hold all the time. */
class Trial {
  readonly world: RolloutWorld;
  readonly plan: RolloutPlan;
  readonly broken: string[] = [];
  #keeper: RolloutKeeper;
  #behaviour: ReadonlyMap<string, Behaviour>;
  #bridges = 1;
  /** A person was told so: nothing may be released from then on but what gives back. */
  #stopped = false;

  constructor({ what, sizes, successThreshold, errorThreshold, mostAtOnce, behaviour }: Drawn) {
    this.world = what === 'update' ? new UpdateWorld() : new RolloutWorld();
    const groups = sizes.map((size, g) => Array.from({ length: size }, (_, i) => `unit-${g}-${i}`));
    const more = mostAtOnce === undefined ? {} : { mostAtOnce };
    this.plan = this.world.plan(groups, { successThreshold, errorThreshold, ...more });
    this.#behaviour = new Map(groups.flat().map((unit, i) => [unit, behaviour[i] ?? 'confirms']));
    this.#keeper = this.world.bridge();
    this.world.onRelease = (unit, { version }) => this.#judgeRelease(unit, version);
  }

  /** As it lies in the archive. */
  get rollout(): Rollout | undefined {
    const value = this.world.documents.get('rollout progress/rollout-1')?.value;
    return (value as { readonly rollout: Rollout } | undefined)?.rollout;
  }

  async start(): Promise<void> {
    await this.#keeper.start(this.plan, 'Ana');
  }

  async tick(): Promise<void> {
    await this.#survive(() => this.#keeper.tick());
    this.#judge();
  }

  async happen(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case 'units-speak':
        return this.speak(happening.share);
      case 'time':
        return this.world.clock.advance(happening.minutes * 60_000);
      case 'word':
        return this.#say(happening);
      case 'crash': {
        let left = happening.after;
        this.world.dies = () => left-- <= 0;
        await this.tick();
        this.world.dies = () => false;
        return;
      }
      case 'other-bridge':
        this.#bridges += 1;
        this.#keeper = this.world.bridge(`bridge-${this.#bridges}`);
    }
  }

  /** Some of the units tell what became of what they have. */
  speak(share: number): void {
    const units = [...this.world.newest.keys()];
    for (const unit of units.slice(0, Math.ceil(share * units.length))) {
      const behaviour = this.#behaviour.get(unit);
      if (behaviour === 'confirms') this.world.unitSays(unit, 'confirmed');
      if (behaviour === 'rejects') this.world.unitSays(unit, 'rejected');
      if (behaviour === 'rolls-back') this.world.unitSays(unit, 'rolled-back');
    }
  }

  async #say({ word, turns }: { readonly word: Word; readonly turns: number }): Promise<void> {
    // While the bridge is at it, at any point.
    const tick = this.#survive(() => this.#keeper.tick());
    for (let i = 0; i < turns; i += 1) await Promise.resolve();
    const spoken =
      word === 'pause' || word === 'resume'
        ? this.#keeper[word]('rollout-1', `${word} by Ana`)
        : this.#keeper.abort('rollout-1', `${word} by Ana`, word === 'abort-restore');
    const changed = await spoken;
    if (changed.kind === 'changed') this.#stopped = word !== 'resume';
    await tick;
    this.#judge();
  }

  /** A bridge that died is started again, under its name. */
  async #survive(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.world.dies = () => false;
      this.#keeper = this.world.bridge(`bridge-${this.#bridges}`);
    }
  }

  #judgeRelease(unit: string, version: number): void {
    const rollout = this.rollout;
    const at = rollout?.groups.findIndex(({ units }) => units.some((one) => one.unit === unit)) ?? -1;
    if (rollout === undefined || at < 0) {
      this.#break('released without a rollout');
      return;
    }
    if (this.world.releases.some((one) => one.unit === unit && one.version === version))
      this.#break(`${unit} was released twice`);
    if (version === 3) {
      const over = rollout.state === 'aborted' || (rollout.state === 'failed' && rollout.update !== undefined);
      if (!over || !rollout.restoring) this.#break(`${unit} was given back unasked`);
      return;
    }
    if (rollout.state !== 'running') this.#break(`${unit} was released while ${rollout.state}`);
    if (this.#stopped) this.#break(`${unit} was released after a person had stopped it`);
    for (const [g, group] of rollout.groups.slice(0, at + 1).entries()) {
      const { length } = group.units;
      if (group.units.filter(isError).length > this.plan.errorThreshold * length + 1e-9)
        this.#break(`${unit} was released past the error threshold`);
      const confirmed = group.units.filter((one) => this.world.reported.get(one.unit)?.outcome === 'confirmed');
      if (g < at && confirmed.length < this.plan.successThreshold * length - 1e-9)
        this.#break(`${unit} was released before the group before it had succeeded`);
    }
  }

  #judge(): void {
    const rollout = this.rollout;
    if (rollout === undefined) return;
    const trials = unitsOf(rollout).filter(onTrial).length;
    const most = this.plan.mostAtOnce ?? Number.POSITIVE_INFINITY;
    if (trials > most) this.#break(`${trials} units are on trial, ${most} may be`);
    for (const { unit, state } of unitsOf(rollout)) {
      const has = this.world.newest.has(unit);
      if (has && (state === 'waiting' || state === 'skipped')) this.#break(`${unit} has it and is called ${state}`);
      if (!has && state !== 'waiting' && state !== 'skipped' && state !== 'releasing')
        this.#break(`${unit} has nothing and is called ${state}`);
    }
  }

  #break(what: string): void {
    this.broken.push(what);
  }
}

test('whatever happens: never too many on trial, none twice, none after a stop, and it comes to an end', async (t) => {
  let ends = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(plans, happenings, async (drawn, happening) => {
      const trial = new Trial(drawn);
      await trial.start();
      for (const one of happening) {
        await trial.happen(one);
        if (one.kind !== 'other-bridge') await trial.tick();
      }
      // Left alone, it comes to an end: a person resumes what was paused, every unit speaks or its deadline passes.
      for (let i = 0; i < 60 && trial.rollout !== undefined && isActive(trial.rollout); i += 1) {
        if (trial.rollout.state === 'paused') await trial.happen({ kind: 'word', word: 'resume', turns: 0 });
        trial.speak(1);
        await trial.world.clock.advance(31 * 60_000);
        await trial.tick();
      }
      const end = trial.rollout;
      if (trial.broken.length > 0) throw new Error(trial.broken.join('\n'));
      if (end === undefined || isActive(end)) throw new Error(`it never ended: ${JSON.stringify(end)}`);
      seen.add(`${drawn.what} ${end.state}`);
      ends += 1;
    }),
    { numRuns: 400 },
  );
  t.is(ends, 400);
  const ways = ['configuration', 'update'].flatMap((what) =>
    ['aborted', 'done', 'failed'].map((end) => `${what} ${end}`),
  );
  t.deepEqual([...seen].sort(), ways, 'each end was met');
});

for (const what of ['configuration', 'update'] as const)
  test(`a bridge that dies at each single point of a rollout is followed by one that ends the same: ${what}`, async (t) => {
    const drawn = {
      sizes: [2, 3],
      successThreshold: 0.6,
      errorThreshold: 0.4,
      mostAtOnce: undefined,
      what,
      behaviour: ['confirms', 'confirms', 'confirms', 'rejects', 'confirms'] as Behaviour[],
    };
    let deaths = 0;
    for (let point = 0; point < 400; point += 1) {
      const trial = new Trial(drawn);
      await trial.start();
      let left = point;
      let died = false;
      for (let i = 0; i < 8; i += 1) {
        trial.world.dies = () => {
          left -= 1;
          died ||= left === -1;
          return left === -1;
        };
        await trial.tick();
        trial.speak(1);
      }
      trial.world.dies = () => false;
      await trial.tick();
      t.deepEqual(trial.broken, [], `after point ${point}`);
      t.is(trial.rollout?.state, 'done', `after point ${point}`);
      t.is(trial.world.releases.length, 5, `after point ${point}`);
      if (!died) break;
      deaths += 1;
    }
    t.true(deaths > 50 && deaths < 399, `${deaths} points`);
  });
