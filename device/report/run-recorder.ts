import type { CaptureTime, Frame } from '../capture/frame.ts';
import type { Detection } from '../detect/detection.ts';
import type { Crossing, Infraction } from '../judge/infraction.ts';
import type { PhaseSource } from '../judge/phase.ts';
import type { SpeedReport } from '../judge/speeding.ts';
import { toKilometresPerHour } from '../kernel/units.ts';
import { bottomCentre } from '../scene/contact.ts';
import { laneAt, type Scene } from '../scene/scene.ts';
import { lastPoint, type Track, type TrackUpdate } from '../track/track.ts';
import type {
  HeadTimeline,
  RunCounts,
  SampledPoint,
  SealedInfraction,
  SpeedSummary,
  TrackSummary,
} from './run-record.ts';

/** A unit runs for months: lists keep their newest entries. Frames, skips, damage, detections and infractions are counted on. */
const KEPT = 5000;
/** Boxes of a track that the record keeps. */
const SAMPLES = 60;

/** Collects what a run's record is made of, in flat memory. */
export class RunRecorder {
  readonly #scene: Scene;
  readonly #phases: PhaseSource;
  readonly #memory: () => number;
  readonly #infractions: SealedInfraction[] = [];
  readonly #crossings: Crossing[] = [];
  readonly #tracks: TrackSummary[] = [];
  readonly #heads = new Map<string, HeadSpan[]>();
  readonly #live = new Map<number, Track>();
  readonly #ended: Track[] = [];
  readonly #speeds = new Map<number, SpeedReport>();
  #frames = 0;
  #skipped = 0;
  #damaged = 0;
  #detections = 0;
  #processed = 0;
  #sealed = 0;
  #lost = 0;
  #alerts = 0;
  #peakMemory = 0;
  #residentBytes = 0;
  #first: CaptureTime | undefined;
  #last: CaptureTime | undefined;

  /** `memory`: resident bytes now. */
  constructor(scene: Scene, phases: PhaseSource, memory: () => number) {
    this.#scene = scene;
    this.#phases = phases;
    this.#memory = memory;
  }

  captured(frame: Frame): void {
    this.#frames += 1;
    this.#first ??= frame.time;
    this.#last = frame.time;
  }

  skipped(): void {
    this.#skipped += 1;
  }

  damaged(): void {
    this.#damaged += 1;
  }

  processed(frame: Frame, detections: readonly Detection[], update: TrackUpdate): void {
    this.#settle();
    this.#processed += 1;
    this.#detections += detections.length;
    // Asking the system costs more than the rest of this.
    if (this.#processed % 25 === 1) this.#residentBytes = this.#memory();
    this.#peakMemory = Math.max(this.#peakMemory, this.#residentBytes);
    for (const track of update.live) this.#live.set(track.id, track);
    for (const track of update.ended) {
      this.#live.delete(track.id);
      // A speed may be reported with the very frame that ends the track, so the summary waits for the next.
      this.#ended.push(track);
    }
    for (const { name } of this.#scene.signals) this.#observePhase(name, frame.time);
  }

  measured(report: SpeedReport): void {
    this.#speeds.set(report.track, report);
  }

  crossed(crossing: Crossing): void {
    keep(this.#crossings, crossing);
  }

  sealed(infraction: Infraction, evidence: string, pictures: SealedInfraction['pictures']): SealedInfraction {
    const sealed = { infraction, evidence, pictures };
    keep(this.#infractions, sealed);
    this.#sealed += 1;
    return sealed;
  }

  lost(): void {
    this.#lost += 1;
  }

  alerted(): void {
    this.#alerts += 1;
  }

  /** Resident memory when it was last asked for, bytes. */
  get memoryBytes(): number {
    return this.#residentBytes;
  }

  get counts(): RunCounts & { readonly processed: number; readonly tracksLive: number; readonly infractions: number } {
    return {
      frames: this.#frames,
      skipped: this.#skipped,
      damaged: this.#damaged,
      detections: this.#detections,
      lost: this.#lost,
      alerts: this.#alerts,
      peakMemoryBytes: this.#peakMemory > 0 ? this.#peakMemory : undefined,
      processed: this.#processed,
      tracksLive: this.#live.size,
      infractions: this.#sealed,
    };
  }

  /** What the record says of the frames; tracks that still live are taken as they stand. */
  finish() {
    this.#settle();
    const living = [...this.#live.values()].map((track) => this.#summarise(track));
    const heads: HeadTimeline[] = [...this.#heads].map(([head, spans]) => ({ head, spans }));
    return {
      watched:
        this.#first !== undefined && this.#last !== undefined ? { from: this.#first, to: this.#last } : undefined,
      counts: this.counts,
      infractions: [...this.#infractions],
      crossings: [...this.#crossings],
      tracks: [...this.#tracks, ...living].sort((a, b) => a.from.elapsed - b.from.elapsed || a.id - b.id),
      phases: heads,
    };
  }

  #settle(): void {
    for (const track of this.#ended.splice(0)) {
      keep(this.#tracks, this.#summarise(track));
      this.#speeds.delete(track.id);
    }
  }

  #summarise(track: Track): TrackSummary {
    const { points } = track;
    const first = points[0] ?? lastPoint(track);
    const last = points.findLast(({ measured }) => measured) ?? lastPoint(track);
    const middle = points[Math.floor(points.length / 2)] ?? first;
    const lanes = [middle, first, last].map(({ box }) => laneAt(this.#scene, bottomCentre(box))?.name);
    return {
      id: track.id,
      class: track.class,
      lane: lanes.find((lane) => lane !== undefined),
      from: { frame: first.frame, elapsed: first.time.elapsed },
      to: { frame: last.frame, elapsed: last.time.elapsed },
      speed: this.#speedOf(track.id),
      points: sample(track),
    };
  }

  #speedOf(track: number): SpeedSummary {
    const estimate = this.#speeds.get(track)?.estimate;
    if (estimate === undefined) {
      const uncalibrated = this.#scene.ground === undefined;
      return { stated: false, reason: uncalibrated ? 'the scene is not calibrated' : 'nothing was measured' };
    }
    if (!estimate.stated) return { stated: false, reason: estimate.says };
    return {
      stated: true,
      speed: toKilometresPerHour(estimate.speed),
      uncertainty: toKilometresPerHour(estimate.uncertainty),
      fromFrame: estimate.from.frame,
      toFrame: estimate.to.frame,
    };
  }

  #observePhase(head: string, time: CaptureTime): void {
    const reading = this.#phases.phaseAt(head, time.utc, time.elapsed);
    const phase = reading.known ? reading.phase : 'unknown';
    const spans = this.#heads.get(head) ?? [];
    this.#heads.set(head, spans);
    const current = spans.at(-1);
    if (current?.phase === phase) current.to = time.elapsed;
    else {
      if (current !== undefined) current.to = time.elapsed;
      keep(spans, { phase, from: time.elapsed, to: time.elapsed });
    }
  }
}

type HeadSpan = {
  -readonly [key in keyof HeadTimeline['spans'][number]]: HeadTimeline['spans'][number][key];
};

function sample({ points }: Track): SampledPoint[] {
  const seen = points.filter(({ measured }) => measured);
  const step = Math.max(1, Math.ceil(seen.length / SAMPLES));
  return seen
    .filter((_, i) => i % step === 0 || i === seen.length - 1)
    .map(({ frame, box }) => [frame, box.x, box.y, box.width, box.height] as const);
}

function keep<T>(list: T[], entry: T): void {
  list.push(entry);
  if (list.length > KEPT) list.shift();
}
