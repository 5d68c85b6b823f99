import type { SlotRecord } from '../contract/bundle.ts';
import type { UpdateJob } from '../contract/job.ts';
import { type RefusalCode, reasonOf, refusedUpdate } from '../contract/refusals.ts';
import type { SlotView } from '../contract/slots.ts';
import type { Target } from '../contract/target.ts';
import { leftOfDay, waitForNextDay } from './bytes-of-day.ts';
import { chooseRoutes, type Route } from './choose-route.ts';
import { unfit } from './fit-parts.ts';
import { beginOf } from './spread-begin.ts';
import type { HeldJob, UpdateState } from './update-state.ts';
import { type Building, type Carried, partKey, type UpdateFacts, type UpdateStep } from './update-step.ts';
import { closesAt, isOpen, nextDay, opensAt, type WindowSets } from './windows.ts';

/** Bytes that stay free beside an update. */
const roomKept = 32 * 2 ** 20;
const soon = 30_000;
/** Times that the installation of a job is begun: one that kills the process, or the machine, never says so. */
const mostPrepares = 10;

/** What the newest job asks for while none is on trial. */
export function planJob(held: HeldJob, state: UpdateState, facts: UpdateFacts): UpdateStep {
  const { job } = held;
  const { now, slots } = facts;
  if (job.install.length === 0) return end(job, 'canceled', []);
  if (inForce(held.install, slots.confirmed)) return end(job, 'succeeded', []);
  if (!facts.clockGood)
    return wait(now + soon, 'clock-not-good: no time source vouches for the clock, and the job has its time');
  if (!held.begun && now > Date.parse(job.expires)) return refuse(job, 'job-expired', `it ran out on ${job.expires}`);
  const sets = setsOf(held, facts.limits);
  const begins = held.stick === undefined ? beginOf(job, sets, facts.unit) : Date.parse(job.notBefore ?? job.issued);
  if (!held.begun && now < begins) return wait(begins, 'not-yet: the begin of this unit was drawn');
  const closed = whyLater(held, { ...facts, linked: true });
  if (closed !== undefined) return closed;
  const ready = slots.others.find((view) => holdsJob(held, view));
  if (facts.building === undefined && ready !== undefined) {
    if (ready.slot === 'image') return wait(now + soon, 'internal: the image holds the job');
    const later = whyLater(held, { ...facts, linked: facts.source !== undefined });
    return later ?? { kind: 'switch', slot: ready.slot, job: job.id };
  }
  return fetchOrBuild(held, state, facts, sets);
}

const setsOf = ({ job, stick }: HeldJob, { windows }: UpdateFacts['limits']): WindowSets =>
  stick === undefined ? [job.windows, windows] : [];

/**
 * Why what came by the link is not tried now; undefined where it may be. A trial has to reach the centre, and its time would be used up while nobody
 * can. Whoever brings a stick may bring what mends the link.
 */
export function whyLater(
  held: HeldJob,
  { now, limits, linked }: Pick<UpdateFacts, 'now' | 'limits'> & { readonly linked: boolean },
): UpdateStep | undefined {
  const sets = setsOf(held, limits);
  if (!isOpen(sets, now)) {
    const opens = opensAt(sets, now);
    if (opens === undefined) return wait(nextDay(now), 'outside-windows: those of the job and of the unit never meet');
    return wait(opens, 'outside-windows');
  }
  if (linked || held.stick !== undefined) return undefined;
  return wait(now + soon, 'link-down: there is no link, which the trial needs');
}

/** The same parts are there already, by content and by release. */
function inForce(install: readonly Target[], { record }: SlotView): boolean {
  return install.every(({ description: { kind, name, release, tree } }) =>
    record?.parts.some(
      (part) => part.kind === kind && part.name === name && part.release === release && part.tree === tree.sha256,
    ),
  );
}

const holdsJob = ({ job, install }: HeldJob, view: SlotView): boolean =>
  view.record?.job === job.id && inForce(install, view);

function fetchOrBuild(held: HeldJob, state: UpdateState, facts: UpdateFacts, sets: WindowSets): UpdateStep {
  const routes = chooseRoutes(held, facts.running.trees);
  const building = facts.building?.job === held.job.id ? facts.building : undefined;
  const kept = carriedParts(held, facts.slots.running);
  if (building === undefined) {
    const { prepares = 0 } = held;
    if (prepares >= mostPrepares)
      return end(held.job, 'failed', [
        `internal: its installation was begun ${prepares} times and broken off each time`,
      ]);
    const tight = roomFor(held, routes, kept, facts);
    if (tight !== undefined) return tight;
  }
  for (const { file } of routes) {
    if (facts.ready[file.sha256] === undefined) return fetch(held, file, state, facts, sets);
  }
  if (building === undefined) return { kind: 'prepare' };
  return build(held, routes, kept, building, facts);
}

function roomFor(
  { job }: HeldJob,
  routes: readonly Route[],
  kept: readonly Carried[],
  { have, room, freed, freeable, running }: UpdateFacts,
): UpdateStep | undefined {
  const download = sum(routes.map(({ file }) => Math.max(0, file.length - (have[file.sha256] ?? 0))));
  const trees = sum(routes.map(({ target }) => target.description.tree.length));
  const copies = sum(kept.map((part) => running.bytes[partKey(part)] ?? 0));
  const need = download + trees + copies + roomKept;
  if (room >= need) return undefined;
  // The way back is given up only where that makes the room that is needed.
  if (!freed && room + freeable >= need) return { kind: 'clean', free: true };
  return refuse(
    job,
    'no-room',
    `${download} bytes of download, ${trees + copies} of the slot and ${roomKept} beside them are needed, ${room} are free${
      freed ? '' : ` and ${freeable} in the slot that may be written`
    }`,
  );
}

function fetch(
  { job, stick }: HeldJob,
  file: Target,
  state: UpdateState,
  { now, have, source, limits, missed }: UpdateFacts,
  sets: WindowSets,
): UpdateStep {
  const left = file.length - (have[file.sha256] ?? 0);
  const until = closesAt(sets, now);
  const download = {
    kind: 'download',
    target: file,
    from: source,
    until: source === 'stick' ? undefined : until,
  } as const;
  if (left <= 0) return { ...download, most: undefined };
  if (source === undefined)
    return wait(now + soon, stick === undefined ? 'link-down: there is no link' : `link-down: ${stick} is not there`);
  if (source === 'stick') return { ...download, most: undefined };
  const metered: WindowSets = [job.windows, limits.windows];
  if (!isOpen(metered, now))
    return wait(opensAt(metered, now) ?? nextDay(now), `outside-windows: ${stick} is not there`);
  if (missed?.sha256 === file.sha256 && missed.at > now) return wait(missed.at, missed.reason);
  const perDay = Math.min(job.bytesPerDay ?? Infinity, limits.bytesPerDay ?? Infinity);
  const most = leftOfDay(state, now, perDay);
  if (most <= 0) return waitForNextDay(now, perDay);
  return { ...download, most: most === Infinity ? undefined : most };
}

function build(
  { job }: HeldJob,
  routes: readonly Route[],
  kept: readonly Carried[],
  building: Building,
  { running }: UpdateFacts,
): UpdateStep {
  const there = new Set(building.parts.map(({ part }) => partKey(part)));
  const next = routes.find(({ target }) => !there.has(partKey(target.description)));
  if (next !== undefined) return { kind: 'install', target: next.target, file: next.file };
  const carry = kept.find((part) => !there.has(partKey(part)));
  if (carry !== undefined) return { kind: 'carry', part: carry };
  const refused = unfit(
    building.parts.map(({ manifest }) => manifest),
    running.reads,
  );
  if (refused !== undefined) return end(job, 'refused', [reasonOf(refused)]);
  const parts = building.parts.map(({ part }) => part).sort((a, b) => rank(a) - rank(b));
  const record: Omit<SlotRecord, 'at'> = { schema: 'atalaya/slot/1', job: job.id, parts };
  return { kind: 'complete', slot: building.slot, record };
}

const rank = ({ kind }: SlotRecord['parts'][number]): number => (kind === 'program' ? 0 : 1);

/** What of the running slot no target of the job takes the place of; of the image its program alone. */
function carriedParts({ install }: HeldJob, { record, program, components }: SlotView): readonly Carried[] {
  const replaced = new Set(install.map(({ description }) => partKey(description)));
  const parts = record?.parts ?? [{ kind: 'program', name: 'unit' } as const];
  // A program of another name takes the place of the program all the same: a slot has one.
  const another = install.some(({ description: { kind } }) => kind === 'program');
  return parts
    .filter((part) => !replaced.has(partKey(part)) && !(part.kind === 'program' && another))
    .map(({ kind, name }) => ({
      kind,
      name,
      from: kind === 'program' ? program : `${components ?? ''}/${kind}/${name}`,
    }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const wait = (until: number, reason: string): UpdateStep => ({ kind: 'wait', until, reason });
const end = (
  { id }: UpdateJob,
  outcome: 'succeeded' | 'refused' | 'failed' | 'canceled',
  reasons: readonly string[],
): UpdateStep => ({
  kind: 'end',
  job: id,
  outcome,
  reasons,
});
const refuse = (job: UpdateJob, code: RefusalCode, detail: string): UpdateStep =>
  end(job, 'refused', [reasonOf(refusedUpdate(code, detail))]);
