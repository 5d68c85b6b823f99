import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { AtalayaError } from '../errors.ts';
import { type PollAnswer, type PollWish, type SystemCalls, SystemFault } from './system-calls.ts';

/** From Linux's `asm-generic/fcntl.h`; the same on x86-64 and arm64 for these. */
const accessModes = { read: 0, write: 1, 'read-write': 2 } as const;
const O_CLOEXEC = 0o2000000;
/** `asm-generic/poll.h`. */
const POLLIN = 0x01;
const POLLOUT = 0x04;
const POLLERR = 0x08;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
/** `struct pollfd`: int fd, short events, short revents. */
const POLLFD_SIZE = 8;
/** `linux/socket.h`, `asm-generic/socket.h`, `linux/net.h`. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = O_CLOEXEC;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `linux/un.h`: family (2 bytes) and a path of 108, its closing zero included. */
const LONGEST_SOCKET_PATH = 107;

type Call = (...given: readonly unknown[]) => number | bigint;

/**
 * The system calls of glibc through `koffi`: no compiler on the unit and no binding of our own.
 *
 * The library is loaded at `open` and not before, so that whoever never opens it (another platform, a test) needs neither.
 */
export class Libc implements SystemCalls {
  readonly #call: (name: LibcFunction, about: string, ...given: readonly unknown[]) => number;

  private constructor(call: (name: LibcFunction, about: string, ...given: readonly unknown[]) => number) {
    this.#call = call;
  }

  /** Throws `program-missing` where this is no 64-bit Linux with glibc, or `koffi` is not installed. */
  static open(): Libc {
    if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
      throw new AtalayaError(
        'program-missing',
        `system calls are made on Linux on x64 and arm64 alone, and this is ${process.platform} on ${process.arch}`,
        { hint: 'Use the simulated lines here: `signal.lines.driver: simulated`.' },
      );
    }
    const { functions, errno } = loadFunctions();
    return new Libc((name, about, ...given) => {
      const answer = Number(functions[name](...given));
      // The number is this thread's and stands until its next call.
      if (answer < 0) throw new SystemFault(getSystemErrorName(-errno()), name, about);
      return answer;
    });
  }

  open(path: string, mode: 'read' | 'write' | 'read-write'): number {
    return this.#call('open', path, path, accessModes[mode] | O_CLOEXEC);
  }

  close(descriptor: number): void {
    this.#call('close', '', descriptor);
  }

  read(descriptor: number, into: Uint8Array): number {
    return this.#call('read', '', descriptor, into, into.byteLength);
  }

  write(descriptor: number, from: Uint8Array): number {
    return this.#call('write', '', descriptor, from, from.byteLength);
  }

  ioctl(descriptor: number, request: number, argument: Uint8Array): number {
    return this.#call('ioctl', '', descriptor, request, 'void *', argument);
  }

  poll(wanted: readonly PollWish[], wait: number): PollAnswer[] {
    const entries = Buffer.alloc(Math.max(1, wanted.length) * POLLFD_SIZE);
    for (const [i, { descriptor, readable, writable }] of wanted.entries()) {
      entries.writeInt32LE(descriptor, i * POLLFD_SIZE);
      entries.writeInt16LE((readable ? POLLIN : 0) | (writable ? POLLOUT : 0), i * POLLFD_SIZE + 4);
    }
    try {
      this.#call('poll', '', entries, wanted.length, Math.min(Math.ceil(wait), 2 ** 31 - 1));
    } catch (error) {
      if (error instanceof SystemFault && error.code === 'EINTR') return [];
      throw error;
    }
    return wanted.flatMap(({ descriptor }, i) => {
      const seen = entries.readInt16LE(i * POLLFD_SIZE + 6);
      if (seen === 0) return [];
      return [
        {
          descriptor,
          readable: (seen & POLLIN) !== 0,
          writable: (seen & POLLOUT) !== 0,
          gone: (seen & (POLLERR | POLLHUP | POLLNVAL)) !== 0,
        },
      ];
    });
  }

  datagramSocket(): number {
    return this.#call('socket', '', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  }

  sendTo(descriptor: number, address: string, message: Uint8Array): void {
    const to = socketAddress(address);
    this.#call(
      'sendto',
      address,
      descriptor,
      message,
      message.byteLength,
      MSG_DONTWAIT | MSG_NOSIGNAL,
      to,
      to.byteLength,
    );
  }

  adjustTime(timex: Uint8Array): number {
    return this.#call('ntp_adjtime', '', timex);
  }
}

/**
 * `struct sockaddr_un` (unix(7)): a path ends with a zero; a name in the abstract name space begins with one and ends with the
 * address itself.
 */
export function socketAddress(address: string): Uint8Array {
  const name = Buffer.from(address, 'utf8');
  if (name.length === 0 || name.length > LONGEST_SOCKET_PATH || name.includes(0))
    throw new SystemFault('EINVAL', 'sendto', 'an address that is no socket');
  const abstract = address.startsWith('@');
  const bytes = Buffer.alloc(2 + name.length + (abstract ? 0 : 1));
  bytes.writeUInt16LE(AF_UNIX, 0);
  name.copy(bytes, 2);
  if (abstract) bytes[2] = 0;
  return bytes;
}

const prototypes = {
  open: 'int open(const char *path, int flags, ...)',
  close: 'int close(int fd)',
  read: 'long read(int fd, void *into, size_t size)',
  write: 'long write(int fd, const void *from, size_t size)',
  ioctl: 'int ioctl(int fd, unsigned long request, ...)',
  poll: 'int poll(void *fds, unsigned long count, int timeout)',
  socket: 'int socket(int domain, int type, int protocol)',
  sendto:
    'long sendto(int fd, const void *from, size_t size, int flags, const void *address, unsigned int addressSize)',
  ntp_adjtime: 'int ntp_adjtime(void *timex)',
} as const;

type LibcFunction = keyof typeof prototypes;

function loadFunctions(): { readonly functions: Readonly<Record<LibcFunction, Call>>; readonly errno: () => number } {
  try {
    // Not imported: the native library would be loaded wherever a type of this file is used.
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load('libc.so.6');
    const functions = Object.fromEntries(
      Object.entries(prototypes).map(([name, prototype]) => [name, libc.func(prototype) as Call]),
    ) as Record<LibcFunction, Call>;
    return { functions, errno: () => koffi.errno() };
  } catch (cause) {
    throw new AtalayaError('program-missing', 'the C library could not be loaded for system calls', {
      hint: 'Install the packages again (`npm ci`): `koffi` carries a binary for x64 and arm64 with glibc.',
      cause,
    });
  }
}
