import { sha256 } from '../../../device/kernel/hash.ts';
import type { UpdateJobInput } from '../../contract/job.ts';
import type { RepositoryName, RepositorySource } from '../../contract/repository.ts';
import type { Target, TargetDescription } from '../../contract/target.ts';
import { type JsonObject, type MadeKey, madeKey, signedMetadata } from './made-keys.ts';

/** Two repositories in memory that can be signed rightly, and wrongly in every way, for tests of whoever verifies them. */

export type RoleName = 'root' | 'timestamp' | 'snapshot' | 'targets';
export const roleNames: readonly RoleName[] = ['root', 'timestamp', 'snapshot', 'targets'];

const day = 86_400_000;
/** The time that everything made here is good at, unless told otherwise. */
export const madeNow: number = Date.parse('2026-03-01T12:00:00Z');

export interface MadeRole {
  keys: MadeKey[];
  threshold: number;
  version: number;
  /** Milliseconds since the epoch. */
  expires: number;
}

/** One repository. Change its public fields as you like; what is served changes when something is published. */
export class MadeRepository {
  readonly name: RepositoryName;
  readonly roles: Record<RoleName, MadeRole>;
  /** Further fields of what is signed, by role; they win over those made here. */
  readonly extra: Record<RoleName, Record<string, unknown>> = { root: {}, timestamp: {}, snapshot: {}, targets: {} };
  readonly targets = new Map<string, JsonObject>();
  /** What is served, by its name below the repository's folder: `1.root.json`, `timestamp.json`. */
  readonly files = new Map<string, Buffer>();

  constructor(name: RepositoryName, roles: Record<RoleName, MadeRole>) {
    this.name = name;
    this.roles = roles;
  }

  /** A new version of the root, signed by these keys: its own, and those that signed the one before. */
  publishRoot(signers: readonly MadeKey[] = this.roles.root.keys): Buffer {
    const { root } = this.roles;
    root.version += 1;
    const bytes = signedMetadata(this.rootContent(), signers);
    this.files.set(`${root.version}.root.json`, bytes);
    return bytes;
  }

  rootContent(): JsonObject {
    const keys = Object.fromEntries(
      roleNames.flatMap((role) => this.roles[role].keys.map((key) => [key.id, key.json] as const)),
    );
    const roles = Object.fromEntries(
      roleNames.map((role) => [
        role,
        { keyids: this.roles[role].keys.map(({ id }) => id), threshold: this.roles[role].threshold },
      ]),
    );
    return { ...this.#common('root'), consistent_snapshot: true, keys, roles, ...(this.extra.root as JsonObject) };
  }

  /** Replaces the keys of a role by a new root that the old and the new keys of the root have signed; then publishes all. */
  rotate(role: RoleName, keys: readonly MadeKey[], threshold: number = this.roles[role].threshold): void {
    const before = this.roles.root.keys;
    this.roles[role].keys = [...keys];
    this.roles[role].threshold = threshold;
    this.publishRoot([...new Set([...before, ...this.roles.root.keys])]);
    this.publish();
  }

  /** New versions of targets, snapshot and timestamp. */
  publish(): void {
    this.publishTargets();
    this.publishSnapshot();
    this.publishTimestamp();
  }

  publishTargets(signers: readonly MadeKey[] = this.roles.targets.keys): Buffer {
    this.roles.targets.version += 1;
    const content = {
      ...this.#common('targets'),
      targets: Object.fromEntries(this.targets),
      ...(this.extra.targets as JsonObject),
    };
    return this.#put(`${this.roles.targets.version}.targets.json`, content, signers);
  }

  publishSnapshot(signers: readonly MadeKey[] = this.roles.snapshot.keys): Buffer {
    this.roles.snapshot.version += 1;
    const content = {
      ...this.#common('snapshot'),
      meta: { 'targets.json': this.#entry('targets') },
      ...(this.extra.snapshot as JsonObject),
    };
    return this.#put(`${this.roles.snapshot.version}.snapshot.json`, content, signers);
  }

  publishTimestamp(signers: readonly MadeKey[] = this.roles.timestamp.keys): Buffer {
    this.roles.timestamp.version += 1;
    const content = {
      ...this.#common('timestamp'),
      meta: { 'snapshot.json': this.#entry('snapshot') },
      ...(this.extra.timestamp as JsonObject),
    };
    return this.#put('timestamp.json', content, signers);
  }

  /** What is served now, to be served again later by an attacker. */
  served(): ReadonlyMap<string, Buffer> {
    return new Map(this.files);
  }

  serve(files: ReadonlyMap<string, Buffer>): void {
    this.files.clear();
    for (const [name, bytes] of files) this.files.set(name, bytes);
  }

  /** The file of the newest version of a role. */
  newest(role: RoleName): string {
    return role === 'timestamp' ? 'timestamp.json' : `${this.roles[role].version}.${role}.json`;
  }

  #common(role: RoleName): JsonObject {
    const { version, expires } = this.roles[role];
    return {
      _type: role,
      spec_version: '1.0.31',
      version,
      expires: new Date(expires).toISOString().replace('.000Z', 'Z'),
    };
  }

  #entry(role: RoleName): JsonObject {
    const { version } = this.roles[role];
    const bytes = this.files.get(`${version}.${role}.json`) ?? Buffer.alloc(0);
    return { version, length: bytes.byteLength, hashes: { sha256: sha256(bytes) } };
  }

  #put(name: string, content: JsonObject, signers: readonly MadeKey[]): Buffer {
    const bytes = signedMetadata(content, signers);
    this.files.set(name, bytes);
    return bytes;
  }
}

function madeRepository(name: RepositoryName, now: number): MadeRepository {
  const many = name === 'image' ? 3 : 1;
  const role = (keys: MadeKey[], threshold: number, days: number): MadeRole => ({
    keys,
    threshold,
    version: 0,
    expires: now + days * day,
  });
  return new MadeRepository(name, {
    // One of another kind, so that both kinds are verified everywhere.
    root: role([madeKey(), madeKey('p256'), madeKey()], 2, 365),
    targets: role(
      Array.from({ length: many }, () => madeKey()),
      Math.min(2, many),
      90,
    ),
    snapshot: role([madeKey()], 1, 30),
    timestamp: role([madeKey()], 1, 7),
  });
}

/** As both repositories write a target. */
export const targetEntry = ({ length, sha256: digest, description }: Target): JsonObject => ({
  length,
  hashes: { sha256: digest },
  custom: { atalaya: description as unknown as JsonObject },
});

export interface MadeRepositories {
  readonly unit: string;
  readonly image: MadeRepository;
  readonly director: MadeRepository;
  /** Version 1 of both, as they are installed on a unit. */
  readonly roots: { readonly image: Buffer; readonly director: Buffer };
  /** Serves what both have published; `requests` counts what was asked for; `answer` may give something else, or throw. */
  readonly source: MadeSource;
  /** Puts targets into the image repository, and publishes it. */
  release(...targets: readonly Target[]): void;
  /** Gives the unit a job, and publishes the director's metadata: the targets that it installs, and others that it may know of. */
  assign(install: readonly Target[], job?: Partial<UpdateJobInput>, others?: readonly Target[]): void;
}

export class MadeSource implements RepositorySource {
  readonly name = 'a made source';
  readonly requests: string[] = [];
  /** Undefined: as published. `{ bytes: undefined }`: there is none. */
  answer: (
    path: string,
    most: number,
    came: (bytes: number) => void,
  ) => { readonly bytes: Buffer | undefined } | undefined = () => undefined;
  readonly #repositories: Record<RepositoryName, MadeRepository>;

  constructor(repositories: Record<RepositoryName, MadeRepository>) {
    this.#repositories = repositories;
  }

  async metadata(
    path: string,
    most: number,
    came: (bytes: number) => void = () => undefined,
  ): Promise<Buffer | undefined> {
    this.requests.push(path);
    const other = this.answer(path, most, came);
    if (other !== undefined) return other.bytes;
    const [repository, file] = path.split('/') as [RepositoryName, string];
    return this.#repositories[repository].files.get(file);
  }
}

/** Two repositories with their first roots, and nothing released or assigned yet. */
export function madeRepositories(options: { readonly unit?: string; readonly now?: number } = {}): MadeRepositories {
  const { unit = 'unit-1', now = madeNow } = options;
  const image = madeRepository('image', now);
  const director = madeRepository('director', now);
  const roots = { image: image.publishRoot(), director: director.publishRoot() };
  image.publish();
  let jobs = 0;
  return {
    unit,
    image,
    director,
    roots,
    source: new MadeSource({ image, director }),
    release: (...targets) => {
      for (const target of targets) image.targets.set(target.target, targetEntry(target));
      image.publish();
    },
    assign: (install, job = {}, others = []) => {
      jobs += 1;
      director.targets.clear();
      for (const target of [...install, ...others]) director.targets.set(target.target, targetEntry(target));
      Object.assign(director.extra.targets, { atalaya: { unit, job: madeJob(install, jobs, now, job) } });
      director.publish();
    },
  };
}

/** A job with everything at its most usual. */
export function madeJob(
  install: readonly Target[],
  number: number,
  now: number = madeNow,
  job: Partial<UpdateJobInput> = {},
): UpdateJobInput {
  return {
    id: `job-${String(number).padStart(4, '0')}`,
    install: install.map(({ target }) => target),
    nonce: String(number).padStart(32, '0'),
    // Later jobs are issued later, all before now.
    issued: new Date(now - 3_600_000 + number * 1000).toISOString(),
    expires: new Date(now + 5 * day).toISOString(),
    ...job,
  };
}

/** A whole target of a release; its content exists only by its hash. */
export function madeTarget(release: number, change: Partial<TargetDescription> = {}): Target {
  const description: TargetDescription = {
    kind: 'program',
    name: 'unit',
    version: `1.${release}.0`,
    release,
    hardware: ['x64'],
    tree: { sha256: sha256(`tree ${change.name ?? 'unit'} ${release}`), length: 10_240 + 512 * release },
    ...change,
  };
  const { name, version, hardware } = description;
  const target = `${name}-${version}-r${release}-${hardware[0]}.tar.zst`;
  return { target, length: 5000 + release, sha256: sha256(`file ${target}`), description };
}

/** Of which most tests tell: a release, and the next. */
export const one: Target = madeTarget(1);
export const two: Target = madeTarget(2);

/** A patch that makes `whole` out of the tree of `base`. */
export function madePatch(whole: Target, base: Target): Target {
  const patchFrom = base.description.tree.sha256;
  const target = `${whole.target.replace('.tar.zst', '')}.from-${patchFrom.slice(0, 8)}.patch`;
  return {
    target,
    length: 300,
    sha256: sha256(`file ${target}`),
    description: { ...whole.description, patchFrom },
  };
}
