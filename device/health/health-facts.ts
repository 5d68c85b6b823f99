import type { Milliseconds, UtcMilliseconds } from '../kernel/units.ts';
import type { MachineFigures } from './machine-figures.ts';

/**
 * What is known of the unit's state at one moment, by whoever knows it. What is absent is not known: it opens no alert and closes none.
 */
export interface HealthFacts {
  readonly camera?: {
    /** Since the newest frame, or since the start where none came yet. */
    readonly silent: Milliseconds;
    /** None came yet. */
    readonly none?: true;
    /** Of the fault, where one was told. */
    readonly detail?: string;
  };
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  readonly memory?: { readonly usedBytes: number; readonly totalBytes: number };
  readonly temperatureC?: number;
  readonly throttled?: boolean;
  readonly underVoltage?: boolean;
  /** `dated`: the date is stated by somebody. `synchronised`: a time source disciplines the clock. */
  readonly clock?: { readonly dated: boolean; readonly synchronised: boolean };
  readonly evidence?: {
    /** Infractions that could not be sealed, since the start. */
    readonly refused: number;
    /** Why nothing can be sealed at all. */
    readonly fault?: string;
  };
  /** Why no frame is judged; `null` where the detector works. */
  readonly detector?: { readonly fault: string | null };
  /** Why no plate is read; `null` where the reader works. */
  readonly plateReader?: { readonly fault: string | null };
  /** Whether the camera stands where it was calibrated; absent while that cannot be seen. */
  readonly cameraPlace?: { readonly moved: boolean; readonly shiftPx: number; readonly says: string };
  /** Open, tampered with; `undefined` where there is no such switch, or it cannot be read. */
  readonly housing?: { readonly door: boolean | undefined; readonly tamper: boolean | undefined };
  readonly broker?: {
    /** `undefined` while connected. */
    readonly offline?: Milliseconds;
    readonly detail?: string;
  };
  readonly configuration?: {
    /** The newest document, where the unit went back from it. */
    readonly rolledBack?: { readonly version: number; readonly reason: string };
  };
  /** The unit's certificate, the authorities' and the revocation list's next update. */
  readonly certificates?: readonly { readonly name: string; readonly expires: UtcMilliseconds }[];
  /** Renewal of the unit's certificate; absent where that is done by hand. */
  readonly renewal?: {
    /** When the unit asks for the next one, and the end of the one in force. */
    readonly due: UtcMilliseconds;
    readonly until: UtcMilliseconds;
    /** It asks, and has none. */
    readonly isAsked: boolean;
    /** Why the grant that came last was not taken. */
    readonly refused: string | undefined;
    /** Why the one in force is not the one of the session. */
    readonly problem: string | undefined;
  };
  /** Queues and memories of the outbox that the start found damaged and began anew, a clause each. */
  readonly setAside?: readonly string[];
  /** What the unit has given up for the moment, a measure and its sentence each. */
  readonly degraded?: readonly { readonly measure: string; readonly says: string }[];
  /** Hits on watch lists since the last look: names of lists and ids of their entries, never a plate. */
  readonly watchList?: readonly { readonly list: string; readonly entry: string }[];
}

/** What the figures of the machine say of its health. */
export function machineFacts(
  figures: MachineFigures,
): Pick<HealthFacts, 'disk' | 'memory' | 'temperatureC' | 'throttled' | 'underVoltage'> {
  const { diskFreeBytes, diskTotalBytes, memoryUsedBytes, memoryTotalBytes } = figures;
  const { temperatureC, throttled, underVoltage } = figures;
  return {
    ...(diskFreeBytes === undefined || diskTotalBytes === undefined
      ? {}
      : { disk: { freeBytes: diskFreeBytes, totalBytes: diskTotalBytes } }),
    ...(memoryUsedBytes === undefined || memoryTotalBytes === undefined
      ? {}
      : { memory: { usedBytes: memoryUsedBytes, totalBytes: memoryTotalBytes } }),
    ...(temperatureC === undefined ? {} : { temperatureC }),
    ...(throttled === undefined ? {} : { throttled }),
    ...(underVoltage === undefined ? {} : { underVoltage }),
  };
}

/** A quantity that is bad when it is high. Each level is left at a lower value than it is entered. */
export interface Band {
  readonly raise: number;
  readonly close: number;
  readonly critical: number;
  readonly criticalClose: number;
}

export interface HealthLimits {
  /** Share of the disk in use. */
  readonly disk: Band;
  /** Share of the memory in use. */
  readonly memory: Band;
  /** Degrees Celsius. */
  readonly temperature: Band;
  /** Time without a frame, in ms. */
  readonly camera: { readonly raise: Milliseconds; readonly critical: Milliseconds };
  /** Time without the broker, in ms. */
  readonly broker: { readonly raise: Milliseconds; readonly critical: Milliseconds };
  /** Time to the end of a certificate, in ms. */
  readonly certificate: { readonly raise: Milliseconds; readonly critical: Milliseconds };
}

const seconds = (value: number) => (value * 1000) as Milliseconds;
const days = (value: number) => seconds(value * 24 * 3600);

/** A processor of a Raspberry Pi is held back from 80 degrees on, of a Jetson Orin from about 95 (their makers' documentation). */
export const usualLimits: HealthLimits = {
  disk: { raise: 0.85, close: 0.8, critical: 0.95, criticalClose: 0.93 },
  memory: { raise: 0.9, close: 0.85, critical: 0.96, criticalClose: 0.93 },
  temperature: { raise: 78, close: 72, critical: 88, criticalClose: 84 },
  camera: { raise: seconds(10), critical: seconds(120) },
  broker: { raise: seconds(120), critical: days(3) },
  certificate: { raise: days(30), critical: days(7) },
};

/** The level of a quantity, given the one that it had. */
export function levelIn(band: Band, value: number, before: Level): Level {
  if (value >= band.critical || (before === 'critical' && value >= band.criticalClose)) return 'critical';
  if (value >= band.raise || (before !== 'good' && value >= band.close)) return 'raised';
  return 'good';
}

export type Level = 'good' | 'raised' | 'critical';
