import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import { milliseconds } from '../kernel/units.ts';
import type { NetworkFacts } from './facts.ts';

export interface NetworkOptions {
  /** Of the broker; absent where there is none. */
  readonly host: string | undefined;
  readonly timer: Timer;
  /** Where Linux tells of its routes; `/proc` unless a test says otherwise. */
  readonly proc?: string;
  /** Addresses beyond this machine; a host's addresses. Of this machine unless a test says otherwise. */
  readonly addresses?: () => number;
  readonly resolve?: (host: string) => Promise<unknown>;
}

const PATIENCE = milliseconds(5000);

/** Addresses, a default route, and whether the broker's name has an address. Never rejects. */
export async function measureNetwork(options: NetworkOptions): Promise<NetworkFacts> {
  const { host, timer, proc = '/proc', addresses = outerAddresses, resolve = lookup } = options;
  const fault = host === undefined ? undefined : await nameFaultOf(host, resolve, timer);
  return {
    addresses: addresses(),
    route: await hasRoute(proc),
    ...(host === undefined ? {} : { host }),
    ...(fault === undefined ? {} : { nameFault: fault }),
  };
}

/** Neither of the loop nor of the link alone (RFC 3927, RFC 4291 2.5.6). */
function outerAddresses(): number {
  return Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && !/^(169\.254\.|fe80:)/i.test(one.address)).length;
}

async function nameFaultOf(
  host: string,
  resolve: (host: string) => Promise<unknown>,
  timer: Timer,
): Promise<string | undefined> {
  try {
    await withDeadline(resolve(host), PATIENCE, 'the name server', timer);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A destination of all zeros (proc(5), /proc/net/route and /proc/net/ipv6_route), by an interface that is not the loop. */
async function hasRoute(proc: string): Promise<boolean> {
  const [four, six] = await Promise.all(
    ['net/route', 'net/ipv6_route'].map((path) => readFile(join(proc, path), 'utf8').catch(() => '')),
  );
  const isFour = (four ?? '')
    .split('\n')
    .some((line) => /^\S+\s+00000000\s+\S+\s+\S+(?:\s+\S+){3}\s+00000000\s/.test(line));
  const isSix = (six ?? '').split('\n').some((line) => /^0{32} 00 .*(?<!\blo)$/.test(line.trimEnd()));
  return isFour || isSix;
}
