import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../device/kernel/clock.ts';
import { explain } from '../../device/kernel/errors.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { SqliteArchive } from '../centre/archive/sqlite-archive.ts';
import type { Lane } from '../contract/outbox.ts';
import { breakParts, touchedBy } from './break-parts.ts';
import { complaintsOf, strayAlertsOf } from './centre-complaints.ts';
import { ChaosParts } from './chaos-parts.ts';
import { checkArchive } from './check-archive.ts';
import { type Fault, nameOf, type PlannedFault, type Station } from './faults.ts';
import { Heals } from './heals.ts';
import { planFaults } from './plan-faults.ts';
import type { UnitStatus } from './unit-options.ts';
import { readTruth, type UnitTruth } from './unit-truth.ts';

export interface ChaosOptions {
  /** Is made; whoever calls removes it. */
  readonly folder: string;
  readonly seed: number;
  readonly units: number;
  /** How long faults are injected. */
  readonly seconds: number;
  /** Between two faults, on the average. */
  readonly everyMs: number;
  /** Longest that a fault lasts. */
  readonly longestMs: number;
  /** How long the parts may take to be drained when all is healed. */
  readonly patienceSeconds: number;
  /** Ends the run before its time; then it rejects with the reason. Everything that was started is ended in any case. */
  readonly signal: AbortSignal;
  /** For whoever waits. */
  readonly say: (text: string) => void;
}

export interface ChaosAccount {
  readonly seed: number;
  readonly seconds: number;
  readonly units: number;
  /** What lies between the parts. */
  readonly network: string;
  /** How often each fault was injected. */
  readonly faults: ReadonlyMap<string, number>;
  /** Events that the units had sealed or taken, and of them those that the bound of the telemetry dropped. */
  readonly sealed: Readonly<Record<Lane, number>>;
  readonly dropped: number;
  readonly archived: Readonly<Record<Lane, number>>;
  /** Telemetry that is missing in the archive, as it was declared. */
  readonly gaps: number;
  readonly sentEvents: number;
  readonly resentEvents: number;
  /** Events that were archived after a later one of their lane. */
  readonly overtaken: number;
  readonly connections: number;
  /** Checkpoints that came back with the signature of the centre. */
  readonly cosigned: number;
  /** From the end of a fault until the centre acknowledged something new of each unit that it was in the way of. */
  readonly longestHealMs: number;
  /** From the end of all faults until everything was acknowledged. */
  readonly drainedMs: number;
  /** None: every event that a unit sealed is in the archive exactly once, in order, byte for byte. */
  readonly violations: readonly string[];
}

/** Undefined where there is no Mosquitto on this machine. */
export async function runChaos(options: ChaosOptions): Promise<ChaosAccount | undefined> {
  const open = new AsyncDisposableStack();
  try {
    const run = new ChaosRun(options);
    const parts = await ChaosParts.open(run.partsOptions, open);
    return parts === undefined ? undefined : await run.go(parts, open);
  } finally {
    await open.disposeAsync();
  }
}

/** Figures of a unit's program, which begin anew with each start. */
interface Counted {
  status: UnitStatus;
  readonly sum: { sentEvents: number; resentEvents: number; connections: number; cosigned: number };
}

const endingMs = 20_000;

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #units: readonly Station[];
  readonly #counted = new Map<Station, Counted>();
  readonly #faults = new Map<string, number>();
  readonly #violations: string[] = [];
  readonly #heals: Heals;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#units = Array.from({ length: options.units }, (_, i): Station => `unit-${i + 1}`);
    this.#heals = new Heals(this.#units);
  }

  get partsOptions() {
    const { folder, seed } = this.#options;
    return {
      ...{ folder, seed, units: this.#units },
      onStatus: (unit: Station, status: UnitStatus) => this.#said(unit, status),
      onViolation: (text: string) => void this.#violations.push(text),
    };
  }

  async go(parts: ChaosParts, open: AsyncDisposableStack): Promise<ChaosAccount> {
    const { seed, seconds, everyMs, longestMs, patienceSeconds, say } = this.#options;
    say(`# chaos: seed ${seed}, ${this.#units.length} units, ${seconds} s; ${parts.network.what}`);
    await parts.start('bridge');
    for (const unit of this.#units) await parts.start(unit);
    const began = await this.#until(() => this.#units.every((unit) => (this.#status(unit)?.acknowledged ?? 0) > 0), 60);
    if (!began) this.#violations.push('stuck: not every unit had an acknowledgement within 60 s of the start');
    const plan = planFaults({ random: seededRandom(seed), units: this.#units, seconds, everyMs, longestMs });
    await this.#inject(parts, plan);
    for (const line of parts.lines.values()) line.forgetCuts();

    const healed = performance.now();
    for (const unit of this.#units) parts.tell(unit, 'quiet');
    const drained = await this.#until(() => this.#units.every((unit) => this.#isDrained(unit)), patienceSeconds);
    const drainedMs = performance.now() - healed;
    if (!drained) this.#violations.push(...this.#units.flatMap((unit) => this.#notDrained(unit)));
    await parts.end(endingMs);
    const truths: UnitTruth[] = [];
    for (const unit of parts.unitOptions.values()) truths.push(await this.#truth(unit));
    return this.#account(parts, truths, drainedMs, open);
  }

  /** All of the plan; resolves when what was broken is whole again. */
  async #inject(parts: ChaosParts, plan: readonly PlannedFault[]): Promise<void> {
    const { signal, seconds } = this.#options;
    const begin = performance.now();
    const under: Promise<void>[] = [];
    for (const { at, fault } of plan) {
      await wait(Math.max(0, at - (performance.now() - begin)), undefined, { signal });
      under.push(this.#injectOne(parts, fault));
    }
    await wait(Math.max(0, seconds * 1000 - (performance.now() - begin)), undefined, { signal });
    await Promise.all(under);
  }

  async #injectOne(parts: ChaosParts, fault: Fault): Promise<void> {
    const name = nameOf(fault);
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1);
    const touched = touchedBy(fault, this.#units);
    this.#heals.broken(touched);
    try {
      await breakParts(parts, fault);
    } catch (error) {
      this.#violations.push(`not to be healed: ${name}: ${explain(error)}`);
    }
    this.#heals.mended(touched, performance.now());
  }

  #said(unit: Station, status: UnitStatus): void {
    const counted = this.#counted.get(unit) ?? {
      status,
      sum: { sentEvents: 0, resentEvents: 0, connections: 0, cosigned: 0 },
    };
    // Another start of the program: what the one before it had last said counts.
    if (status.sentEvents < counted.status.sentEvents || status.connections < counted.status.connections) {
      for (const name of ['sentEvents', 'resentEvents', 'connections', 'cosigned'] as const) {
        counted.sum[name] += counted.status[name];
      }
    }
    counted.status = status;
    this.#counted.set(unit, counted);
    this.#heals.said(unit, status, performance.now());
  }

  #status(unit: Station): UnitStatus | undefined {
    return this.#counted.get(unit)?.status;
  }

  #isDrained(unit: Station): boolean {
    const status = this.#status(unit);
    return status?.quiet === true && status.queued === 0;
  }

  #notDrained(unit: Station): readonly string[] {
    const { online, quiet, queued } = this.#status(unit) ?? { online: false, quiet: false, queued: 'unknown' };
    if (this.#isDrained(unit)) return [];
    const state = `${queued} events queued, ${online ? 'online' : 'offline'}${quiet ? '' : ', still making events'}`;
    return [`stuck: ${unit} was not drained in ${this.#options.patienceSeconds} s: ${state}`];
  }

  async #until(is: () => boolean, seconds: number): Promise<boolean> {
    const end = performance.now() + seconds * 1000;
    while (!is()) {
      if (performance.now() > end) return false;
      await wait(50, undefined, { signal: this.#options.signal });
    }
    return true;
  }

  async #truth(options: Parameters<typeof readTruth>[0]): Promise<UnitTruth> {
    try {
      return await readTruth(options);
    } catch (error) {
      return {
        unit: options.unit,
        lanes: [],
        violations: [`unreadable: the stores of ${options.unit}: ${explain(error)}`],
      };
    }
  }

  async #account(
    parts: ChaosParts,
    truths: readonly UnitTruth[],
    drainedMs: number,
    open: AsyncDisposableStack,
  ): Promise<ChaosAccount> {
    const { seed, seconds } = this.#options;
    const lanes = truths.flatMap((truth) => truth.lanes);
    const archive = await SqliteArchive.open(parts.archivePath, { clock: systemClock });
    open.defer(() => archive.close());
    const { violations, archived, gaps, overtaken } = await checkArchive(archive, lanes);
    const complaints = [...(await complaintsOf(archive)), ...(await strayAlertsOf(archive))];
    const sum = (of: (counted: Counted) => number) =>
      [...this.#counted.values()].reduce((all, one) => all + of(one), 0);
    const sealedOf = (lane: Lane) => lanes.reduce((all, one) => all + (one.lane === lane ? one.last : 0), 0);
    return {
      ...{ seed, seconds, units: this.#units.length, network: parts.network.what, faults: this.#faults },
      sealed: { alert: sealedOf('alert'), infraction: sealedOf('infraction'), telemetry: sealedOf('telemetry') },
      dropped: lanes.reduce((all, { dropped }) => all + dropped.events, 0),
      ...{ archived, gaps, overtaken },
      sentEvents: sum(({ status, sum: before }) => before.sentEvents + status.sentEvents),
      resentEvents: sum(({ status, sum: before }) => before.resentEvents + status.resentEvents),
      connections: sum(({ status, sum: before }) => before.connections + status.connections),
      cosigned: sum(({ status, sum: before }) => before.cosigned + status.cosigned),
      longestHealMs: this.#heals.longestMs,
      drainedMs,
      violations: [...violations, ...truths.flatMap((truth) => truth.violations), ...this.#violations, ...complaints],
    };
  }
}
