import type { CaptureTime } from '../capture/frame.ts';
import type { ObjectClass } from '../detect/detection.ts';
import type { Crossing, Infraction } from '../judge/infraction.ts';
import type { Phase } from '../judge/phase.ts';
import type { KilometresPerHour, Milliseconds, UtcMilliseconds } from '../kernel/units.ts';

/** All that the console's summary and the report page say of one run; a value, complete when the run has ended. */
export interface RunRecord {
  readonly source: RunSource;
  readonly scene: RunScene;
  /** By the machine's clock, not by the frames': when the program began and ended this run. */
  readonly started: UtcMilliseconds;
  readonly ended: UtcMilliseconds;
  /** Capture times of the first and the last frame; absent where no frame came. */
  readonly watched: { readonly from: CaptureTime; readonly to: CaptureTime } | undefined;
  /** Why the run ended: `source-ended`, `interrupted`, or the message of the fault that stopped it. */
  readonly outcome: RunOutcome;
  readonly counts: RunCounts;
  /** In the order in which they were sealed. */
  readonly infractions: readonly SealedInfraction[];
  readonly crossings: readonly Crossing[];
  readonly tracks: readonly TrackSummary[];
  /** Per signal head, in order of time, without overlap. */
  readonly phases: readonly HeadTimeline[];
  readonly versions: RunVersions;
}

export type RunOutcome =
  | { readonly kind: 'source-ended' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly message: string };

export interface RunSource {
  /** What a person calls the source: a file, a device. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

export interface RunScene {
  readonly name: string;
  /** The limit where no lane says otherwise, km/h. */
  readonly limitKmh?: number | undefined;
  readonly lanes: readonly { readonly name: string; readonly limitKmh: number | undefined }[];
  /** Names of the counting lines, so that a line that nobody crossed is shown with its zero. */
  readonly lines: readonly string[];
}

export interface RunCounts {
  /** Frames that the source delivered, skipped ones included, damaged ones not. */
  readonly frames: number;
  /** Delivered, but never shown to the detector. */
  readonly skipped: number;
  /** Could not be decoded. */
  readonly damaged: number;
  readonly detections: number;
  /** Infractions that were judged and whose evidence could not be kept. */
  readonly lost: number;
  /** Matches of plates that were read with entries of the watch lists. */
  readonly alerts: number;
  /** Largest resident memory, in bytes, where it was watched. */
  readonly peakMemoryBytes: number | undefined;
}

export interface SealedInfraction {
  readonly infraction: Infraction;
  /** Id of the sealed evidence record. */
  readonly evidence: string;
  /** Names of its files that a report shows: pictures of the moment, and its plate; each may be missing. */
  readonly pictures: {
    readonly context?: string;
    readonly closeUp?: string;
    readonly annotated?: string;
    /** The pixels of its plate. */
    readonly plate?: string;
    /** What was read of its plate, no picture. */
    readonly plateFile?: string;
  };
}

export interface TrackSummary {
  readonly id: number;
  readonly class: ObjectClass;
  readonly lane: string | undefined;
  readonly from: { readonly frame: number; readonly elapsed: Milliseconds };
  readonly to: { readonly frame: number; readonly elapsed: Milliseconds };
  readonly speed: SpeedSummary;
  /** Some of its boxes, in order of frame: `[frame, x, y, width, height]`, pixels of the full picture. */
  readonly points: readonly SampledPoint[];
}

export type SampledPoint = readonly [frame: number, x: number, y: number, width: number, height: number];

export type SpeedSummary =
  | {
      readonly stated: true;
      readonly speed: KilometresPerHour;
      /** Standard uncertainty, 1 sigma. */
      readonly uncertainty: KilometresPerHour;
      /** First and last frame of the stretch that the speed was taken over. */
      readonly fromFrame: number;
      readonly toFrame: number;
    }
  | { readonly stated: false; readonly reason: string };

export interface HeadTimeline {
  readonly head: string;
  readonly spans: readonly {
    readonly phase: Phase | 'unknown';
    readonly from: Milliseconds;
    readonly to: Milliseconds;
  }[];
}

export interface RunVersions {
  /** Version of Atalaya. */
  readonly software: string;
  /** Version of Node. */
  readonly runtime: string;
  readonly model: {
    readonly id: string;
    readonly version: string;
    readonly engine: string;
    /** SHA-256 of the bundle's manifest. */
    readonly sha256: string;
  };
  /** SHA-256 of the scene file as it was read. */
  readonly sceneSha256: string;
  /** SHA-256 of the configuration, where one was read. */
  readonly configSha256: string | undefined;
}

/** How long the frames span, in seconds; 0 where none came. */
export function watchedSeconds(record: RunRecord): number {
  return record.watched === undefined ? 0 : (record.watched.to.elapsed - record.watched.from.elapsed) / 1000;
}

/** Frames that were handled per second of the machine's time; 0 for a run without duration. */
export function frameRate(record: RunRecord): number {
  const seconds = (record.ended - record.started) / 1000;
  return seconds > 0 ? record.counts.frames / seconds : 0;
}
