import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ClockState } from '../kernel/clock.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { parse } from '../kernel/schema.ts';
import { milliseconds, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { CaptureTime } from './frame.ts';

/**
 * A bare MJPEG file has no clock. Its times stand beside it, in `FILE.times.json`: the date of the first frame and, for each frame,
 * the milliseconds since then.
 */
const timesSchema = z.strictObject({
  schema: z.literal('atalaya/mjpeg-times/1'),
  start: z.iso.datetime({ offset: true }),
  times: z
    .array(z.number().nonnegative())
    .min(1)
    .refine((times) => times.every((time, i) => i === 0 || time > (times[i - 1] ?? 0)), 'times must rise'),
});

/** Gives frame `sequence` its time; undefined where the recording has no such frame. */
export interface FrameTimes {
  readonly frames: number | undefined;
  at(sequence: number): CaptureTime | undefined;
}

/** Timestamps of a recording: the spacing is the recorder's, good to half a millisecond of rounding. */
export const recordingClock: ClockState = {
  source: 'recording',
  synchronised: false,
  dated: true,
  intervalError: milliseconds(0.5),
};

/** The date of a recording's first frame. */
export interface RecordingStart {
  readonly utc: UtcMilliseconds;
  /** False where nobody states it. */
  readonly stated: boolean;
}

/** For a recording that nobody dates, times count from here: a date that nobody takes for a true one. */
export const undated: RecordingStart = { utc: utcMilliseconds(0), stated: false };

/** The sidecar of an MJPEG file, or undefined where there is none. */
export async function loadFrameTimes(path: string): Promise<FrameTimes | undefined> {
  const sidecar = `${path}.times.json`;
  let text: string;
  try {
    text = await readFile(sidecar, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new AtalayaError('source-missing', `cannot read ${sidecar}`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AtalayaError('source-not-video', `${sidecar} is not JSON`, { cause: error });
  }
  const { start, times } = parse(timesSchema, json, sidecar, 'source-not-video');
  const first = Date.parse(start);
  return {
    frames: times.length,
    at: (sequence) => {
      const elapsed = times[sequence];
      if (elapsed === undefined) return undefined;
      return { utc: utcMilliseconds(first + elapsed), elapsed: milliseconds(elapsed), clock: recordingClock };
    },
  };
}

/** Times by index over a rate that somebody stated. Good for watching; the clock state says that no speed may come from it. */
export function nominalFrameTimes(rate: number, start: RecordingStart): FrameTimes {
  const clock: ClockState = {
    source: 'nominal',
    synchronised: false,
    dated: start.stated,
    intervalError: milliseconds(1000 / rate),
  };
  return {
    frames: undefined,
    at: (sequence) => {
      const elapsed = (sequence * 1000) / rate;
      return { utc: utcMilliseconds(start.utc + elapsed), elapsed: milliseconds(elapsed), clock };
    },
  };
}
