import test from 'ava';
import fc from 'fast-check';
import type { KeeperInput } from './keeper-plan.ts';
import { stateAfter } from './keeper-plan.ts';
import { firstState, type KeeperState, keeperState } from './keeper-state.ts';
import { planConfig, trialBoots } from './plan-config.ts';

const at = '2026-03-01T12:00:00.000Z';
const digestOf = (version: number) => version.toString(16).padStart(64, '0');
const person = { name: 'Ana', role: 'supervisor' as const, key: 'a'.repeat(64) };

const probe = fc.record({ brokerReached: fc.boolean(), framesSeen: fc.boolean(), evidenceSealed: fc.boolean() });

/** Versions are given as steps above the highest, so that every accepted one is. */
const input: fc.Arbitrary<KeeperInput> = fc.oneof(
  fc.constantFrom<KeeperInput>({ kind: 'started', at }, { kind: 'known', at }, { kind: 'applied', at }),
  fc.nat(3).map(
    (above): KeeperInput => ({
      kind: 'accepted',
      at,
      ref: { version: above + 1, sha256: digestOf(above) },
      text: Buffer.from(''),
      issued: at,
      note: undefined,
      person,
      changed: ['flags.strobe'],
      probationMs: 60_000,
    }),
  ),
  fc.tuple(fc.nat(40), fc.boolean()).map(
    ([version, known]): KeeperInput => ({
      kind: 'refused',
      at,
      version: version + 1,
      sha256: digestOf(version),
      refusals: [{ code: 'expired', words: 'it expired' }],
      person: known ? person : undefined,
    }),
  ),
  fc.record({
    kind: fc.constant('watched' as const),
    at: fc.constant(at),
    spentMs: fc.nat(90_000),
    probe: fc.option(probe, { nil: undefined }),
    sealFault: fc.constant(undefined),
  }),
  fc.constantFrom<KeeperInput>(
    { kind: 'failed', at, refusal: { code: 'apply-failed', words: 'it failed' } },
    { kind: 'lost', at, refusal: { code: 'document-lost', words: 'it is lost' } },
  ),
  fc
    .tuple(fc.option(fc.nat(10), { nil: undefined }), fc.uuid())
    .map(([to, request]): KeeperInput => ({ kind: 'returned', at, to, by: 'ana', request })),
);

function accepted(state: KeeperState, one: KeeperInput): KeeperInput {
  if (one.kind !== 'accepted') return one;
  const version = (state.highest?.version ?? 0) + one.ref.version;
  return { ...one, ref: { version, sha256: digestOf(version) } };
}

test('whatever comes, in whatever order: what is in force was accepted, and was not given back', (t) => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
      let state = firstState(at);
      const good = new Set<number>();
      const gone = new Set<number>();
      for (const one of inputs) {
        const next = accepted(state, one);
        const before = state;
        const steps = planConfig(before, next);
        state = stateAfter(before, steps);
        if (next.kind === 'accepted') good.add(next.ref.version);

        t.true(keeperState.safeParse(state).success);
        t.true((state.highest?.version ?? 0) >= (before.highest?.version ?? 0), 'the highest version never sinks');
        for (const ref of [state.trial, state.confirmed]) {
          if (ref === null) continue;
          t.true(good.has(ref.version));
          t.false(gone.has(ref.version));
          t.true(
            state.history.some(({ version }) => version === ref.version),
            'its document is kept',
          );
        }
        t.true((state.trial?.boots ?? 0) <= trialBoots);
        // What is taken into use is remembered before, and what is given up before it is taken out of use.
        const apply = steps.findIndex(({ kind }) => kind === 'apply');
        if (apply >= 0) t.true(steps.slice(0, apply).some(({ kind }) => kind === 'remember'));
        if (before.trial !== null && state.trial === null && state.confirmed?.version !== before.trial.version) {
          gone.add(before.trial.version);
          t.true(apply >= 0, 'a trial that ends badly is taken out of use');
        }
        if (before.trial !== null && state.trial !== null && state.trial.version !== before.trial.version)
          gone.add(before.trial.version);
        if (before.confirmed !== null && state.confirmed?.version !== before.confirmed.version) {
          const forward = state.confirmed !== null && state.confirmed.version > before.confirmed.version;
          if (!forward) gone.add(before.confirmed.version);
        }
        if (next.kind === 'refused' && next.version !== undefined && !good.has(next.version)) {
          t.deepEqual([state.trial, state.confirmed, state.highest], [before.trial, before.confirmed, before.highest]);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('only a unit that has done everything confirms', (t) => {
  fc.assert(
    fc.property(probe, fc.nat(120_000), fc.boolean(), (seen, spentMs, started) => {
      const trial = {
        version: 1,
        sha256: digestOf(1),
        begun: at,
        probationMs: 60_000,
        spentMs: 0,
        boots: 1,
        applied: true,
      };
      const state: KeeperState = { ...firstState(at), highest: { version: 1, sha256: digestOf(1) }, trial };
      const watched = {
        kind: 'watched' as const,
        at,
        spentMs,
        probe: started ? seen : undefined,
        sealFault: undefined,
      };
      const after = stateAfter(state, planConfig(state, watched));
      const all = started && seen.brokerReached && seen.framesSeen && seen.evidenceSealed;
      t.is(after.confirmed?.version, all ? 1 : undefined);
      t.is(after.trial === null, all || spentMs >= 60_000);
      t.is(after.last.reasons.length > 0, !all && spentMs >= 60_000);
    }),
  );
});
