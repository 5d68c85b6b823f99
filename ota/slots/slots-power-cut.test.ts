import test from 'ava';
import fc from 'fast-check';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { Mishap } from '../../device/kernel/testing/memory-files.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import type { SlotName, WritableSlot } from '../contract/slots.ts';
import { FolderSlots } from './folder-slots.ts';
import { fillSlot, madeRecord, tagOf } from './testing/made-slot.ts';
import { guardOf, type Start, startOf } from './testing/start-of.ts';

const root = '/data/program';
const image = `${root}/image`;

type Step =
  | { readonly kind: 'install' | 'confirm' | 'rollBack' | 'restart' | 'guard' }
  | { readonly kind: 'try' | 'goBack'; readonly starts: number; readonly minutes: number };

/** A step, and after how many operations on files the power fails, or one of them; the start after it may be cut too. */
interface Move {
  readonly step: Step;
  readonly mishap: Mishap;
  readonly cut: number | undefined;
  readonly cutAgain: number | undefined;
}

const allowance = { starts: fc.integer({ min: 1, max: 3 }), minutes: fc.integer({ min: 1, max: 4 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'install' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('try' as const), ...allowance }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('goBack' as const), ...allowance }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 3, arbitrary: fc.constantFrom({ kind: 'confirm' as const }, { kind: 'guard' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'rollBack' as const }) },
);
const cutWithin = (max: number): fc.Arbitrary<number | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat({ max }) });
const mishap = fc.constantFrom<Mishap>('power-cut', 'power-cut', { code: 'ENOSPC' }, { code: 'EACCES' });
const moved = (one: fc.Arbitrary<Step>): fc.Arbitrary<Move> =>
  fc.record({ step: one, mishap, cut: cutWithin(70), cutAgain: cutWithin(16) });

/** An update as it should go, up to its end; and anything at all. */
const update: fc.Arbitrary<readonly Move[]> = fc.tuple(
  moved(fc.constant({ kind: 'install' })),
  moved(fc.record({ kind: fc.constant('try'), ...allowance })),
  moved(fc.constant({ kind: 'restart' })),
  moved(step),
  moved(fc.constantFrom({ kind: 'confirm' }, { kind: 'confirm' }, { kind: 'rollBack' })),
);
const moves: fc.Arbitrary<readonly Move[]> = fc
  .array(fc.oneof(update, fc.array(moved(step), { maxLength: 6 })), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.flat());

type Outcome = 'done' | 'refused' | 'failed' | 'cut';

/** What somebody who saw every call would know of the unit. */
interface Known {
  /** What may be confirmed: two where the power failed while it was decided. */
  readonly confirmed: ReadonlySet<SlotName>;
  /** The trial that may be on, and how many of its starts were seen. */
  readonly trial: { readonly slot: SlotName; readonly starts: number; readonly seen: number } | undefined;
  /** Whether the trial is certainly over. */
  readonly over: boolean;
}

class Unit {
  files: MemoryTreeFiles;
  running: SlotName = 'image';
  slots: FolderSlots;
  known: Known = { confirmed: new Set(['image']), trial: undefined, over: true };
  readonly random: () => number;
  /** Programs that were completed, by their tags; and what lies in a slot. */
  readonly completed = new Set<string>(['shipped']);
  readonly inSlot = new Map<SlotName, string>([['image', 'shipped']]);
  installed: WritableSlot | undefined;
  #tags = 0;

  constructor(files: MemoryTreeFiles, seed: number) {
    this.files = files;
    this.random = seededRandom(seed);
    this.slots = this.#open();
  }

  #open(): FolderSlots {
    return new FolderSlots({ files: this.files, root, image, running: this.running });
  }

  /** Does it with a mishap after so many operations. */
  async #until(cut: number | undefined, mishap: Mishap, work: () => Promise<unknown>): Promise<Outcome> {
    const begun = this.files.operations;
    let failed = false;
    this.files.plan = ({ number }) => {
      if (number - begun !== cut) return undefined;
      failed = true;
      return mishap;
    };
    try {
      await work();
      return failed && mishap === 'power-cut' ? 'cut' : 'done';
    } catch (error) {
      if (failed) return mishap === 'power-cut' ? 'cut' : 'failed';
      if (isAtalayaError(error, 'act-refused')) return 'refused';
      throw error;
    } finally {
      this.files.plan = () => undefined;
    }
  }

  async move({ step, mishap, cut, cutAgain }: Move): Promise<void> {
    const outcome = await this.#until(cut, mishap, () => this.#do(step, cut));
    this.#learn(step, outcome);
    if (outcome === 'cut') this.files = this.files.survivors(this.random);
    // What was begun and failed is looked at anew; a decision that failed is left as it is.
    const begun = step.kind === 'install' || step.kind === 'try' || step.kind === 'goBack';
    if (outcome === 'cut' || step.kind === 'restart' || (outcome === 'failed' && begun)) {
      if (cutAgain !== undefined) {
        let start: Start | undefined;
        const again = await this.#until(cutAgain, 'power-cut', async () => {
          start = await startOf(this.files, root, image);
        });
        if (again === 'cut') this.files = this.files.survivors(this.random);
        else await this.#started(start);
      }
      await this.#started(await startOf(this.files, root, image));
    }
    await this.#check();
  }

  async #do(step: Step, cut: number | undefined): Promise<void> {
    switch (step.kind) {
      case 'install': {
        this.#tags += 1;
        const tag = `v${this.#tags}`;
        const { slot, folder } = await this.slots.prepare();
        if (this.known.confirmed.has(slot) && this.known.confirmed.size === 1)
          throw new Error('prepared the confirmed');
        if (slot === this.running) throw new Error('prepared the running slot');
        this.inSlot.delete(slot);
        this.installed = undefined;
        await fillSlot(this.files, `${folder}/program`, tag);
        this.completed.add(tag);
        this.inSlot.set(slot, tag);
        await this.slots.complete(slot, madeRecord(tag));
        this.installed = slot;
        return;
      }
      case 'try':
        return this.slots.startTrial(this.installed ?? 'b', step);
      case 'goBack':
        return this.slots.goBack(step);
      case 'confirm':
        return this.slots.confirm();
      case 'rollBack':
        return this.slots.rollBack('the self-test did not hold');
      case 'guard':
        if (await guardOf(this.files, root)) {
          this.known = { ...this.known, over: true };
          if (cut === undefined) await this.#started(await startOf(this.files, root, image));
        }
        return;
      case 'restart':
        return;
    }
  }

  #learn(step: Step, outcome: Outcome): void {
    if (outcome === 'refused') return;
    const { confirmed, trial } = this.known;
    if (step.kind === 'confirm' && trial !== undefined && this.running === trial.slot) {
      if (outcome === 'done') this.known = { confirmed: new Set([trial.slot]), trial: undefined, over: true };
      else this.known = { ...this.known, confirmed: new Set([...confirmed, trial.slot]) };
    }
    if (step.kind === 'rollBack' && outcome === 'done') this.known = { confirmed, trial: undefined, over: true };
    // While one is on no other begins, wherever the power fails.
    if ((trial === undefined || outcome === 'done') && (step.kind === 'try' || step.kind === 'goBack')) {
      const slot = step.kind === 'try' ? (this.installed ?? 'b') : undefined;
      // The slot that one goes back to is seen when it starts.
      const others = (['a', 'b', 'image'] as const).filter((one) => !confirmed.has(one));
      this.known = {
        confirmed,
        trial: { slot: slot ?? others.find((one) => this.inSlot.has(one)) ?? 'image', starts: step.starts, seen: 0 },
        over: false,
      };
      if (slot === undefined) this.goneBack = true;
    }
  }

  /** A slot that was gone back to is not known before it starts. */
  goneBack = false;

  async #started(start: Start | undefined): Promise<void> {
    if (start === undefined) throw new Error('nothing was started');
    const { slot, trial } = start;
    const { known } = this;
    const tag = await tagOf(this.files, slot === 'image' ? image : `${root}/${slot}/program`);
    if (tag === undefined || !this.completed.has(tag) || this.inSlot.get(slot) !== tag) {
      throw new Error(`slot ${slot} was started, which has ${tag} and should have ${this.inSlot.get(slot)}`);
    }
    if (trial) {
      if (known.trial === undefined || known.over) throw new Error(`a trial of ${slot} began again that was over`);
      if (this.goneBack) this.known = { ...known, trial: { ...known.trial, slot } };
      this.goneBack = false;
      const now = this.known.trial;
      if (now === undefined || now.slot !== slot) throw new Error(`${slot} was tried, and not ${now?.slot}`);
      if (now.seen === now.starts) throw new Error(`${slot} was tried more than ${now.starts} times`);
      this.known = {
        confirmed: new Set([...known.confirmed].filter((one) => one !== slot)),
        trial: { ...now, seen: now.seen + 1 },
        over: false,
      };
    } else {
      if (!known.confirmed.has(slot)) throw new Error(`${slot} was started, and not ${[...known.confirmed]}`);
      this.known = { confirmed: new Set([slot]), trial: undefined, over: true };
    }
    this.running = slot;
    this.slots = this.#open();
  }

  /** What runs and what is confirmed is whole, at every moment. */
  async #check(): Promise<void> {
    for (const slot of [this.running, ...(this.known.confirmed.size === 1 ? this.known.confirmed : [])]) {
      const tag = await tagOf(this.files, slot === 'image' ? image : `${root}/${slot}/program`);
      if (tag === undefined || tag !== this.inSlot.get(slot)) throw new Error(`slot ${slot} was touched: ${tag}`);
    }
    const { confirmed, running } = await this.slots.state();
    if (!this.known.confirmed.has(confirmed.slot)) throw new Error(`${confirmed.slot} is said to be confirmed`);
    if (running.slot !== this.running) throw new Error(`${running.slot} is said to run`);
  }
}

async function freshDisk(): Promise<MemoryTreeFiles> {
  const files = new MemoryTreeFiles();
  await makeFolders(files, root);
  await fillSlot(files, image, 'shipped');
  await files.syncTree('/');
  return files;
}

test('whenever the power fails, the next start finds a whole program: the confirmed one, or the one on trial as often as it may', async (t) => {
  const seen = { trials: 0, confirmed: 0 };
  await fc.assert(
    fc.asyncProperty(moves, fc.integer(), async (all, seed) => {
      const unit = new Unit(await freshDisk(), seed);
      for (const one of all) {
        await unit.move(one);
        if (unit.known.trial !== undefined && unit.running === unit.known.trial.slot) seen.trials += 1;
        if (unit.running !== 'image' && unit.known.confirmed.has(unit.running)) seen.confirmed += 1;
      }
    }),
    { numRuns: 1200 },
  );
  t.log(`steps with a slot on trial running ${seen.trials}, with a confirmed one ${seen.confirmed}`);
  t.true(seen.trials > 50 && seen.confirmed > 50);
});
