import type { Clock } from '../clock.ts';
import { isAtalayaError } from '../errors.ts';
import { type Milliseconds, milliseconds } from '../units.ts';
import { Libc } from './libc.ts';
import { isSystemFault, type SystemCalls } from './system-calls.ts';
import { readTimex, timexRequest } from './timex.ts';

/** What is known of the date of this machine's clock. */
export interface ClockDiscipline {
  /** True while a time source disciplines the clock: NTP, PTP, GPS, whichever program steers it tells the kernel. */
  readonly synchronised: boolean;
  /** Bound of the error of the date, undefined where nobody disciplines the clock: then it has none. */
  readonly errorBound: Milliseconds | undefined;
  /** What the time source holds the error to be, undefined as above. */
  readonly estimatedError: Milliseconds | undefined;
}

export interface DisciplinedClock extends Clock {
  discipline(): ClockDiscipline;
}

/** An answer is used for so long: a frame asks for the clock's state, and a system call a frame would be waste. */
const freshFor = milliseconds(1000);

const nobody: ClockDiscipline = { synchronised: false, errorBound: undefined, estimatedError: undefined };

/** Asks the kernel, which clears its flag only while a program steers the clock, and raises it by itself when that falls silent. */
export function readClockDiscipline(calls: SystemCalls): ClockDiscipline {
  const request = timexRequest();
  const { synchronised, maximumError, estimatedError } = readTimex(request, calls.adjustTime(request));
  if (!synchronised) return nobody;
  return { synchronised, errorBound: milliseconds(maximumError), estimatedError: milliseconds(estimatedError) };
}

/**
 * A clock whose `state` says what the kernel knows of it. Times are those of `base`.
 *
 * A kernel that does not answer leaves the clock unsynchronised: what is not known is not claimed.
 */
export function disciplinedClock(base: Clock, calls: SystemCalls): DisciplinedClock {
  let known: { readonly discipline: ClockDiscipline; readonly at: Milliseconds } | undefined;
  const discipline = () => {
    const now = base.monotonic();
    if (known === undefined || now - known.at >= freshFor) known = { discipline: ask(calls), at: now };
    return known.discipline;
  };
  return {
    utc: () => base.utc(),
    monotonic: () => base.monotonic(),
    state: () => ({ ...base.state(), synchronised: discipline().synchronised }),
    discipline,
  };
}

/** The clock of this machine with its discipline; on a platform without the system call it is never synchronised. */
export function openDisciplinedClock(base: Clock): DisciplinedClock {
  try {
    return disciplinedClock(base, Libc.open());
  } catch (error) {
    if (!isAtalayaError(error, 'program-missing')) throw error;
    const state = () => ({ ...base.state(), synchronised: false });
    return { utc: () => base.utc(), monotonic: () => base.monotonic(), state, discipline: () => nobody };
  }
}

function ask(calls: SystemCalls): ClockDiscipline {
  try {
    return readClockDiscipline(calls);
  } catch (error) {
    if (isSystemFault(error)) return nobody;
    throw error;
  }
}
