import test from 'ava';
import type { UpdateJobInput } from '../../contract/job.ts';
import type { RefusalCode } from '../../contract/refusals.ts';
import type { Target } from '../../contract/target.ts';
import { contentOf, type JsonObject, type MadeKey, madeKey, signedMetadata } from './made-keys.ts';
import {
  type MadeRepositories,
  type MadeRepository,
  madeJob,
  madeNow,
  madeRepositories,
  madeTarget,
  one,
  type RoleName,
  targetEntry,
  two,
} from './made-repositories.ts';
import { MadeUnit } from './made-unit.ts';

/**
 * What an attacker may do to metadata, a row each. The unit has accepted a job and confirmed release 2 before; each attack is refused with its
 * own code, leaves every byte that the unit keeps as it was, across a start too, and is over when the honest files are served again.
 */
export interface Attack {
  readonly what: string;
  readonly code: RefusalCode;
  readonly with: (at: Situation) => void;
}

export interface Situation {
  readonly made: MadeRepositories;
  readonly unit: MadeUnit;
  readonly image: MadeRepository;
  readonly director: MadeRepository;
  /** What was served before the newest versions, all of it signed rightly. */
  readonly old: { readonly image: ReadonlyMap<string, Buffer>; readonly director: ReadonlyMap<string, Buffer> };
  /** A key of nobody. */
  readonly thief: MadeKey;
}

export const three = madeTarget(3);
export const day = 86_400_000;
export const past = madeNow - 1000;

/** Content that is signed again by whoever may sign it, and everything above it that has to follow. */
export function resigned(
  repository: MadeRepository,
  role: Exclude<RoleName, 'root'>,
  change: (signed: JsonObject) => JsonObject,
) {
  const { keys } = repository.roles[role];
  repository.publish();
  const file = repository.newest(role);
  repository.files.set(file, signedMetadata(change(contentOf(repository.files.get(file) as Buffer).signed), keys));
  follow(repository, role);
}

/** New versions of what lists a file that was changed. */
export function follow(repository: MadeRepository, role: RoleName): void {
  if (role === 'targets') repository.publishSnapshot();
  if (role !== 'timestamp') repository.publishTimestamp();
}

/** A new version of a role by these keys, and of what lists it by its own. */
export function publishBy(repository: MadeRepository, role: RoleName, signers: readonly MadeKey[]): void {
  if (role === 'root') repository.publishRoot(signers);
  if (role === 'targets') repository.publishTargets(signers);
  if (role === 'snapshot') repository.publishSnapshot(signers);
  if (role === 'timestamp') repository.publishTimestamp(signers);
  if (role !== 'root') follow(repository, role);
}

/** The text of the newest file of a role, changed without a new signature or hash. */
export function respelt(repository: MadeRepository, change: (text: string) => string): void {
  const bytes = repository.publishTimestamp();
  repository.files.set('timestamp.json', Buffer.from(change(bytes.toString())));
}

/** The job and the targets that a thief of all online keys of the director signs. */
export function directed(
  { director, made }: Situation,
  targets: readonly Target[],
  change: { readonly unit?: string; readonly job?: Partial<UpdateJobInput> } = {},
): void {
  director.targets.clear();
  for (const target of targets) director.targets.set(target.target, targetEntry(target));
  const job = madeJob(targets, 9, madeNow, change.job);
  Object.assign(director.extra.targets, { atalaya: { unit: change.unit ?? made.unit, job } });
  director.publish();
}

async function situation(): Promise<Situation> {
  const made = madeRepositories();
  const { image, director } = made;
  made.release(one);
  made.assign([one]);
  const old = { image: image.served(), director: director.served() };
  made.release(two);
  made.assign([two]);
  return { made, unit: new MadeUnit(made), image, director, old, thief: madeKey() };
}

/** A test for each row. */
export function refuseEach(attacks: readonly Attack[]): void {
  for (const attack of attacks) {
    test(`${attack.what}: ${attack.code}`, async (t) => {
      const at = await situation();
      await using unit = at.unit;
      const { made, image, director } = at;
      const keeper = await unit.open();
      t.like(await keeper.check(made.source), { kind: 'verified' });
      await keeper.confirmed([{ kind: 'program', name: 'unit', release: 2 }]);
      const before = await unit.disk();
      const versions = keeper.versions();
      const honest = { image: image.served(), director: director.served() };

      attack.with(at);
      const refused = await keeper.check(made.source);
      t.like(refused, { kind: 'refused', code: attack.code }, JSON.stringify(refused));
      if (refused.kind === 'refused') t.true(refused.detail.length > 10 && refused.detail.length < 400, refused.detail);
      t.deepEqual(await unit.disk(), before);
      t.deepEqual(keeper.versions(), versions);

      const started = await unit.open();
      t.like(await started.check(made.source), { kind: 'refused', code: attack.code });
      t.deepEqual(await unit.disk(), before);

      image.serve(honest.image);
      director.serve(honest.director);
      made.source.answer = () => undefined;
      unit.clock.setUtc(madeNow);
      unit.clockGood = true;
      t.like(await started.check(made.source), { kind: 'verified' });
    });
  }
}
