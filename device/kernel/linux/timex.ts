import { Buffer } from 'node:buffer';

/**
 * `struct timex` of `linux/timex.h` on a 64-bit Linux, as far as it is read here. Every `long` is 8 bytes on x86-64 and arm64 alike
 * (LP64), so the layout is one: modes (u32) 0, maxerror (i64, microseconds) 24, esterror (i64, microseconds) 32, status (i32) 40.
 */
export const TIMEX_SIZE = 208;
const MODES = 0;
const MAXERROR = 24;
const ESTERROR = 32;
const STATUS = 40;
/** `STA_UNSYNC`: nobody disciplines the clock. */
const STA_UNSYNC = 0x40;
/** What `ntp_adjtime` answers for a clock that is not synchronised (ntp_adjtime(3)). */
const TIME_ERROR = 5;

/** What the kernel knows of its clock; both errors in milliseconds. */
export interface Timex {
  readonly synchronised: boolean;
  /** The greatest error that the clock can have by what its source said; it grows by 500 ppm from one correction to the next. */
  readonly maximumError: number;
  /** What its source holds its error to be. */
  readonly estimatedError: number;
}

/** A request that changes nothing. */
export function timexRequest(): Uint8Array {
  const bytes = Buffer.alloc(TIMEX_SIZE);
  bytes.writeUInt32LE(0, MODES);
  return bytes;
}

export function readTimex(bytes: Uint8Array, answer: number): Timex {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    synchronised: answer !== TIME_ERROR && (view.readInt32LE(STATUS) & STA_UNSYNC) === 0,
    maximumError: Number(view.readBigInt64LE(MAXERROR)) / 1000,
    estimatedError: Number(view.readBigInt64LE(ESTERROR)) / 1000,
  };
}
