import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { type MadeRepositories, madeNow, madeRepositories } from '../trust/testing/made-repositories.ts';
import { type EndedJob, readUpdateState } from '../update/update-state.ts';
import { type MadeBundle, MadeBundles } from './made-bundles.ts';

export const killedUnit = 'unit-1';
/** Seconds of the unit in a second of the machine. */
export const speed = 20;
/** Every third release is not well. */
export const isBroken = (release: number): boolean => release % 3 === 0;

const program = fileURLToPath(new URL('kill-run-unit.ts', import.meta.url));
const launcher = fileURLToPath(new URL('../launcher/atalaya-launcher', import.meta.url));
const start = '#!/bin/sh\nexec "$KILLED_NODE" --disable-warning=ExperimentalWarning "$KILLED_PROGRAM"\n';

/**
 * A unit in folders of this machine, started by the real launcher as a process of its own, and a centre that always has a newer job for it:
 * releases one after the other, by patches where there is one.
 */
export class KilledUnit {
  readonly world: string;
  readonly root: string;
  release = 0;
  /** Bytes of the files that the jobs so far need. */
  needed = 0;
  readonly #bundles: MadeBundles;
  readonly #made: MadeRepositories;
  #newest: MadeBundle | undefined;
  /** What the unit runs. */
  #base: MadeBundle | undefined;
  #jobs = 0;

  private constructor(world: string, bundles: MadeBundles, now: number) {
    this.world = world;
    this.root = join(world, 'program');
    this.#bundles = bundles;
    this.#made = madeRepositories({ unit: killedUnit, now });
  }

  /** `now`: the time that the metadata is good at, ms. */
  static async open(now: number = madeNow): Promise<KilledUnit> {
    const unit = new KilledUnit(await mkdtemp(join(tmpdir(), 'killed-')), await MadeBundles.open(), now);
    const image = join(unit.world, 'image');
    for (const folder of [unit.root, image, join(unit.world, 'centre')]) await mkdir(folder);
    for (const folder of ['image', 'director', 'targets']) await mkdir(join(unit.world, 'centre', folder));
    await writeFile(join(image, 'start'), start);
    await chmod(join(image, 'start'), 0o755);
    await writeFile(join(unit.world, 'time.json'), JSON.stringify({ epoch: now, began: Date.now() }));
    await writeFile(join(unit.world, 'lives'), '');
    for (const name of ['image', 'director'] as const)
      await writeFile(join(unit.world, `${name}.root.json`), unit.#made.roots[name]);
    return unit;
  }

  /** Publishes the next release, and gives the unit the job to install it. */
  async assignNext(): Promise<void> {
    this.release += 1;
    const bundle = await this.#bundles.bundle({ release: this.release, noise: 200_000, files: { start } });
    const patch = this.#base === undefined ? undefined : await this.#bundles.patch(this.#base, bundle);
    const files = patch === undefined ? [bundle] : [bundle, patch];
    for (const { target, bytes } of files)
      await writeFile(join(this.world, 'centre', 'targets', `${target.sha256}.${target.target}`), bytes);
    this.#made.release(...files.map(({ target }) => target));
    this.#jobs += 1;
    const trial = { holdSeconds: 10, deadlineSeconds: 60, starts: 10 };
    this.#made.assign([bundle.target], { trial }, patch === undefined ? [] : [patch.target]);
    this.needed += (patch ?? bundle).bytes.byteLength;
    // The timestamp last: whoever reads in between sees the state before.
    for (const repository of [this.#made.image, this.#made.director]) {
      const names = [...repository.files.keys()].sort(
        (a, b) => Number(a === 'timestamp.json') - Number(b === 'timestamp.json'),
      );
      for (const name of names)
        await writeFile(join(this.world, 'centre', repository.name, name), repository.files.get(name) ?? '');
    }
    this.#newest = bundle;
  }

  /** The newest release was confirmed: patches begin at it. */
  succeeded(): void {
    this.#base = this.#newest;
  }

  /** Newest job's id. */
  get job(): string {
    return `job-${String(this.#jobs).padStart(4, '0')}`;
  }

  /** How the newest job has ended; undefined where it has not. */
  async ended(): Promise<EndedJob | undefined> {
    const read = await readUpdateState(systemTreeFiles, this.root);
    return read.kind === 'read' ? read.state.ended.find(({ job }) => job === this.job) : undefined;
  }

  /** Starts it by the launcher, as a group of processes that can be killed at once. */
  start(): ChildProcess {
    return spawn('sh', [launcher, '--root', this.root, '--image', join(this.world, 'image'), 'run', '--'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, KILLED_NODE: process.execPath, KILLED_PROGRAM: program },
    });
  }

  /** What its lives have said, a line each. */
  async lives(): Promise<readonly string[]> {
    return (await readFile(join(this.world, 'lives'), 'utf8')).split('\n').filter((line) => line !== '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bundles[Symbol.asyncDispose]();
    await rm(this.world, { recursive: true, force: true });
  }
}
