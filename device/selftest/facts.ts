import type { LineState } from '../signal/contract/line-state.ts';

/**
 * What a self-test has measured, before anybody judges it: plain values, so that the judge is pure and every trouble can be made in a test.
 * Times in milliseconds where a name says so.
 */

/** Brightness of a whole picture, one byte a pixel, row-major; black is 0 and white 255 whatever range the camera delivers. */
export interface Luma {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export type CameraFacts =
  /** No frame could be had; `says` is the fault's own sentence. */
  | { readonly kind: 'unavailable'; readonly says: string }
  /** Nothing is due: a recording that has come to its end. */
  | { readonly kind: 'ended'; readonly says: string }
  | {
      readonly kind: 'seen';
      /** How long was looked, in seconds, and the frames that came meanwhile. */
      readonly seconds: number;
      readonly frames: number;
      /** Frames meanwhile that could not be decoded. */
      readonly damaged: number;
      /** Frames a second that the configuration asks for; absent for a recording. */
      readonly nominal?: number;
      /** Pixels as delivered, and those of the scene as it was drawn. */
      readonly size: Size;
      readonly scene: Size;
    };

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Of one picture. */
export interface PictureFigures {
  /** Mean and standard deviation of the brightness, 0 to 255. */
  readonly mean: number;
  readonly spread: number;
  /** Shares of pixels at the black and at the white end, 0 to 1. */
  readonly black: number;
  readonly white: number;
  /** `blurOf`: 0 sharp, 1 without any detail. */
  readonly blur: number;
}

/** Against the pictures that the calibration kept of its own. */
export type ReferenceFacts =
  | { readonly kind: 'none' }
  /** The references cannot be used; a sentence. */
  | { readonly kind: 'unusable'; readonly says: string }
  | {
      readonly kind: 'compared';
      /** Patches that there are, that were found, and that agree on where the camera points. */
      readonly patches: number;
      readonly seen: number;
      readonly agreeing: number;
      /** Pixels; absent where too few agree. */
      readonly shiftPx?: number;
      readonly allowedPx: number;
      /** Fine detail now, as a share of that at the calibration: the median of the patches that were found. */
      readonly detail?: number;
    };

export type LinesFacts =
  | { readonly kind: 'simulated' }
  /** No line can be opened at all. */
  | { readonly kind: 'unavailable'; readonly says: string }
  | {
      readonly kind: 'open';
      readonly watchedMs: number;
      readonly lines: readonly LineState[];
      /** Names of lines that were to be pulsed and are no outputs. */
      readonly unknown: readonly string[];
      /** Lamps of a signal head, by the names of their lines. */
      readonly heads: readonly {
        readonly head: string;
        readonly red: string;
        readonly amber?: string;
        readonly green?: string;
      }[];
    };

export interface ClockFacts {
  readonly utc: number;
  readonly synchronised: boolean;
  /** Absent where nobody disciplines the clock. */
  readonly errorBoundMs?: number;
  readonly estimatedErrorMs?: number;
  /** When the newest entry of the ledger was made, by its own words; absent in an empty ledger. */
  readonly newestEntry?: number;
}

export type StorageFacts =
  | { readonly kind: 'failed'; readonly says: string }
  /** Too little room to measure how fast it writes; bytes as below. */
  | { readonly kind: 'full'; readonly freeBytes: number; readonly totalBytes: number; readonly reserveBytes: number }
  | {
      readonly kind: 'measured';
      /** Of a small write that is made durable: half take no longer, and all but one in a hundred. */
      readonly p50Ms: number;
      readonly p99Ms: number;
      /** Of a large one, 10^6 bytes a second. */
      readonly megabytesPerSecond: number;
      readonly freeBytes: number;
      readonly totalBytes: number;
      /** Below this evidence is refused (`evidence.reserveMegabytes`). */
      readonly reserveBytes: number;
    };

/** Absent: this machine does not tell. */
export interface MachineFacts {
  readonly wearPercent?: number;
  readonly temperatureC?: number;
  readonly throttled?: boolean;
  readonly underVoltage?: boolean;
  readonly powerVolts?: number;
}

export interface NetworkFacts {
  /** Addresses beyond this machine, and whether a default route is there. */
  readonly addresses: number;
  readonly route: boolean;
  /** Host of the broker, and why its name has no address, where it has none. */
  readonly host?: string;
  readonly nameFault?: string;
}

export type BrokerFacts =
  /** The configuration names none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'offline'; readonly forMs: number; readonly says?: string }
  /** The unit is connected. `roundTripMs`: from a message to the broker's word that it has it. */
  | { readonly kind: 'connected'; readonly roundTripMs?: number; readonly heardAgoMs?: number }
  /** A connection was opened as far as both sides knew each other, and closed: the unit's own session was left alone. */
  | { readonly kind: 'reached'; readonly handshakeMs: number };

export interface CertificateFacts {
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

export type CertificatesFacts =
  | { readonly kind: 'none' }
  /** A file is missing, of another unit, or does not belong to its key. */
  | { readonly kind: 'unusable'; readonly says: string }
  | { readonly kind: 'read'; readonly utc: number; readonly certificates: readonly CertificateFacts[] };

export type DetectorFacts =
  | { readonly kind: 'failed'; readonly says: string }
  | {
      readonly kind: 'looked';
      /** Median of some inferences over the picture as the unit looks at it. */
      readonly inferenceMs: number;
      /** Vehicles of the reference picture that were found, and those that are in it. */
      readonly found: number;
      readonly due: number;
      /** The unit looked at its own frames meanwhile: each look waited for one of those. */
      readonly beside: boolean;
    };

export type EvidenceFacts =
  /** Nobody asked for it. */
  | { readonly kind: 'not-asked' }
  | { readonly kind: 'refused'; readonly says: string }
  | {
      readonly kind: 'sealed';
      readonly sequence: number;
      readonly id: string;
      readonly tookMs: number;
      /** Bytes of the sealed picture; 0: no authority is configured, or there was no picture. */
      readonly pictureBytes: number;
      readonly authority: boolean;
      /** What the verifier found wrong, a sentence each. */
      readonly faults: readonly string[];
    };

/** Everything that a self-test has found out. */
export interface SelfTestFacts {
  readonly camera: CameraFacts;
  /** Of the newest picture; absent where there is none. */
  readonly picture?: PictureFigures;
  readonly reference: ReferenceFacts;
  /** Whether the scene holds anything to judge by; absent: it does. */
  readonly drawn?: boolean;
  readonly lines: LinesFacts;
  readonly clock: ClockFacts;
  readonly storage: StorageFacts;
  readonly machine: MachineFacts;
  readonly network: NetworkFacts;
  readonly broker: BrokerFacts;
  readonly certificates: CertificatesFacts;
  readonly detector: DetectorFacts;
  readonly evidence: EvidenceFacts;
}
