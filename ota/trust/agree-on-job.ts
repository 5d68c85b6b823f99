import type { Targets } from '@tufjs/models';
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { directorField, type UpdateJob } from '../contract/job.ts';
import type { VerifiedJob } from '../contract/parts.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { RepositoryName } from '../contract/repository.ts';
import { type Target, target as targetShape } from '../contract/target.ts';
import { componentKey, type Floors } from './floors.ts';
import { isRefused } from './read-metadata.ts';

export interface JobQuestion {
  /** Signed by the targets roles; every clause of the specification has been checked. */
  readonly director: Targets;
  readonly image: Targets;
  readonly unit: string;
  /** Names that this machine goes by. */
  readonly hardware: readonly string[];
  readonly floors: Floors;
  /** Whether `floors.job` still stands. */
  readonly jobFloorStands: boolean;
  /** Milliseconds since the epoch; what has passed at this time has passed. */
  readonly now: number;
  /** Whether `now` is the time of a disciplined clock, so that what lies after it has not come yet. */
  readonly nowIsGood: boolean;
  /** A job that the unit is at or through with already; not refused for being late. */
  readonly begun: string | undefined;
}

/** How far a job may be dated ahead of this unit's clock: clocks differ by seconds, and a wrong time zone by less than a day. */
const aheadAtMost = 86_400_000;

/**
 * What both repositories together tell this unit to become (Uptane, full verification: the director's word counts only where the image
 * repository has the same target with the same length, hash and description), or the one reason why it does not obey.
 */
export function agreeOnJob(question: JobQuestion): VerifiedJob | UpdateRefused {
  const job = readJob(question);
  if (isRefused(job)) return job;
  return install(question, job) ?? late(question, job) ?? verified(question, job);
}

type Reading = UpdateJob & { readonly kind: 'job' };

function readJob({ director, unit, floors, jobFloorStands, now, nowIsGood }: JobQuestion): Reading | UpdateRefused {
  const { atalaya: field } = director.unrecognizedFields;
  const claimed = z.looseObject({ unit: z.string() }).safeParse(field);
  if (claimed.success && claimed.data.unit !== unit)
    return refusedUpdate('wrong-unit', 'the metadata of the director is of another unit');
  const read = directorField.safeParse(field);
  if (!read.success)
    return refusedUpdate('description-malformed', `the director's field atalaya: ${faultOf(read.error)}`);
  const { job } = read.data;
  const contradiction = contradictionOf(job);
  if (contradiction !== undefined) return refusedUpdate('job-contradictory', `job ${job.id} ${contradiction}`);
  if (nowIsGood && Date.parse(job.issued) > now + aheadAtMost)
    return refusedUpdate('job-contradictory', `job ${job.id} is issued at ${job.issued}, which is days ahead`);
  const newest = jobFloorStands ? floors.job : undefined;
  if (newest !== undefined && newest.id !== job.id && Date.parse(job.issued) < Date.parse(newest.issued))
    return refusedUpdate('job-replayed', `job ${job.id} was issued before ${newest.id}, which was accepted already`);
  return { kind: 'job', ...job };
}

function contradictionOf({ install, issued, notBefore, expires }: UpdateJob): string | undefined {
  if (new Set(install).size !== install.length) return 'names one target twice';
  if (Date.parse(expires) <= Date.parse(issued)) return 'has run out before it was issued';
  if (notBefore !== undefined && Date.parse(notBefore) >= Date.parse(expires)) return 'has run out before it may begin';
  return undefined;
}

/** Whether each target may be installed here, all of them together. */
function install(question: JobQuestion, job: Reading): UpdateRefused | undefined {
  const components = new Set<string>();
  for (const name of job.install) {
    const agreed = agreedTarget(question, name);
    if (isRefused(agreed)) return agreed;
    const { target } = agreed;
    const { description } = target;
    if (description.patchFrom !== undefined)
      return refusedUpdate('job-contradictory', `job ${job.id} installs ${name}, which is a patch`);
    const component = componentKey(description);
    if (components.has(component))
      return refusedUpdate('job-contradictory', `job ${job.id} installs two targets of ${component}`);
    components.add(component);
    const unfit = unfitness(question, target);
    if (unfit !== undefined) return unfit;
  }
  return [...components].filter((one) => one.startsWith('program/')).length > 1
    ? refusedUpdate('job-contradictory', `job ${job.id} installs two programs`)
    : undefined;
}

function unfitness(
  { unit, hardware, floors }: JobQuestion,
  { target, description }: Target,
): UpdateRefused | undefined {
  if (description.unit !== undefined && description.unit !== unit)
    return refusedUpdate('wrong-unit', `${target} is for ${description.unit}, and this is ${unit}`);
  if (!description.hardware.some((id) => hardware.includes(id)))
    return refusedUpdate(
      'wrong-hardware',
      `${target} is for ${description.hardware.join(', ')}, and this is ${hardware.join(', ')}`,
    );
  const least = floors.releases[componentKey(description)] ?? 0;
  if (description.release >= least) return undefined;
  return refusedUpdate('release-rollback', `${target} is release ${description.release}, and ${least} is in force`);
}

function late({ now, begun }: JobQuestion, { id, expires }: Reading): UpdateRefused | undefined {
  if (begun === id || now <= Date.parse(expires)) return undefined;
  return refusedUpdate('job-expired', `job ${id} was to be begun until ${expires}`);
}

function verified(question: JobQuestion, { kind: _, ...job }: Reading): VerifiedJob | UpdateRefused {
  const installed: Target[] = [];
  for (const name of job.install) {
    const agreed = agreedTarget(question, name);
    if (isRefused(agreed)) return agreed;
    installed.push(agreed.target);
  }
  const patches = patchesTo(question, installed);
  if (!Array.isArray(patches)) return patches as UpdateRefused;
  installed.sort((a, b) => Number(b.description.kind === 'program') - Number(a.description.kind === 'program'));
  return { kind: 'verified', job, install: installed, patches };
}

/** The director's other targets that make what is installed. A word of his on which the repositories differ is refused, needed or not. */
function patchesTo(question: JobQuestion, installed: readonly Target[]): readonly Target[] | UpdateRefused {
  const patches: Target[] = [];
  for (const name of Object.keys(question.director.targets)) {
    if (installed.some(({ target }) => target === name)) continue;
    const agreed = agreedTarget(question, name);
    if (isRefused(agreed)) return agreed;
    const patch = agreed.target;
    const { patchFrom, ...made } = patch.description;
    if (patchFrom === undefined) continue;
    const whole = installed.find(({ description }) => description.tree.sha256 === made.tree.sha256);
    if (whole === undefined) continue;
    if (!same(made, whole.description))
      return refusedUpdate('job-contradictory', `${name} makes the tree of ${whole.target} and describes another`);
    patches.push(patch);
  }
  return patches;
}

interface Agreed {
  readonly kind: 'agreed';
  readonly target: Target;
}

/** A target that both repositories have and of which they say the same. */
function agreedTarget({ director, image }: JobQuestion, name: string): Agreed | UpdateRefused {
  const directed = entryOf(director, name);
  if (directed === undefined)
    return refusedUpdate('job-contradictory', `the job installs ${name}, which the director does not describe`);
  const published = entryOf(image, name);
  if (published === undefined) return refusedUpdate('target-unknown', `the image repository has no ${name}`);
  const word = readTarget(directed, name, 'director');
  if (isRefused(word)) return word;
  const vouched = readTarget(published, name, 'image');
  if (isRefused(vouched)) return vouched;
  const of =
    difference(word.target, vouched.target) ?? (same(directed.hashes, published.hashes) ? undefined : 'its hashes');
  return of === undefined
    ? word
    : refusedUpdate('repositories-disagree', `the two repositories differ on ${name}: ${of}`);
}

const entryOf = ({ targets }: Targets, name: string): Targets['targets'][string] | undefined =>
  Object.hasOwn(targets, name) ? targets[name] : undefined;

function readTarget(
  { length, hashes, custom }: Targets['targets'][string],
  name: string,
  repository: RepositoryName,
): Agreed | UpdateRefused {
  const { sha256 } = hashes;
  const { atalaya: description } = custom;
  const read = targetShape.safeParse({ target: name, length, sha256, description });
  if (read.success) return { kind: 'agreed', target: read.data };
  return refusedUpdate('description-malformed', `what ${repository} says of ${name}: ${faultOf(read.error)}`);
}

function difference(a: Target, b: Target): string | undefined {
  if (a.length !== b.length) return `${a.length} and ${b.length} bytes`;
  if (a.sha256 !== b.sha256) return 'its hash';
  return same(a.description, b.description) ? undefined : 'its description';
}

const same = (a: unknown, b: unknown): boolean => canonicalJson(a as JsonValue) === canonicalJson(b as JsonValue);

function faultOf({
  issues,
}: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): string {
  const [issue] = issues;
  return `${issue?.path.slice(0, 3).join('.')} ${issue?.message}`.trim();
}
