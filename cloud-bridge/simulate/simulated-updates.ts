import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import type { Clock } from '../../device/kernel/clock.ts';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import type { Files } from '../../device/kernel/files.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { milliseconds, toIso } from '../../device/kernel/units.ts';
import { type JobStep, type JobUpdate, type UpdateJobInput, updateJob } from '../../ota/contract/job.ts';
import type { Target } from '../../ota/contract/target.ts';
import type { UnsignedVersionReport, VersionReport } from '../../ota/contract/version-report.ts';
import { firstProgram, type MadeHardware, temperOf } from './made-director.ts';

/** The key of a unit's evidence, with which it signs what it runs. */
export interface ReportSigner {
  readonly id: string;
  readonly algorithm: 'ed25519' | 'p256';
  sign(message: Uint8Array): Promise<Buffer>;
}

export interface SimulatedUpdatesParts {
  readonly unit: string;
  readonly hardware: MadeHardware;
  /** Of what it runs. */
  readonly path: string;
  readonly files: Files;
  /** The newest job that was signed for it; undefined where there is none. A real unit finds it in signed metadata. */
  readonly job: () => Promise<UpdateJobInput | undefined>;
  readonly targets: readonly Target[];
  readonly signer: ReportSigner;
  /** Every trial fails. */
  readonly stubborn: boolean;
  readonly said: (update: JobUpdate) => void;
  readonly reported: (report: VersionReport) => void;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
}

/** What lies on the disk. */
interface Runs {
  readonly slot: 'a' | 'b' | 'image';
  readonly version: string;
  readonly release: number;
  readonly target?: Target | undefined;
  readonly job?: { readonly id: string; readonly nonce: string } | undefined;
  readonly update?: JobUpdate | undefined;
}

const stepTime = milliseconds(300);
/** A download is told so often. */
const parts = 4;

/**
 * Obeys updates in the name of a simulated unit: goes through the steps of a real one and says each, and signs what it runs; nothing is
 * downloaded and nothing installed. What the version is called decides how its trial ends, and how much the unit sees from then on.
 */
export class SimulatedUpdates {
  readonly #parts: SimulatedUpdatesParts;
  #runs: Runs;
  #working: Promise<void> = Promise.resolve();
  #stop = new AbortController();
  readonly #closing = new AbortController();

  private constructor(made: SimulatedUpdatesParts, runs: Runs) {
    this.#parts = made;
    this.#runs = runs;
  }

  /** With what an earlier run left. Throws the faults of the disk. */
  static async open(made: SimulatedUpdatesParts): Promise<SimulatedUpdates> {
    const left = await readWholeFile(made.files, made.path);
    const runs =
      left === undefined ? { slot: 'image' as const, ...firstProgram } : (JSON.parse(left.toString()) as Runs);
    const updates = new SimulatedUpdates(made, runs);
    await updates.#report(false);
    if (runs.update !== undefined) made.said(runs.update);
    return updates;
  }

  /** Share of what passes that the unit sees. */
  get sees(): number {
    return temperOf(this.#runs.version) === 'dull' ? 0.5 : 1;
  }

  /** There may be another job. Rejects with the faults of the disk and of the signer. */
  async notified(): Promise<void> {
    const input = await this.#parts.job();
    if (input === undefined) return;
    const job = updateJob.parse(input);
    if (this.#runs.job?.id === job.id) return;
    this.#stop.abort();
    await this.#working;
    if (this.#closing.signal.aborted) return;
    this.#stop = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#closing.signal]);
    this.#working = this.#work(job, signal).catch(() => undefined);
    if (job.install.length === 0) await this.#working;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working;
  }

  async #work(job: ReturnType<typeof updateJob.parse>, signal: AbortSignal): Promise<void> {
    const { clock, timer, random, targets, hardware, stubborn } = this.#parts;
    const keep = (runs: Partial<Runs>) => this.#keep({ ...this.#runs, ...runs, job: { id: job.id, nonce: job.nonce } });
    const said = (step: JobStep, status: JobUpdate['status'], more: Partial<JobUpdate> = {}): JobUpdate => {
      const inForce = { version: this.#runs.version, release: this.#runs.release };
      const update: JobUpdate = { job: job.id, at: toIso(clock.utc()), status, step, reasons: [], inForce, ...more };
      this.#parts.said(update);
      return update;
    };
    const end = async (step: JobStep, status: JobUpdate['status'], reasons: string[], runs: Partial<Runs> = {}) => {
      this.#runs = { ...this.#runs, ...runs };
      await keep({ update: said(step, status, { reasons }) });
      await this.#report(false);
    };
    if (job.install.length === 0) return end('canceled', 'CANCELED', ['canceled: the centre has taken it back']);
    const target = targets.find((one) => one.target === job.install[0]);
    if (target === undefined) return end('refused', 'REJECTED', ['target-unknown: the director does not have it']);
    const { version, release } = target.description;
    if (!target.description.hardware.includes(hardware))
      return end('refused', 'REJECTED', [`wrong-hardware: this unit runs on ${hardware}`]);
    if (release < this.#runs.release)
      return end('refused', 'REJECTED', [`release-rollback: release ${this.#runs.release} is in force`]);
    const wait = job.spreadSeconds * random() * 1000;
    said(wait > 0 ? 'waiting' : 'checking', 'QUEUED');
    await timer.sleep(milliseconds(wait + stepTime * random()), signal);
    for (let part = 0; part < parts && !signal.aborted; part += 1) {
      const progress = { done: Math.floor((target.length * part) / parts), total: target.length };
      said('downloading', 'IN_PROGRESS', { progress });
      await timer.sleep(stepTime, signal);
    }
    for (const step of ['installing', 'switching'] as const) {
      if (signal.aborted) return;
      said(step, 'IN_PROGRESS');
      await timer.sleep(stepTime, signal);
    }
    if (signal.aborted) return;
    // What is on trial runs; where the simulation ends now it has not been confirmed.
    said('trial', 'IN_PROGRESS');
    const slot = this.#runs.slot === 'a' ? 'b' : 'a';
    const nonce = { id: job.id, nonce: job.nonce };
    await this.#report(true, { slot, version, release, target, job: nonce });
    await timer.sleep(milliseconds(job.trial.holdSeconds * 1000), this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    if (stubborn || temperOf(version) === 'broken')
      return end('rolled-back', 'FAILED', ['broker-not-reached: the self-test did not hold']);
    await end('confirmed', 'SUCCEEDED', [], { slot, version, release, target });
  }

  async #keep(runs: Runs): Promise<void> {
    this.#runs = runs;
    await writeWholeFile(this.#parts.files, this.#parts.path, Buffer.from(JSON.stringify(runs)));
  }

  async #report(trial: boolean, { slot, version, release, target, job }: Runs = this.#runs): Promise<void> {
    const { unit, hardware, signer, clock, reported } = this.#parts;
    const unsigned: UnsignedVersionReport = {
      ...{ schema: 'atalaya/version-report/1', unit, at: toIso(clock.utc()) },
      ...(job === undefined ? {} : { job: job.id, nonce: job.nonce }),
      ...{ hardware: [hardware], slot, trial },
      parts: [
        {
          ...{ kind: 'program', name: 'unit', version, release },
          ...(target === undefined
            ? {}
            : { target: target.target, sha256: target.sha256, tree: target.description.tree.sha256 }),
        },
      ],
      metadata: { image: null, director: null },
      refused: [],
    };
    const value = await signer.sign(Buffer.from(canonicalJson(unsigned as unknown as JsonValue)));
    const { id: key, algorithm } = signer;
    reported({ ...unsigned, signature: { key, algorithm, value: value.toString('base64') } });
  }
}
