import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { HealthFacts } from './health-facts.ts';

/**
 * Everything that a unit gives up by itself, in the order in which it is missed least. Judging and sealing are not among them: they end
 * only where the evidence store refuses, and that is told of each infraction.
 */
export const measureNames = [
  'debug-lines-off',
  'figures-kept-less',
  'plates-looked-at-less',
  'ring-smaller',
  'clips-shorter',
  'room-is-made',
  'plates-not-read',
  'clips-not-made',
  'detector-rests',
  'dates-doubted',
  'camera-awaited',
] as const;
export type Measure = (typeof measureNames)[number];

/** What a person reads: what is given up, and what stays. */
export const measureWords: Readonly<Record<Measure, { readonly gives: string; readonly stays: string }>> = {
  'debug-lines-off': { gives: 'debug lines are not logged', stays: 'all other lines' },
  'figures-kept-less': {
    gives: 'a quarter of the room for counts and figures that wait for the centre',
    stays: 'alerts and infractions wait without that bound',
  },
  'plates-looked-at-less': {
    gives: 'plates are looked at about a quarter as often',
    stays: 'a plate is stated by the same vote, and is unread where the looks do not suffice',
  },
  'ring-smaller': {
    gives: 'half of the memory for recent frames',
    stays: 'stills of the oldest frames that are left; the record names their moments',
  },
  'clips-shorter': {
    gives: 'clips reach 1 s before and after the moment',
    stays: 'all stills, and five frames a second within the clip',
  },
  'room-is-made': { gives: 'retention runs every 5 minutes', stays: 'its policies, holds and records of erasure' },
  'plates-not-read': {
    gives: 'no plate is looked at',
    stays: 'pictures of the vehicle; the record says that no plate was read',
  },
  'clips-not-made': { gives: 'evidence has no clip', stays: 'all stills; the record lists what there is' },
  'detector-rests': {
    gives: 'the detector rests as long as it has worked',
    stays: 'judging, on the frames that it saw at their own times; the others are counted as skipped',
  },
  'dates-doubted': {
    gives: 'the date has no time source; records say so, and nothing is erased for its age where it jumps',
    stays: 'speeds and intervals, which the monotonic clock measures',
  },
  'camera-awaited': {
    gives: 'nothing is seen',
    stays: 'link, evidence and lines; the camera is opened again and again',
  },
};

export const causes = ['disk', 'memory', 'heat', 'throttled', 'clock', 'camera'] as const;
export type Cause = (typeof causes)[number];

/** A threshold of one cause: in force once its figure has been at `enter` or above for `patience`, until it was below `leave` for `relief`. */
export interface Step {
  readonly cause: Cause;
  readonly enter: number;
  /** Not above `enter`. */
  readonly leave: number;
  readonly measures: readonly Measure[];
}

/** How long a figure has to last before it counts. */
export const causeTimes: Readonly<Record<Cause, { readonly patience: Milliseconds; readonly relief: Milliseconds }>> = {
  disk: { patience: milliseconds(10_000), relief: milliseconds(60_000) },
  memory: { patience: milliseconds(10_000), relief: milliseconds(120_000) },
  heat: { patience: milliseconds(10_000), relief: milliseconds(120_000) },
  throttled: { patience: milliseconds(30_000), relief: milliseconds(300_000) },
  clock: { patience: milliseconds(120_000), relief: milliseconds(60_000) },
  camera: { patience: milliseconds(0), relief: milliseconds(10_000) },
};

/**
 * What is given up when, of each cause in rising order. Degrees Celsius of the processor; shares of disk and memory in use; seconds
 * without a frame; 1 for held back, and for a clock that nobody disciplines.
 *
 * The degrees are those of a Raspberry Pi, which holds its processor back from 80 on and again at 85 (Raspberry Pi documentation,
 * frequency management and thermal control).
 */
export const usualSteps: readonly Step[] = [
  { cause: 'disk', enter: 0.85, leave: 0.8, measures: ['debug-lines-off', 'figures-kept-less'] },
  { cause: 'disk', enter: 0.9, leave: 0.87, measures: ['clips-shorter', 'room-is-made'] },
  { cause: 'disk', enter: 0.95, leave: 0.93, measures: ['clips-not-made'] },
  { cause: 'memory', enter: 0.88, leave: 0.84, measures: ['ring-smaller'] },
  { cause: 'memory', enter: 0.93, leave: 0.9, measures: ['plates-looked-at-less', 'clips-not-made'] },
  { cause: 'throttled', enter: 1, leave: 1, measures: ['plates-looked-at-less'] },
  { cause: 'heat', enter: 75, leave: 71, measures: ['plates-looked-at-less'] },
  { cause: 'heat', enter: 80, leave: 76, measures: ['plates-not-read'] },
  { cause: 'heat', enter: 84, leave: 80, measures: ['clips-not-made', 'detector-rests'] },
  { cause: 'clock', enter: 1, leave: 1, measures: ['dates-doubted'] },
  { cause: 'camera', enter: 10, leave: 10, measures: ['camera-awaited'] },
];

/** The figure of a cause; undefined where it is not known, which changes nothing. */
export function figureOf(cause: Cause, facts: HealthFacts): number | undefined {
  const { disk, memory, temperatureC, throttled, clock, camera } = facts;
  switch (cause) {
    case 'disk':
      return disk && disk.totalBytes > 0 ? 1 - disk.freeBytes / disk.totalBytes : undefined;
    case 'memory':
      return memory && memory.totalBytes > 0 ? memory.usedBytes / memory.totalBytes : undefined;
    case 'heat':
      return temperatureC;
    case 'throttled':
      return throttled === undefined ? undefined : Number(throttled);
    case 'clock':
      return clock && Number(!clock.dated || !clock.synchronised);
    case 'camera':
      return camera && camera.silent / 1000;
  }
}

/** Why a step is in force, as a clause. */
export function reasonOf(cause: Cause, figure: number): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  switch (cause) {
    case 'disk':
      return `${percent(figure)} of the disk are in use`;
    case 'memory':
      return `${percent(figure)} of the memory are in use`;
    case 'heat':
      return `the processor has ${Math.round(figure)} degrees`;
    case 'throttled':
      return 'the processor is held back';
    case 'clock':
      return 'no time source disciplines the clock';
    case 'camera':
      return `no frame for ${Math.round(figure)} s`;
  }
}
