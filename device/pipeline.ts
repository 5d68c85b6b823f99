import type { Camera } from './capture/camera.ts';
import type { CaptureTime, Frame } from './capture/frame.ts';
import { FrameMailbox } from './capture/frame-mailbox.ts';
import type { FrameRing, Held } from './capture/frame-ring.ts';
import type { Detection } from './detect/detection.ts';
import type { Detector } from './detect/detector.ts';
import type { SealedEvidence } from './evidence/evidence-store.ts';
import type { Crossing, Infraction } from './judge/infraction.ts';
import type { Judged } from './judge/judge.ts';
import type { RawData } from './judge/raw-data.ts';
import type { SpeedReport } from './judge/speeding.ts';
import { AtalayaError, type ErrorCode, isAtalayaError } from './kernel/errors.ts';
import type { TrackUpdate } from './track/track.ts';

/** The stages that a frame passes, in order. */
export interface Stages {
  readonly camera: Camera;
  readonly ring: FrameRing;
  readonly detector: Detector;
  readonly tracker: { update(frame: Frame, detections: readonly Detection[]): TrackUpdate };
  /**
   * Reads plates beside this way: takes what it needs of a frame before it returns; a promise is waited for before the frame is judged.
   * `finish`: no more frames come; told before the last judgement. `hurry`: none come until a seal is done, which may wait for a plate.
   */
  readonly plates?: {
    observe(frame: Frame, update: TrackUpdate): Promise<void> | undefined;
    hurry(): void;
    finish(): void;
  };
  readonly judge: { observe(update: TrackUpdate, now: CaptureTime): Judged; finish(now: CaptureTime): Judged };
  /** Resolves when the evidence is durable. Takes what it needs from the ring before it returns its promise. */
  readonly seal: (infraction: Infraction, raw: RawData, ring: FrameRing) => Promise<SealedEvidence>;
  /** Called with what is sealed already, one after the other in the order of judgement. */
  readonly announce: (infraction: Infraction, evidence: SealedEvidence) => Promise<void>;
  /**
   * Told of an infraction whose evidence could not be kept while the store goes on (`bearable`). It is never announced; whoever is told
   * says so.
   */
  readonly lost: (infraction: Infraction, fault: AtalayaError) => void;
  readonly observer: PipelineObserver;
}

/** Told what happens; cannot change it. */
export interface PipelineObserver {
  captured(frame: Frame): void;
  skipped(frame: Frame): void;
  processed(frame: Frame, detections: readonly Detection[], update: TrackUpdate): void;
  crossed(crossing: Crossing): void;
  measured(report: SpeedReport): void;
  /** Would have been an infraction, if the camera stood where its lines were drawn. */
  withheld(infraction: Infraction): void;
}

export interface Flow {
  /** `newest`: the detector sees the present and misses what came meanwhile. `every`: it sees every frame. */
  readonly frames: 'newest' | 'every';
  /** Whether the detector is given frames now; those that it is not given stay in the ring and count as skipped. Absent: always. */
  readonly admits?: () => boolean;
  /** Evidence that may wait to be durable before judging pauses. */
  readonly sealsAtOnce: number;
}

/**
 * The way of a frame: capture, detect, track, judge, seal, announce.
 *
 * Guarantees: frames are tracked and judged in the order of capture; nothing is announced before its seal is durable; when the source
 * ends, fails or is aborted, every frame that was taken is judged and every infraction sealed, or told as lost, before the promise
 * settles; a fault of the source is thrown after that, a fault of a later stage stops the capture.
 */
export async function runPipeline(stages: Stages, flow: Flow, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const capturing = AbortSignal.any([signal, stop.signal]);
  const mailbox = new FrameMailbox<Held<Frame>>(flow.frames, (held) => {
    stages.observer.skipped(held.frame);
    held.release();
  });
  const captured = capture(stages, flow, mailbox, capturing).finally(() => mailbox.close());
  const judged = judgeAll(stages, mailbox, flow).catch((error: unknown) => {
    stop.abort();
    mailbox.close();
    throw error;
  });
  const [source, later] = await Promise.allSettled([captured, judged]);
  // Where the judging failed, a frame may still lie here that nobody will take.
  (await mailbox.take())?.release();
  stages.ring.clear();
  if (later.status === 'rejected') throw later.reason;
  if (source.status === 'rejected') throw source.reason;
}

async function capture(
  { camera, ring, observer }: Stages,
  { admits = () => true }: Flow,
  mailbox: FrameMailbox<Held<Frame>>,
  signal: AbortSignal,
): Promise<void> {
  for await (const frame of camera.frames(signal)) {
    observer.captured(frame);
    const held = ring.push(frame);
    if (admits()) {
      await mailbox.put(held);
    } else {
      observer.skipped(frame);
      held.release();
    }
  }
}

interface InFlight {
  readonly held: Held<Frame>;
  readonly found: Promise<readonly Detection[]>;
}

async function judgeAll(stages: Stages, mailbox: FrameMailbox<Held<Frame>>, flow: Flow): Promise<void> {
  const seals = new SealQueue(stages, flow.sealsAtOnce);
  // With every frame wanted, the next one is already with the detector while this one is tracked and judged.
  const ahead = flow.frames === 'every' ? 1 : 0;
  const inFlight: InFlight[] = [];
  let last: CaptureTime | undefined;
  try {
    for (;;) {
      const held = await mailbox.take();
      if (held !== undefined) {
        const found = stages.detector.detect(held.frame);
        found.catch(() => {});
        inFlight.push({ held, found });
      }
      while (inFlight.length > (held === undefined ? 0 : ahead))
        last = (await judgeOne(stages, inFlight, seals)) ?? last;
      if (held !== undefined) continue;
      stages.plates?.finish();
      if (last !== undefined) await report(stages, stages.judge.finish(last), seals);
      return;
    }
  } catch (error) {
    // What is being sealed does not wait for frames that never come.
    stages.plates?.finish();
    throw error;
  } finally {
    // Pictures go back to their pool only when nobody reads them any more.
    await Promise.allSettled(inFlight.map(({ found }) => found));
    for (const { held } of inFlight) held.release();
    await seals.drain();
  }
}

async function judgeOne(stages: Stages, inFlight: InFlight[], seals: SealQueue): Promise<CaptureTime | undefined> {
  seals.check();
  const next = inFlight.shift();
  if (next === undefined) return undefined;
  const { frame } = next.held;
  try {
    const detections = await next.found;
    const update = stages.tracker.update(frame, detections);
    await stages.plates?.observe(frame, update);
    const judged = stages.judge.observe(update, frame.time);
    stages.observer.processed(frame, detections, update);
    await report(stages, judged, seals);
    return frame.time;
  } finally {
    next.held.release();
  }
}

async function report({ observer }: Stages, judged: Judged, seals: SealQueue): Promise<void> {
  for (const crossing of judged.crossings) observer.crossed(crossing);
  for (const speed of judged.speeds) observer.measured(speed);
  for (const infraction of judged.withheld) observer.withheld(infraction);
  for (const infraction of judged.infractions) {
    const raw = judged.raw.get(infraction);
    if (raw === undefined) throw new AtalayaError('internal', 'an infraction without what it was judged from');
    await seals.add(infraction, raw);
  }
}

/**
 * Faults that cost one infraction its evidence and leave the store as it was. To stop for one would lose all that come after it: what
 * came too late in a burst, what came while the disk had no room, which retention or an auditor at the desk can make.
 */
const bearable: readonly ErrorCode[] = ['deadline-exceeded', 'store-reserved', 'frame-damaged'];

/** Seals beside the judging, announces in order, tells what is lost, and remembers the first fault that stops the run. */
class SealQueue {
  readonly #stages: Stages;
  readonly #limit: number;
  /** In the order of judgement. */
  readonly #waiting = new Set<Promise<void>>();
  #announced: Promise<void> = Promise.resolve();
  #lateInARow = 0;
  #fault: { readonly error: unknown } | undefined;

  constructor(stages: Stages, limit: number) {
    this.#stages = stages;
    this.#limit = limit;
  }

  async add(infraction: Infraction, raw: RawData): Promise<void> {
    const sealed = this.#stages.seal(infraction, raw, this.#stages.ring);
    // Never rejects: what was sealed is announced in its turn, whatever became of the one before it.
    sealed.catch(() => {});
    const announced = this.#announced.then(async () => {
      try {
        const evidence = await this.#kept(infraction, sealed);
        if (evidence !== undefined) await this.#stages.announce(infraction, evidence);
      } catch (error) {
        this.#fault ??= { error };
      }
      this.#waiting.delete(announced);
    });
    this.#announced = announced;
    this.#waiting.add(announced);
    while (this.#waiting.size > this.#limit) {
      // No frame is judged meanwhile: a seal that waits for one would wait for ever.
      this.#stages.plates?.hurry();
      const [oldest] = this.#waiting;
      await oldest;
    }
  }

  /** Throws the fault that stops the run: a unit that cannot keep evidence must not go on as if it could. */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  /** Waits for every seal and its announcement, then throws the first fault where there was one. */
  async drain(): Promise<void> {
    await this.#announced;
    this.check();
  }

  /**
   * The evidence, or undefined where it is lost and the run goes on. When more are late in a row than can have waited for one
   * another, the store hangs, and its fault is thrown.
   */
  async #kept(infraction: Infraction, sealed: Promise<SealedEvidence>): Promise<SealedEvidence | undefined> {
    try {
      const evidence = await sealed;
      this.#lateInARow = 0;
      return evidence;
    } catch (error) {
      if (!isAtalayaError(error) || !bearable.includes(error.code)) throw error;
      this.#stages.lost(infraction, error);
      this.#lateInARow = error.code === 'deadline-exceeded' ? this.#lateInARow + 1 : 0;
      if (this.#lateInARow > this.#limit) throw error;
      return undefined;
    }
  }
}
