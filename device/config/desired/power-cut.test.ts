import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Operation } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { ConfigView } from './config-view.ts';
import { folder, KeeperWorld } from './testing/keeper-world.ts';
import { type Cast, makeCast, signedDesired } from './testing/signed.ts';

const cast = await makeCast();

/** What leaves the medium as it was: a cut before it is one before the next operation. */
const looks: ReadonlySet<Operation['kind']> = new Set(['read', 'list', 'space']);

type Act =
  | { readonly kind: 'good'; readonly needs: 'live' | 'restart' }
  | { readonly kind: 'bad' }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'replay'; readonly back: number }
  | { readonly kind: 'pass'; readonly minutes: number; readonly works: boolean }
  | { readonly kind: 'start' }
  | { readonly kind: 'return'; readonly far: boolean };

/** An act, and whether the power fails in it, before which operation on the disk. */
interface Moment {
  readonly act: Act;
  readonly cut: number | undefined;
  readonly seed: number;
}

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('good' as const), needs: fc.constantFrom('live', 'restart') }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ kind: 'bad' }, { kind: 'stranger' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replay' as const), back: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      minutes: fc.constantFrom(0.1, 1, 6),
      works: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Act>({ kind: 'start' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('return' as const), far: fc.boolean() }) },
);

const moments = fc.array(
  fc.record({ act, cut: fc.option(fc.nat(25), { nil: undefined }), seed: fc.nat() }) as fc.Arbitrary<Moment>,
  { minLength: 1, maxLength: 14 },
);

/** What a unit may be found with: each document sets the beacon to a figure of its own. */
class Story {
  readonly world: KeeperWorld;
  readonly #cast: Cast;
  /** What each document of a version that may be in force sets; 0 is the unit's own file. */
  readonly #sets = new Map<number, { readonly onMs: number; readonly deadlineMs: number }>([
    [0, { onMs: 5000, deadlineMs: 500 }],
  ]);
  readonly #texts: Buffer[] = [];
  /** Versions that must never be in force (again). */
  readonly #never = new Set<number>();
  #version = 0;
  #requests = 0;

  constructor(cast: Cast) {
    this.#cast = cast;
    this.world = new KeeperWorld(cast);
  }

  async tell(t: ExecutionContext, { act: what, cut, seed }: Moment): Promise<void> {
    const { world } = this;
    const before = await this.#inForce();
    let left = cut ?? Number.POSITIVE_INFINITY;
    world.files.plan = ({ kind }) => {
      if (left < 0 || looks.has(kind)) return undefined;
      left -= 1;
      return left < 0 ? 'power-cut' : undefined;
    };
    const might = await this.#do(what);
    if (world.startDue && left >= 0) await this.#startAgain();
    world.files.plan = () => undefined;
    const isCut = left < 0;
    if (isCut) {
      world.files = world.files.survivors(seededRandom(seed));
      await world.start();
      await world.keeper.begin();
    }
    const when = JSON.stringify({ what, cut, isCut });
    this.#agrees(t, new Set([...before, ...might]), when);
    // What was told to be confirmed is not on trial again, and what was remembered can be read.
    if (before.size === 1 && might.length === 0) t.is(world.keeper.reported().trialUntil, undefined, when);
    t.notRegex(world.told, /document-lost|state-lost/, when);
    for (const { version, outcome } of world.keeper.history()) {
      if (outcome === 'rolled-back' || outcome === 'superseded') this.#never.add(version);
    }
  }

  /** Whatever came before: under a unit that does nothing right, every trial ends, and what was confirmed is in force. */
  async end(t: ExecutionContext): Promise<void> {
    const { world } = this;
    const confirmed = [...(await this.#inForce())][0] ?? 0;
    world.works = { brokerReached: false, framesSeen: false, evidenceSealed: false };
    for (let i = 0; i < 5; i += 1) {
      await world.start();
      await world.pass(1000);
    }
    t.is(world.inForce, confirmed);
    t.is(world.keeper.reported().trialUntil, undefined);
  }

  /** What is confirmed, and then what is on trial, as the disk has it. */
  async #inForce(): Promise<ReadonlySet<number>> {
    const { files, base } = this.world;
    const { confirmed, trial } = (await ConfigView.open(files, folder, base)).state ?? { confirmed: null, trial: null };
    const versions = [confirmed?.version ?? 0];
    return new Set(trial === null ? versions : [...versions, trial.version]);
  }

  #agrees(t: ExecutionContext, allowed: ReadonlySet<number>, when: string): void {
    const { keeper } = this.world;
    const { version } = keeper.reported().inForce;
    t.true(allowed.has(version), `${version} is none of ${[...allowed]}: ${when}`);
    t.false(this.#never.has(version), `${version} was refused or given back: ${when}`);
    const { beacon, deadlineMs } = keeper.effective().signal;
    t.deepEqual({ onMs: beacon.onMs, deadlineMs }, this.#sets.get(version), when);
  }

  /** What may be in force afterwards, besides what was. */
  async #do(what: Act): Promise<readonly number[]> {
    const { world } = this;
    const { keeper } = world;
    switch (what.kind) {
      case 'good': {
        this.#version += 1;
        const version = this.#version;
        // `deadlineMs` is not live: two fields, of which one alone must never be in force.
        const deadlineMs = what.needs === 'restart' ? 100 + version : 500;
        const onMs = 1000 + version;
        this.#sets.set(version, { onMs, deadlineMs });
        const settings = { signal: { beacon: { onMs }, ...(what.needs === 'restart' ? { deadlineMs } : {}) } };
        const text = await signedDesired(settings, version, this.#cast.signers.supervisor);
        this.#texts.push(text);
        await keeper.desired(text);
        return [version];
      }
      case 'bad': {
        this.#never.add(this.#version + 1);
        this.#version += 1;
        await keeper.desired(
          await signedDesired({ signal: { beacon: { onMs: 0 } } }, this.#version, this.#cast.signers.supervisor),
        );
        return [];
      }
      case 'stranger':
        await keeper.desired(await signedDesired({}, this.#version + 5, this.#cast.signers.stranger));
        return [];
      case 'replay': {
        const text = this.#texts.at(-1 - what.back);
        if (text !== undefined) await keeper.desired(text);
        // One that a power cut swallowed may be taken now.
        return text === undefined ? [] : [JSON.parse(text.toString()).version as number];
      }
      case 'pass':
        world.works = { brokerReached: what.works, framesSeen: what.works, evidenceSealed: what.works };
        await world.pass(what.minutes * 60_000, Math.max(1000, what.minutes * 6000));
        return [];
      case 'start':
        await this.#startAgain();
        return [];
      case 'return': {
        this.#requests += 1;
        const good = keeper.history().filter(({ outcome }) => outcome === 'confirmed');
        await keeper.local({
          id: `request-${this.#requests}`,
          kind: 'rollback',
          by: 'ana',
          ...(what.far ? { to: 0 } : {}),
        });
        return [0, ...good.map(({ version }) => version)];
      }
    }
  }

  async #startAgain(): Promise<void> {
    const { world } = this;
    // A power cut in it ends it, and the next start finds what is left.
    await world.start().catch(() => undefined);
    await world.keeper.begin();
  }
}

test('from every state, whatever comes and wherever the power fails: the confirmed or the trial, never what was refused', async (t) => {
  let cuts = 0;
  await fc.assert(
    fc.asyncProperty(moments, async (all) => {
      const story = new Story(cast);
      await story.world.start();
      await story.world.keeper.begin();
      for (const moment of all) {
        if (moment.cut !== undefined) cuts += 1;
        await story.tell(t, moment);
      }
      await story.end(t);
    }),
    { numRuns: 250 },
  );
  t.true(cuts > 250, `${cuts}`);
});

test('cut before each single operation of a life: accepted, started, confirmed, replaced, given back', async (t) => {
  const life: readonly Act[] = [
    { kind: 'good', needs: 'restart' },
    { kind: 'pass', minutes: 0.1, works: true },
    { kind: 'good', needs: 'live' },
    { kind: 'start' },
    { kind: 'pass', minutes: 11, works: false },
    { kind: 'good', needs: 'restart' },
    { kind: 'return', far: false },
    { kind: 'return', far: true },
  ];
  let cuts = 0;
  for (const [at, act] of life.entries()) {
    for (let cut = 0; ; cut += 1) {
      const story = new Story(cast);
      await story.world.start();
      await story.world.keeper.begin();
      for (const before of life.slice(0, at)) await story.tell(t, { act: before, cut: undefined, seed: 0 });
      const operations = story.world.files;
      await story.tell(t, { act, cut, seed: cuts });
      // The disk is the same one: there was no such operation to cut before.
      if (story.world.files === operations) break;
      cuts += 1;
      for (const after of life.slice(at + 1)) await story.tell(t, { act: after, cut: undefined, seed: 0 });
      await story.end(t);
    }
  }
  t.true(cuts > 50, `${cuts}`);
});
