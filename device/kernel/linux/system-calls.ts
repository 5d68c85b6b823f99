/**
 * What the drivers of this folder and of the lines ask of the Linux kernel, as a port: `libc.ts` is the real one, and tests speak the
 * same bytes with one of their own.
 *
 * Every call throws a `SystemFault` where the kernel refuses. The bytes are those of a 64-bit little-endian Linux (x86-64, arm64).
 */
export interface SystemCalls {
  /** Opens a file or device; the descriptor is closed on exec. */
  open(path: string, mode: 'read' | 'write' | 'read-write'): number;
  close(descriptor: number): void;
  /** Bytes read; 0 at the end. Blocks where nothing is there. */
  read(descriptor: number, into: Uint8Array): number;
  /** Bytes written, which may be fewer than given. */
  write(descriptor: number, from: Uint8Array): number;
  /** The argument is read and written in place. */
  ioctl(descriptor: number, request: number, argument: Uint8Array): number;
  /** Which of the descriptors are ready, after `wait` milliseconds at the latest; -1 waits without end. A signal ends the wait early. */
  poll(wanted: readonly PollWish[], wait: number): PollAnswer[];
  /** A datagram socket of the UNIX family. */
  datagramSocket(): number;
  /** Sends one datagram without waiting; an address that begins with `@` lies in the abstract name space. */
  sendTo(descriptor: number, address: string, message: Uint8Array): void;
  /** `struct timex` in and out; the answer is the state of the clock (`TIME_OK`, `TIME_ERROR`, ...). */
  adjustTime(timex: Uint8Array): number;
}

export interface PollWish {
  readonly descriptor: number;
  readonly readable: boolean;
  readonly writable: boolean;
}

export interface PollAnswer {
  readonly descriptor: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** The other end is gone, the device is gone, or the descriptor is not open. */
  readonly gone: boolean;
}

/** A call that the kernel refused. `code` is the name of its error number, as in Node's own errors: `systemCode` reads it. */
export class SystemFault extends Error {
  override readonly name = 'SystemFault';
  readonly code: string;
  readonly call: string;

  constructor(code: string, call: string, about = '') {
    super(`${call}${about === '' ? '' : ` ${about}`}: ${code}`);
    this.code = code;
    this.call = call;
  }
}

/** `SystemFault` of the given kind. */
export function isSystemFault(error: unknown, ...codes: readonly string[]): error is SystemFault {
  return error instanceof SystemFault && (codes.length === 0 || codes.includes(error.code));
}
