import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blockStep } from '../../cloud-bridge/contract/stream.ts';
import { makeFolders, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import type { Operation } from '../../device/kernel/testing/memory-files.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { Installer } from '../archive/installer.ts';
import type { JobUpdate } from '../contract/job.ts';
import type { BlockSink, BlockWishes, UpdateTrust } from '../contract/parts.ts';
import type { SlotName } from '../contract/slots.ts';
import type { Target } from '../contract/target.ts';
import { Downloads } from '../download/downloads.ts';
import { FolderSlots } from '../slots/folder-slots.ts';
import { startOf } from '../slots/testing/start-of.ts';
import { type MadeRepositories, madeNow, madeRepositories } from '../trust/testing/made-repositories.ts';
import { TrustKeeper } from '../trust/trust-keeper.ts';
import { UpdateHistory } from '../update/update-history.ts';
import type { Trouble, UpdateAct, UpdateParts } from '../update/update-parts.ts';
import type { UpdateStep } from '../update/update-step.ts';
import { UpdateWork } from '../update/update-work.ts';

export const root = '/data/program';
export const image = '/image';

/** What leaves the medium as it was: a cut before it is one before the next operation. */
const looks: ReadonlySet<Operation['kind']> = new Set(['read', 'list', 'space']);

export interface Life {
  readonly end: 'cut' | 'restart' | 'settled';
  /** What the launcher started. */
  readonly slot: SlotName;
  readonly steps: readonly UpdateStep['kind'][];
}

/** Of a unit whose power was cut. */
export interface Remains {
  readonly files: MemoryTreeFiles;
  readonly served: ReadonlyMap<string, number>;
  readonly reports: number;
}

/**
 * A unit whose disk is a memory and whose update is the real one: launcher (its model), slots, downloads, installer, trust. It lives from start to
 * start as a process does, and its power can be cut before any operation.
 */
export class MadeUnit {
  readonly clock = new ManualClock(madeNow);
  readonly made: MadeRepositories;
  readonly reports: JobUpdate[] = [];
  readonly acts: UpdateAct[] = [];
  readonly told: string[] = [];
  /** Bytes that the centre has given, by SHA-256. */
  served = new Map<string, number>();
  /** The self-test of a release. */
  good: (release: number) => boolean = () => true;
  /** What a release that is good suffers from. */
  suffers: (release: number) => readonly Trouble[] = () => [];
  files = new MemoryTreeFiles();
  cut = false;
  linkUp = true;
  clockGood = true;
  /** Blocks that the link still fails at. */
  failures = 0;
  change: Partial<UpdateParts> = {};
  /** What was verified once is not verified again: for lives in which nothing of it can have changed. */
  verifiedOnce = false;
  stage = '';
  #verified: Awaited<ReturnType<UpdateTrust['check']>> | undefined;
  readonly #published = new Map<string, Buffer>();
  readonly #scratch: string;

  private constructor(made: MadeRepositories, scratch: string) {
    this.made = made;
    this.#scratch = scratch;
  }

  /** With the program of the image alone. */
  static async open(): Promise<MadeUnit> {
    const unit = new MadeUnit(madeRepositories(), await mkdtemp(join(tmpdir(), 'unit-')));
    await makeFolders(unit.files, root);
    await makeFolders(unit.files, image);
    await writeWholeFile(unit.files, `${image}/start`, Buffer.from('#!/bin/sh\necho image\n'));
    await unit.files.makeExecutable(`${image}/start`);
    return unit;
  }

  publish(...bundles: readonly { readonly target: Target; readonly bytes: Buffer }[]): void {
    for (const { target, bytes } of bundles) this.#published.set(`targets/${target.sha256}.${target.target}`, bytes);
    this.made.release(...bundles.map(({ target }) => target));
  }

  /** The medium as it is, durable all of it, to be come back to. */
  async snapshot(): Promise<MemoryTreeFiles> {
    await this.files.syncTree('/');
    return this.files.survivors(seededRandom(1));
  }

  /**
   * Watches the operations that change the medium. Gives what each was: where the update was, what was done, and to which file; which is the
   * same for every life that begins alike.
   */
  watch(before: (number: number, what: string) => 'power-cut' | undefined = () => undefined): readonly string[] {
    const operations: string[] = [];
    this.cut = false;
    this.files.plan = ({ kind, path }) => {
      if (looks.has(kind)) return undefined;
      const what = `${this.stage} ${kind} ${path}`;
      const mishap = before(operations.length, what);
      operations.push(what);
      this.cut ||= mishap !== undefined;
      return mishap;
    };
    return operations;
  }

  /** What a start would find if the power were cut now. */
  remains(seed: number): Remains {
    return {
      files: this.files.survivors(seededRandom(seed)),
      served: new Map(this.served),
      reports: this.reports.length,
    };
  }

  /** The power is back. */
  recover({ files, served, reports }: Remains): void {
    this.files = files;
    this.served = new Map(served);
    this.reports.length = reports;
    this.cut = false;
  }

  /**
   * From the start by the launcher to its end: a cut, a restart that the update asked for, or that nothing is left to be done, or that a step
   * of this kind was done.
   */
  async live(until?: UpdateStep['kind']): Promise<Life> {
    this.stage = 'starting';
    const steps: UpdateStep['kind'][] = [];
    let slot: SlotName = 'image';
    try {
      const start = await startOf(this.files, root, image);
      if (start === undefined) throw new Error('there is nothing to start');
      slot = start.slot;
      let restarting = false;
      const work = await this.openWork(slot, () => {
        restarting = true;
      });
      const { signal } = new AbortController();
      for (let turn = 0; turn < 500; turn += 1) {
        const step = await work.next(signal, () => undefined);
        if (this.cut) return { end: 'cut', slot, steps };
        if (step.kind !== 'wait') steps.push(step.kind);
        if (restarting) return { end: 'restart', slot, steps };
        if (step.kind === 'idle' || step.kind === until) return { end: 'settled', slot, steps };
        if (step.kind === 'wait') await this.clock.advance(Math.max(1, step.until - this.clock.utc()));
      }
    } catch (error) {
      if (this.cut) return { end: 'cut', slot, steps };
      throw error;
    }
    throw new Error(`it does not come to an end: ${steps.slice(-20).join(' ')}`);
  }

  /** The update of a start of the slot `running`. */
  async openWork(running: SlotName, restart: () => void = () => undefined): Promise<UpdateWork> {
    const { parts, runs } = await this.parts(running, restart);
    const work = await UpdateWork.open(parts);
    runs(work);
    return work;
  }

  /** As a start of the slot `running` puts them together. */
  async parts(
    running: SlotName,
    restart: () => void,
  ): Promise<{ parts: UpdateParts; runs: (work: UpdateWork) => void }> {
    const { files, clock } = this;
    const slots = new FolderSlots({ files, root, image, running });
    const view = (await slots.state()).running;
    const release = view.record?.parts[0]?.release ?? 0;
    let work: UpdateWork | undefined;
    const trust = await TrustKeeper.open({
      folder: '/data/trust',
      floors: '/data/floors',
      scratch: this.#scratch,
      roots: this.made.roots,
      unit: this.made.unit,
      hardware: ['x64'],
      running: view.record?.parts ?? [],
      clock,
      clockGood: () => this.clockGood,
      begunJob: () => (work?.newestJob?.begun === true ? work.newestJob.id : undefined),
      files,
    });
    const parts: UpdateParts = {
      unit: this.made.unit,
      image: { version: '0.0.0', release: 0 },
      trust: {
        confirmed: (releases) => trust.confirmed(releases),
        versions: () => trust.versions(),
        outdated: () => trust.outdated(),
        check: async (source) => {
          if (!this.verifiedOnce || this.#verified === undefined) this.#verified = await trust.check(source);
          return this.#verified;
        },
      },
      show: async ({ job }) => {
        this.stage = job?.step ?? 'no job';
      },
      downloads: new Downloads({
        files,
        folder: '/data/downloads',
        timer: clock,
        flushing: { bytes: 4096, after: milliseconds(5000) },
      }),
      installer: new Installer(files, { cpu: 'x64' }),
      slots,
      history: await UpdateHistory.open(files, root),
      files,
      root,
      link: () =>
        this.linkUp
          ? {
              name: 'the centre',
              metadata: (path, most, came) => this.made.source.metadata(path, most, came),
              blocks: (path, wanted, sink, signal) => this.#blocks(path, wanted, sink, signal),
            }
          : undefined,
      stick: () => Promise.reject(new Error('no stick')),
      selfTest: async () => ({
        troubles: this.good(release)
          ? this.suffers(release)
          : [{ code: 'camera', says: 'no frames arrive', vital: true }],
      }),
      restart: async () => restart(),
      report: async (update) => {
        this.reports.push(update);
      },
      act: async (act) => {
        this.acts.push(act);
      },
      limits: () => ({ windows: [] }),
      clock,
      clockGood: () => this.clockGood,
      timer: clock,
      random: seededRandom(1),
      tell: (words, error) => this.told.push(error instanceof Error ? `${words}: ${error.message}` : words),
      ...this.change,
    };
    return {
      parts,
      runs: (opened) => {
        work = opened;
      },
    };
  }

  /** Step by step, as a slow link gives them. */
  async #blocks(path: string, wanted: BlockWishes, sink: BlockSink, signal: AbortSignal): Promise<void> {
    const bytes = this.#published.get(path);
    if (bytes === undefined) throw new AtalayaError('document-refused', `there is no ${path}`);
    sink.lengthIs(bytes.byteLength);
    const sha256 = path.slice('targets/'.length).slice(0, 64);
    for (let at = 0; at < bytes.byteLength && !signal.aborted; at += blockStep) {
      if (!wanted.wants(at)) continue;
      if (this.failures > 0) {
        this.failures -= 1;
        throw new AtalayaError('link-down', 'the link is gone');
      }
      const block = bytes.subarray(at, at + blockStep);
      this.served.set(sha256, (this.served.get(sha256) ?? 0) + block.byteLength);
      await sink.take(at, block);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#scratch, { recursive: true, force: true });
  }
}
