import { execFileSync } from 'node:child_process';
import { read, writeSync } from 'node:fs';
import { Libc } from '../../device/kernel/linux/libc.ts';
import { TcpPayload } from './packet-wire-payload.ts';

/**
 * A wire between this machine and a network namespace that does to IP packets what a bad radio does: a rate, a queue, a delay, losses. Two tun
 * devices with a program between them, for kernels without netem. A process of its own, started by `openShaped`: it says `ready` when
 * packets pass, answers `figures` with what has passed, and goes with whoever started it, and the namespace with it.
 */
export interface WireShape {
  readonly namespace: string;
  /** Of this machine, and of the namespace. */
  readonly here: string;
  readonly there: string;
  readonly rateKbit: number;
  readonly delayMs: number;
  readonly lossPercent: number;
}

export interface WireFigures {
  /** Bytes that have been let through to the namespace and from it. */
  readonly down: number;
  readonly up: number;
  /** Packets. */
  readonly lost: number;
  /** Bytes that TCP has sent towards the namespace, without headers and with those that were lost, and of these what it had sent before. */
  readonly payload: number;
  readonly payloadAgain: number;
}

/** `dark`: for so long nothing passes, and what is on its way is lost. */
export type WireOrder = { readonly kind: 'figures' } | { readonly kind: 'dark'; readonly ms: number };

/** `linux/if_tun.h`: TUNSETIFF, IFF_TUN, IFF_NO_PI; `struct ifreq` has 40 bytes. */
const setInterface = 0x400454ca;
const tunWithoutHeader = 0x1001;
const requestBytes = 40;
/** Bytes that wait before packets are dropped: about a second at 200 kbit/s, as radios have. */
const queueBytes = 24 * 1024;

const ip = (...args: readonly string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });

function openDevice(calls: Libc, name: string): number {
  const descriptor = calls.open('/dev/net/tun', 'read-write');
  const request = Buffer.alloc(requestBytes);
  request.write(name, 'latin1');
  request.writeInt16LE(tunWithoutHeader, 16);
  calls.ioctl(descriptor, setInterface, request);
  return descriptor;
}

/** No packet passes from the one to the other time, not even those that are on their way. */
const dark = { since: 0, until: 0 };

interface Passage {
  readonly came: (packet: Buffer) => void;
  readonly passed: (bytes: number) => void;
  readonly lost: () => void;
}

/** One way: every packet is lost, dropped or passed on, in order. */
function carry(from: number, to: number, shape: WireShape, { came, passed, lost }: Passage): void {
  const buffer = Buffer.alloc(2048);
  let free = 0;
  const pass = (packet: Buffer) => {
    try {
      writeSync(to, packet);
      passed(packet.byteLength);
    } catch {
      lost();
    }
  };
  const next = () =>
    read(from, buffer, 0, buffer.byteLength, null, (error, bytes) => {
      if (error !== null) process.exit(1);
      came(buffer.subarray(0, bytes));
      const now = performance.now();
      const perMs = shape.rateKbit / 8;
      const waits = Math.max(0, free - now);
      if (now < dark.until || Math.random() * 100 < shape.lossPercent || waits * perMs > queueBytes) lost();
      else {
        const packet = Buffer.from(buffer.subarray(0, bytes));
        free = now + waits + bytes / perMs;
        setTimeout(() => (now < dark.since ? lost() : pass(packet)), free - now + shape.delayMs);
      }
      next();
    });
  next();
}

const shape = JSON.parse(process.argv[2] ?? '{}') as WireShape;
const calls = Libc.open();
const [near, far] = [`aw${process.pid}`, `av${process.pid}`];
const ends = [openDevice(calls, near), openDevice(calls, far)] as const;
ip('netns', 'add', shape.namespace);
const leave = () => {
  ip('netns', 'del', shape.namespace);
  // An orderly end would wait for the threads that wait for a packet.
  process.kill(process.pid, 'SIGKILL');
};
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, leave);
ip('link', 'set', far, 'netns', shape.namespace);
ip('address', 'add', `${shape.here}/30`, 'dev', near);
ip('link', 'set', near, 'up');
ip('-n', shape.namespace, 'address', 'add', `${shape.there}/30`, 'dev', far);
ip('-n', shape.namespace, 'link', 'set', far, 'up');
ip('-n', shape.namespace, 'link', 'set', 'lo', 'up');

const figures = { down: 0, up: 0, lost: 0 };
const payload = new TcpPayload();
const lost = () => {
  figures.lost += 1;
};
carry(ends[0], ends[1], shape, {
  came: (packet) => payload.see(packet),
  passed: (bytes) => {
    figures.down += bytes;
  },
  lost,
});
carry(ends[1], ends[0], shape, {
  came: () => undefined,
  passed: (bytes) => {
    figures.up += bytes;
  },
  lost,
});
process.on('message', (message: WireOrder) => {
  if (message.kind === 'figures')
    process.send?.({ ...figures, payload: payload.bytes, payloadAgain: payload.again } satisfies WireFigures);
  else {
    dark.since = performance.now();
    dark.until = dark.since + message.ms;
  }
});
process.send?.('ready');
