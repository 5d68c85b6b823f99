import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import type { VerifiedJob } from '../contract/parts.ts';
import { reasonLine, reasonOf, refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import { type HeldJob, mostKept, type UpdateState } from './update-state.ts';

export type Checked = VerifiedJob | UpdateRefused | { readonly kind: 'none' };

/** What a look at the director came to: `nothing`: what it says is done already, or is being done. */
export type Taken = { readonly kind: 'taken'; readonly job: string } | { readonly kind: 'nothing' } | UpdateRefused;

/** What metadata that was looked at changes. `stick`: the folder that it came from, by a person who wants to know. */
export function takeCheck(
  state: UpdateState,
  checked: Checked,
  { at, stick }: { readonly at: string; readonly stick: string | undefined },
): { readonly state: UpdateState; readonly taken: Taken } {
  if (checked.kind === 'none') return { state, taken: { kind: 'nothing' } };
  if (checked.kind === 'refused') return { state: withRefusal(state, checked, at), taken: checked };
  const { job, install, patches } = checked;
  const ended = state.ended.findLast((one) => one.job === job.id);
  if (ended !== undefined) {
    // The metadata names its newest job for as long as there is no newer one: that alone is no replay.
    if (stick === undefined && newest(state) === ended) return { state, taken: { kind: 'nothing' } };
    const refused = refusedUpdate('job-replayed', `job ${job.id} has ${ended.outcome} on ${ended.at}`);
    return { state: withRefusal(state, refused, at), taken: refused };
  }
  const before = state.job;
  if (before?.job.id === job.id) return takeAgain(state, before, checked, { at, stick });
  const held: HeldJob = {
    job,
    install: install.map(plain),
    patches: patches.map(plain),
    taken: at,
    begun: false,
    passed: [],
    faults: 0,
    ...(stick === undefined ? {} : { stick }),
  };
  const after = before === undefined ? state : withoutJob(state, before, job.id, at);
  return { state: { ...after, job: held, litter: true }, taken: { kind: 'taken', job: job.id } };
}

/** The job that ended last; what a person went back to is none, and has no nonce here. */
const newest = ({ ended }: UpdateState): UpdateState['ended'][number] | undefined =>
  ended.findLast((one) => one.nonce !== undefined) ?? ended.at(-1);

/** The same job, looked at again: it must not have become another; where it comes from may be another now. */
function takeAgain(
  state: UpdateState,
  before: HeldJob,
  { job, install, patches }: VerifiedJob,
  { at, stick }: { readonly at: string; readonly stick: string | undefined },
): { readonly state: UpdateState; readonly taken: Taken } {
  if (contentOf(before) !== contentOf({ job, install: install.map(plain) })) {
    const refused = refusedUpdate('job-contradictory', `job ${job.id} is another than when it was first seen`);
    return { state: withRefusal(state, refused, at), taken: refused };
  }
  const held: HeldJob = { ...before, patches: patches.map(plain), ...(stick === undefined ? {} : { stick }) };
  const same = contentOf(before.patches) === contentOf(held.patches) && before.stick === held.stick;
  return {
    state: same ? state : { ...state, job: held },
    taken: stick === undefined ? { kind: 'nothing' } : { kind: 'taken', job: job.id },
  };
}

/** What is remembered of a target, and nothing that whoever checked it may have put beside it. */
const plain = ({ target, length, sha256, description }: Target): Target => ({ target, length, sha256, description });

const contentOf = (what: Pick<HeldJob, 'job' | 'install'> | HeldJob['patches']): string =>
  canonicalJson((Array.isArray(what) ? what : { job: what.job, install: what.install }) as unknown as JsonValue);

const withoutJob = (state: UpdateState, { job }: HeldJob, by: string, at: string): UpdateState => ({
  ...state,
  ended: [
    ...state.ended,
    {
      job: job.id,
      nonce: job.nonce,
      outcome: 'canceled' as const,
      at,
      reasons: [`job ${by} has taken its place`],
      told: false,
    },
  ].slice(-mostKept),
});

/** Within this a refusal of the same code is the same one, ms. */
const sameWithin = 24 * 3_600_000;
const codeOf = (reason: string): string => reason.split(':', 1)[0] ?? '';

/**
 * The same refusal again and again is one, whatever its words: who can only make checks fail fills no ledger with it. So there are no more in a
 * day than there are codes.
 */
function withRefusal(state: UpdateState, refused: UpdateRefused, at: string): UpdateState {
  const before = state.refusals.findLast(({ reason }) => codeOf(reason) === refused.code);
  if (before !== undefined && Math.abs(Date.parse(at) - Date.parse(before.at)) < sameWithin) return state;
  const reason = reasonLine(reasonOf(refused));
  return { ...state, refusals: [...state.refusals, { at, reason, told: false }].slice(-mostKept) };
}
