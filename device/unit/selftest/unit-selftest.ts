import type { Config } from '../../config/config-schema.ts';
import type { Detector } from '../../detect/detector.ts';
import type { Region } from '../../detect/sample.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import type { Actor } from '../../evidence/record/action-record.ts';
import { sealTest } from '../../evidence/seal-test.ts';
import type { Recipients } from '../../evidence/sealing/recipients.ts';
import type { Machine } from '../../health/machine-figures.ts';
import type { Clock } from '../../kernel/clock.ts';
import { explain, isAtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import type { ClockDiscipline } from '../../kernel/linux/clock-state.ts';
import type { Timer } from '../../kernel/timer.ts';
import type { SelfTestReport } from '../../selftest/contract/self-test-report.ts';
import type {
  BrokerFacts,
  CameraFacts,
  ClockFacts,
  EvidenceFacts,
  LinesFacts,
  MachineFacts,
  SelfTestFacts,
  Size,
  StorageFacts,
} from '../../selftest/facts.ts';
import { makeReport, type ReportHead } from '../../selftest/make-report.ts';
import { measureStorage } from '../../selftest/measure-storage.ts';
import type { LineActivity } from '../../signal/line-activity.ts';
import { lookAtReference } from './detector.ts';
import { certificatesFacts, networkFacts } from './link.ts';
import { lookAtPicture, type PictureLook, type PictureParts } from './picture.ts';

type Heads = Extract<LinesFacts, { readonly kind: 'open' }>['heads'];

/** What a self-test is asked for. */
export interface SelfTestRequest {
  /** Names of outputs that are switched on and off. */
  readonly pulse: readonly string[];
  /** Whether test evidence is sealed. */
  readonly seal: boolean;
  readonly asked: SelfTestReport['asked'];
  /** Who asks; stands in the record of the test evidence. */
  readonly actor: Actor;
}

/** What of the unit is tested; what could not be opened is told as its fault. */
export interface SelfTestParts {
  readonly config: () => Config;
  readonly head: () => Omit<ReportHead, 'at' | 'asked'>;
  /** Looks for some seconds whether frames come. */
  readonly camera: () => Promise<CameraFacts>;
  readonly picture: PictureParts;
  /** Whether the scene holds anything to judge by. */
  readonly drawn: boolean;
  readonly detector: Pick<Detector, 'detect'>;
  readonly regions: readonly Region[] | 'auto';
  /** Whether the unit works meanwhile. */
  readonly beside: boolean;
  /** Of the pictures that the camera delivers, or should. */
  readonly size: Size;
  readonly lines:
    | { readonly kind: 'open'; readonly activity: LineActivity; readonly heads: Heads }
    | Exclude<LinesFacts, { readonly kind: 'open' }>;
  /** Undefined where no evidence was ever sealed here, and none is asked for. */
  readonly evidence:
    | { readonly store: Pick<EvidenceStore, 'ledger' | 'status'>; readonly recipients: Recipients | undefined }
    | { readonly fault: string }
    | undefined;
  readonly broker: () => Promise<BrokerFacts>;
  readonly machine: Machine;
  readonly files: Files;
  readonly clock: Clock & { readonly discipline?: () => ClockDiscipline };
  readonly timer: Timer;
}

/** Tests a unit, one test at a time: what comes while one is under way waits for it. */
export class UnitSelfTest {
  readonly #parts: SelfTestParts;
  #last: Promise<unknown> = Promise.resolve();
  #storage: StorageFacts | undefined;

  constructor(parts: SelfTestParts) {
    this.#parts = parts;
  }

  /** Some seconds. Whatever is wrong is in the report; rejects for nothing but a fault of this program. */
  run(request: SelfTestRequest): Promise<SelfTestReport> {
    const run = this.#last.then(() => this.#run(request));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #run(request: SelfTestRequest): Promise<SelfTestReport> {
    const { clock, head } = this.#parts;
    const at = new Date(clock.utc()).toISOString();
    const facts = await this.#facts(request);
    return makeReport({ ...head(), at, asked: request.asked }, facts);
  }

  /** The camera first, alone: whatever else is measured takes time from it. The medium last but for the evidence that goes onto it. */
  async #facts({ pulse, seal, asked, actor }: SelfTestRequest): Promise<SelfTestFacts> {
    const parts = this.#parts;
    const { clock, timer, files, size, detector, regions, machine } = parts;
    const config = parts.config();
    const camera = await parts.camera();
    const look: PictureLook = await lookAtPicture(parts.picture, seal);
    const [lines, network, broker, certificates, figures] = await Promise.all([
      this.#lines(pulse),
      networkFacts(config, timer),
      parts.broker(),
      certificatesFacts(config, clock),
      machine.read(),
    ]);
    const found = await lookAtReference({ detector, regions, size, clock, beside: parts.beside });
    const { data, reserveMegabytes } = config.evidence;
    // A program that looks after itself asks many times: what the medium can do is measured once, since it wears by it.
    const storage =
      (asked === 'start' ? this.#storage : undefined) ??
      (await measureStorage({ folder: data, reserveBytes: reserveMegabytes * 1e6, files, clock }));
    this.#storage = storage;
    const clockFacts = await this.#clock();
    return {
      camera,
      ...(look.picture === undefined ? {} : { picture: look.picture }),
      reference: look.reference,
      drawn: parts.drawn,
      lines,
      clock: clockFacts,
      storage,
      machine: machineFactsOf(figures),
      network,
      broker,
      certificates,
      detector: found,
      evidence: await this.#evidence(seal, actor, look.masked),
    };
  }

  async #lines(pulse: readonly string[]): Promise<LinesFacts> {
    const { lines } = this.#parts;
    if (lines.kind !== 'open') return lines;
    const { activity, heads } = lines;
    const states = await activity.look(pulse);
    return { kind: 'open', watchedMs: activity.watched, lines: states, heads, unknown: activity.unknown(pulse) };
  }

  async #clock(): Promise<ClockFacts> {
    const { clock, evidence } = this.#parts;
    const ledger = evidence !== undefined && 'store' in evidence ? evidence.store.ledger : undefined;
    const line = ledger === undefined || ledger.last === 0 ? undefined : await ledger.line(ledger.last);
    const stated = line?.kind === 'evidence' ? line.sealed : line?.kind === 'action' ? line.time : undefined;
    const { synchronised, errorBound, estimatedError } = clock.discipline?.() ?? {
      synchronised: clock.state().synchronised,
      errorBound: undefined,
      estimatedError: undefined,
    };
    return {
      utc: clock.utc(),
      synchronised,
      ...(errorBound === undefined ? {} : { errorBoundMs: errorBound }),
      ...(estimatedError === undefined ? {} : { estimatedErrorMs: estimatedError }),
      ...(stated === undefined ? {} : { newestEntry: Date.parse(stated) }),
    };
  }

  async #evidence(seal: boolean, actor: Actor, picture: Uint8Array | undefined): Promise<EvidenceFacts> {
    const { evidence, clock } = this.#parts;
    if (evidence !== undefined && 'fault' in evidence) return { kind: 'refused', says: evidence.fault };
    const fault = evidence?.store.status.fault;
    if (fault !== undefined) return { kind: 'refused', says: `Nothing is sealed any more: ${fault.message}` };
    if (!seal || evidence === undefined) return { kind: 'not-asked' };
    const { store, recipients } = evidence;
    const begun = clock.monotonic();
    try {
      const sealed = await sealTest(store.ledger, recipients, { actor, reason: 'self-test', picture }, clock);
      const { sequence, id, pictureBytes, faults } = sealed;
      const tookMs = clock.monotonic() - begun;
      return { kind: 'sealed', sequence, id, pictureBytes, faults, tookMs, authority: recipients !== undefined };
    } catch (error) {
      return { kind: 'refused', says: isAtalayaError(error) ? error.message : explain(error) };
    }
  }
}

const machineFactsOf = ({
  diskWearPercent,
  temperatureC,
  throttled,
  underVoltage,
  powerVolts,
}: Awaited<ReturnType<Machine['read']>>): MachineFacts => ({
  ...(diskWearPercent === undefined ? {} : { wearPercent: diskWearPercent }),
  ...(temperatureC === undefined ? {} : { temperatureC }),
  ...(throttled === undefined ? {} : { throttled }),
  ...(underVoltage === undefined ? {} : { underVoltage }),
  ...(powerVolts === undefined ? {} : { powerVolts }),
});
