import fc from 'fast-check';
import { type DailyWindow, updateJob } from '../../contract/job.ts';
import type { SlotsState, SlotView } from '../../contract/slots.ts';
import type { Target } from '../../contract/target.ts';
import { madeJob, madeNow, madePatch, madeTarget } from '../../trust/testing/made-repositories.ts';
import { emptyState, type HeldJob, jobOutcomes, type TrialRecord, type UpdateState } from '../update-state.ts';
import type { PersonsWord, UpdateFacts, UpdateStep } from '../update-step.ts';

/** All that a plan is made from, for properties of plans. */

const hour = 3_600_000;
const time = fc
  .integer({ min: 0, max: 24 * 12 - 1 })
  .map((five) => `${String(Math.floor(five / 12)).padStart(2, '0')}:${String((five % 12) * 5).padStart(2, '0')}`);
const windows = fc.oneof(
  { weight: 2, arbitrary: fc.constant<DailyWindow[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.record({ from: time, to: time }), { maxLength: 3 }) },
);
/** Mostly the one, so that most plans come to the job. */
const mostly = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const old = madeTarget(1);
/** What most jobs want. */
export const fresh = madeTarget(2);
const model = madeTarget(4, { kind: 'model', name: 'cars' });
const patch = madePatch(fresh, old);

const viewOf = (slot: 'a' | 'b', targets: readonly (typeof old)[], job: string): SlotView => ({
  slot,
  program: `/data/program/${slot}/program`,
  components: `/data/program/${slot}/components`,
  record: {
    schema: 'atalaya/slot/1',
    job,
    at: '2026-01-01T00:00:00Z',
    parts: targets.map(({ target, sha256: digest, description: { kind, name, version, release, tree } }) => ({
      ...{ kind, name, version, release, target, sha256: digest, tree: tree.sha256 },
    })),
  },
});

/** Jobs, mostly ones that may be worked on. */
export const heldJobs = fc
  .record({
    number: fc.integer({ min: 1, max: 3 }),
    install: fc.constantFrom<Target[]>([fresh], [fresh, model], [model], [old], []),
    patches: fc.constantFrom<Target[]>([], [patch]),
    windows,
    spreadSeconds: fc.constantFrom(0, 600, 86_400),
    bytesPerDay: fc.option(fc.integer({ min: 65_536, max: 10_000_000 }), { nil: undefined }),
    begun: fc.boolean(),
    stick: fc.boolean(),
  })
  .map(
    ({ number, install, patches, begun, stick, bytesPerDay, ...rest }): HeldJob => ({
      job: updateJob.parse(
        madeJob(install, number, madeNow, { ...rest, ...(bytesPerDay === undefined ? {} : { bytesPerDay }) }),
      ),
      install,
      patches,
      begun,
      taken: '2026-03-01T12:00:00Z',
      passed: [],
      faults: 0,
      ...(stick ? { stick: '/media/usb' } : {}),
    }),
  );

/** The confirmed slot, with the old release. */
export const slotA = viewOf('a', [old], 'job-0000');
const slots: fc.Arbitrary<SlotsState> = fc.constantFrom<SlotsState>(
  { confirmed: slotA, running: slotA, others: [] },
  { confirmed: slotA, running: slotA, others: [viewOf('b', [fresh], 'job-0001')] },
  { confirmed: slotA, running: slotA, others: [viewOf('b', [fresh, model], 'job-0002')] },
  {
    confirmed: slotA,
    running: slotA,
    others: [viewOf('b', [old], 'job-0003')],
    rolledBack: { slot: 'b', reason: 'no' },
  },
  { confirmed: viewOf('b', [fresh], 'job-0001'), running: viewOf('b', [fresh], 'job-0001'), others: [slotA] },
  { confirmed: slotA, running: viewOf('b', [fresh], 'job-0001'), others: [] },
  ...(['a', 'b', 'b', 'b'] as const).map((running) => ({
    confirmed: slotA,
    others: [],
    running: running === 'a' ? slotA : viewOf('b', [fresh], 'job-0001'),
    trial: { slot: viewOf('b', [fresh], 'job-0001'), startsLeft: 2, minutesLeft: 9 },
  })),
);

const trialRecord: fc.Arbitrary<TrialRecord> = fc.record({
  slot: mostly<'a' | 'b'>('b', fc.constant('a')),
  job: mostly('job-0001', fc.constant('job-0002')),
  holdSeconds: fc.constant(60),
  deadlineSeconds: fc.constant(300),
  starts: fc.constant(3),
  usedSeconds: fc.integer({ min: 0, max: 400 }),
  tries: fc.integer({ min: 0, max: 3 }),
  restarts: fc.integer({ min: 0, max: 4 }),
  announced: fc.boolean(),
});

/** What is remembered. */
export const states: fc.Arbitrary<UpdateState> = fc
  .record({
    job: fc.option(heldJobs, { nil: undefined }),
    trial: fc.option(trialRecord, { nil: undefined, freq: 2 }),
    ended: fc.array(
      fc.record({
        job: fc.constantFrom('job-0001', 'job-0002', 'job-0003'),
        outcome: fc.constantFrom(...jobOutcomes),
        at: fc.constant('2026-03-01T11:00:00Z'),
        reasons: fc.constant<string[]>([]),
        told: mostly(true, fc.constant(false)),
      }),
      { maxLength: 3 },
    ),
    bytes: fc.record({
      day: fc.constantFrom('2026-03-01', '2026-03-02', ''),
      bytes: fc.integer({ min: 0, max: 20_000_000 }),
    }),
    litter: mostly(false, fc.constant(true)),
  })
  .map(
    ({ job, trial, ended, ...rest }): UpdateState => ({
      ...emptyState,
      ...rest,
      ended: ended.filter((one) => one.job !== job?.job.id),
      ...(job === undefined ? {} : { job }),
      ...(trial === undefined ? {} : { trial }),
    }),
  );

/** What is the case. */
export const facts: fc.Arbitrary<UpdateFacts> = fc
  .record({
    now: fc.integer({ min: madeNow - 30 * hour, max: madeNow + 200 * hour }),
    clockGood: mostly(true, fc.constant(false)),
    slots,
    had: fc.integer({ min: 0, max: 6000 }),
    ready: fc.subarray([fresh, model, patch, old]),
    source: fc.constantFrom(undefined, 'link' as const, 'stick' as const),
    check: mostly<'link' | undefined>(undefined, fc.constant('link')),
    room: mostly(2 ** 32, fc.constantFrom(0, 2 ** 25)),
    freed: fc.boolean(),
    checkIn: mostly(hour, fc.integer({ min: -hour, max: hour })),
    freeable: fc.constantFrom(0, 2 ** 26),
    faulted: mostly<UpdateStep['kind'] | undefined>(
      undefined,
      fc.constantFrom<UpdateStep['kind']>('test', 'roll-back', 'confirm', 'download', 'end'),
    ),
    missed: fc.constantFrom<Target | undefined>(undefined, fresh, patch),
    windows,
    failing: fc.constantFrom<readonly string[] | undefined>(undefined, [], ['camera: no frames']),
    heldSeconds: fc.integer({ min: 0, max: 100 }),
    usedSeconds: fc.integer({ min: 0, max: 400 }),
    testIn: fc.integer({ min: -5000, max: 5000 }),
    leaving: mostly(false, fc.constant(true)),
    word: mostly<PersonsWord | undefined>(
      undefined,
      fc.constantFrom<PersonsWord>({ kind: 'confirm' }, { kind: 'roll-back', reason: 'x' }),
    ),
  })
  .map(
    ({
      had,
      ready,
      windows: ours,
      failing,
      heldSeconds,
      usedSeconds,
      testIn,
      faulted,
      missed,
      checkIn,
      ...rest
    }): UpdateFacts => ({
      unit: 'unit-1',
      ...rest,
      have: Object.fromEntries(
        [old, fresh, model, patch].map(({ sha256: digest, length }) => [digest, Math.min(had, length)]),
      ),
      ready: Object.fromEntries(ready.map(({ sha256: digest }) => [digest, `/data/downloads/${digest}`])),
      nextCheck: rest.now + checkIn,
      mayReport: true,
      resume: faulted === undefined ? undefined : { at: rest.now + 9000, reason: 'store-full: no', of: faulted },
      missed:
        missed === undefined
          ? undefined
          : { sha256: missed.sha256, at: rest.now + 9000, reason: 'target-absent: not yet' },
      running: {
        trees: { 'program/unit': old.description.tree.sha256 },
        bytes: { 'program/unit': 10_000 },
        reads: [1],
      },
      building: undefined,
      trial: { usedSeconds, heldSeconds, failing, asBefore: [], testAt: rest.now + testIn },
      restartAsked: false,
      forgot: false,
      limits: { windows: ours },
    }),
  );
