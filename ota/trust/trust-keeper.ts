import type { Clock } from '../../device/kernel/clock.ts';
import type { Files } from '../../device/kernel/files.ts';
import type { MetadataVersions, UpdateTrust, VerifiedJob } from '../contract/parts.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import { type RepositoryName, type RepositorySource, repositoryNames } from '../contract/repository.ts';
import { agreeOnJob } from './agree-on-job.ts';
import { type Floors, type RepositoryFloors, standing, versionsOf, withReleases, withRoot } from './floors.ts';
import { FloorsStore } from './floors-store.ts';
import type { AcceptedRepository, TrustedRepository } from './judge-repository.ts';
import { floorsOf, seededBy } from './metadata-floors.ts';
import { MetadataStore, type TrustedRepositories } from './metadata-store.ts';
import { believes, isRefused, type ReadMetadata, type RoleName, readMetadata } from './read-metadata.ts';
import { refreshRepository } from './refresh-repository.ts';

export interface TrustOptions {
  /** Of the metadata that was accepted. */
  readonly folder: string;
  /** Of the floors; another folder, so that nobody removes both at once. */
  readonly floors: string;
  /** A folder of this machine for what is being looked at; whatever is in it may be removed at any time. */
  readonly scratch: string;
  /** The roots that were installed with the unit, whichever version. */
  readonly roots: { readonly [Name in RepositoryName]: Buffer };
  readonly unit: string;
  /** Names that this machine goes by. */
  readonly hardware: readonly string[];
  /** What runs: floors besides what was confirmed. */
  readonly running: readonly Release[];
  readonly clock: Clock;
  /** Whether a time source disciplines the clock. */
  readonly clockGood: () => boolean;
  /** Id of the job that the unit is at or through with: it may have run out in the meantime. */
  readonly begunJob?: () => string | undefined;
  readonly files: Files;
}

type Release = Parameters<UpdateTrust['confirmed']>[0][number];

/** The time alone is written down once an hour at most. */
const timeStep = 3_600_000;

/**
 * What this unit believes about updates.
 *
 * Guarantees: metadata, floors and time change only where both repositories passed every check and agree on the job, all but the way from one
 * root to the next, which counts by itself; what is refused changes nothing; floors are durable before the metadata that raised them, and
 * both before the job is given away; metadata that is lost or damaged opens nothing, since it is fetched again above the floors.
 *
 * Of time it believes a disciplined clock, and never less than the time of the newest accepted refresh. That cannot run away: at an accepted
 * refresh nothing had run out, so that a clock which was led astray has moved it by no more than the shortest life of metadata.
 */
export class TrustKeeper implements UpdateTrust {
  /** What a person should know of how this one was found: a sentence each. */
  readonly notices: readonly string[];
  readonly #options: TrustOptions;
  readonly #store: MetadataStore;
  readonly #floorsStore: FloorsStore;
  #trusted: TrustedRepositories;
  #floors: Floors;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    options: TrustOptions,
    stores: { readonly store: MetadataStore; readonly floorsStore: FloorsStore },
    found: { readonly trusted: TrustedRepositories; readonly floors: Floors; readonly notices: readonly string[] },
  ) {
    this.#options = options;
    this.#store = stores.store;
    this.#floorsStore = stores.floorsStore;
    this.#trusted = found.trusted;
    this.#floors = found.floors;
    this.notices = found.notices;
  }

  /** Throws `store-failed` and `store-full`; never for what is merely damaged. */
  static async open(options: TrustOptions): Promise<TrustKeeper> {
    const store = new MetadataStore(options.files, options.folder);
    const floorsStore = new FloorsStore(options.files, options.floors);
    const stored = await store.read();
    const read = await floorsStore.read();
    const notices: string[] = [];
    if (stored.damaged) notices.push('Metadata of updates was damaged, and is fetched again.');
    const seeded = seededBy(stored.repositories);
    let floors = read.kind === 'read' ? read.floors : seeded;
    if (read.kind === 'read' && read.damaged.length > 0)
      notices.push(`A copy of the update floors was damaged (${read.damaged.join(', ')}); the other one holds.`);
    if (read.kind !== 'read' && Object.keys(stored.repositories).length > 0)
      notices.push('The update floors were lost, and are taken from the metadata that was accepted last.');
    else if (read.kind === 'lost')
      notices.push('The update floors were lost with the metadata: only what runs now bounds what may be installed.');
    else if (read.kind === 'none') notices.push('There are no update floors yet: nothing was ever accepted here.');
    floors = withReleases(floors, options.running);
    const keeper = new TrustKeeper(
      options,
      { store, floorsStore },
      { trusted: startOf(stored.repositories, options.roots, floors), floors, notices },
    );
    if (read.kind === 'lost' || (read.kind === 'read' && read.damaged.length > 0)) await keeper.#writeFloors(floors);
    return keeper;
  }

  check(source: RepositorySource): Promise<VerifiedJob | UpdateRefused | { readonly kind: 'none' }> {
    return this.#inTurn(() => this.#check(source));
  }

  confirmed(releases: readonly Release[]): Promise<void> {
    return this.#inTurn(() => this.#writeFloors(withReleases(this.#floors, releases)));
  }

  outdated(): UpdateRefused | undefined {
    const { clock, clockGood } = this.#options;
    if (!clockGood()) return undefined;
    const now = new Date(Math.max(clock.utc(), this.#floors.time));
    for (const name of repositoryNames) {
      const signed = this.#trusted[name]?.timestamp?.metadata.signed;
      if (signed?.isExpired(now) === true)
        return refusedUpdate(
          'timestamp-expired',
          `the newest timestamp of ${name} ran out at ${signed.expires}, and no other comes`,
        );
    }
    return undefined;
  }

  versions(): { readonly image: MetadataVersions | null; readonly director: MetadataVersions | null } {
    const of = (name: RepositoryName) => {
      const trusted = this.#trusted[name];
      if (trusted === undefined) return null;
      const accepted = versionsOf(this.#floors[name]);
      return { ...accepted, root: Math.max(accepted.root, trusted.root.metadata.signed.version) };
    };
    return { image: of('image'), director: of('director') };
  }

  async #check(source: RepositorySource): Promise<VerifiedJob | UpdateRefused | { readonly kind: 'none' }> {
    const { clock, clockGood, unit, hardware, begunJob } = this.#options;
    const good = clockGood();
    const now = good ? Math.max(clock.utc(), this.#floors.time) : this.#floors.time;
    const director = await this.#refresh('director', source, now);
    if (director.kind !== 'accepted') return director;
    const image = await this.#refresh('image', source, now);
    if (image.kind === 'none')
      return refusedUpdate('metadata-absent', 'the source has nothing of the image repository');
    if (image.kind === 'refused') return image;
    const { metadata } = director.root;
    const agreed = agreeOnJob({
      director: director.targets.metadata.signed,
      image: image.targets.metadata.signed,
      unit,
      hardware,
      floors: this.#floors,
      jobFloorStands: standing(this.#floors.director.targets, 'targets', metadata) > 0,
      now,
      nowIsGood: good,
      begun: begunJob?.(),
    });
    if (agreed.kind === 'refused') return agreed;
    if (!good)
      return refusedUpdate(
        'clock-not-good',
        'nobody has set the clock of this unit yet, so that what has run out cannot be told from what has not',
      );
    await this.#accept({ image, director }, agreed, now);
    return agreed;
  }

  /** `none`: the source has nothing of it, and never had. */
  async #refresh(
    name: RepositoryName,
    source: RepositorySource,
    now: number,
  ): Promise<AcceptedRepository | UpdateRefused | { readonly kind: 'none' }> {
    const trusted = this.#trusted[name];
    if (trusted === undefined)
      return refusedUpdate('root-missing', `this unit has no root of ${name} that can be read`);
    const { scratch } = this.#options;
    const floors = this.#floors[name];
    const { root, outcome, absent } = await refreshRepository({ name, source, trusted, floors, now, scratch });
    if (root !== undefined && root.metadata.signed.version > trusted.root.metadata.signed.version) {
      await this.#acceptRoot(name, trusted, root);
      // tuf-js has measured by what the new root does not believe any more.
      if (outcome.kind === 'refused') return this.#refresh(name, source, now);
    }
    return absent && outcome.kind === 'refused' && outcome.code === 'metadata-absent' && !this.#knows(name)
      ? { kind: 'none' }
      : outcome;
  }

  #knows(name: RepositoryName): boolean {
    return this.#floors[name].timestamp.version > 0;
  }

  async #acceptRoot(name: RepositoryName, trusted: TrustedRepository, root: ReadMetadata<'root'>): Promise<void> {
    await this.#writeFloors(withRoot(this.#floors, name, root.metadata.signed.version));
    await this.#writeMetadata({ ...this.#trusted, [name]: underRoot(trusted, root, this.#floors[name]) });
  }

  async #accept(
    accepted: { readonly [Name in RepositoryName]: AcceptedRepository },
    { job }: VerifiedJob,
    now: number,
  ): Promise<void> {
    const before = this.#floors;
    const floors: Floors = {
      ...before,
      image: floorsOf(accepted.image),
      director: floorsOf(accepted.director),
      job: { id: job.id, issued: job.issued },
      time: now,
    };
    const onlyTime = JSON.stringify({ ...floors, time: 0 }) === JSON.stringify({ ...before, time: 0 });
    if (!onlyTime || now - before.time >= timeStep) await this.#writeFloors(floors);
    const same = repositoryNames.every((name) => isSame(this.#trusted[name], accepted[name]));
    if (!same) await this.#writeMetadata(accepted);
  }

  async #writeFloors(floors: Floors): Promise<void> {
    const next = { ...floors, change: this.#floors.change + 1 };
    await this.#floorsStore.write(next);
    this.#floors = next;
  }

  async #writeMetadata(trusted: TrustedRepositories): Promise<void> {
    await this.#store.write(trusted);
    this.#trusted = trusted;
  }

  /** One at a time, in the order in which they came; a fault of one is not one of the next. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** The newer one of the root that is stored and of the one that was installed. */
function startOf(stored: TrustedRepositories, roots: TrustOptions['roots'], floors: Floors): TrustedRepositories {
  const start: { [Name in RepositoryName]?: TrustedRepository } = {};
  for (const name of repositoryNames) {
    const kept = stored[name];
    const read = readMetadata('root', roots[name], `the installed root of ${name}`);
    const installed = isRefused(read) || !believes(read.metadata, 'root', read.metadata) ? undefined : read;
    const newer =
      installed !== undefined && installed.metadata.signed.version > (kept?.root.metadata.signed.version ?? 0);
    const trusted = newer ? underRoot(kept, installed, floors[name]) : kept;
    if (trusted !== undefined) start[name] = trusted;
  }
  return start;
}

/**
 * What is left of trusted metadata under a newer root (5.3.11): nothing whose keys the root has taken away, and nothing that gives a version of
 * such, by which a thief of these keys would still be measured with.
 */
function underRoot(
  trusted: TrustedRepository | undefined,
  root: ReadMetadata<'root'>,
  floors: RepositoryFloors,
): TrustedRepository {
  const { timestamp, snapshot, targets } = trusted ?? {};
  const stands = (role: Exclude<RoleName, 'root'>): boolean => standing(floors[role], role, root.metadata) > 0;
  return {
    root,
    ...(timestamp !== undefined && stands('timestamp') && stands('snapshot') ? { timestamp } : {}),
    ...(snapshot !== undefined && stands('snapshot') && stands('targets') ? { snapshot } : {}),
    ...(targets !== undefined && stands('targets') ? { targets } : {}),
  };
}

function isSame(before: TrustedRepository | undefined, now: AcceptedRepository): boolean {
  return (['root', 'timestamp', 'snapshot', 'targets'] as const).every(
    (role) => before?.[role]?.bytes.equals(now[role].bytes) === true,
  );
}
