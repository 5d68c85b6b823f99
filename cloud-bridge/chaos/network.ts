import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Station } from './faults.ts';

const execute = promisify(execFile);

/** What a line can suffer below TCP. */
export interface Network {
  /** For a person. */
  readonly what: string;
  /** `packets`: what is meant is done to packets; otherwise the line has to do it to bytes. */
  readonly can: { readonly down: boolean; readonly delay: boolean; readonly loss: boolean; readonly rate: boolean };
  /** Address of this machine that a station reaches. */
  address(station: Station): string;
  /** A command that runs where the station is. */
  command(station: Station, command: readonly string[]): readonly string[];
  down(station: Station, down: boolean): Promise<void>;
  delay(station: Station, delayMs: number, jitterMs: number): Promise<void>;
  loss(station: Station, percent: number): Promise<void>;
  rate(station: Station, kbit: number): Promise<void>;
  /** Ends delay, loss and rate. */
  unshape(station: Station): Promise<void>;
  close(): Promise<void>;
}

/** All stations on this machine's own loopback: nothing can be done to packets. */
export const loopback: Network = {
  what: 'a relay of our own: network namespaces are not permitted here',
  can: { down: false, delay: false, loss: false, rate: false },
  address: () => '127.0.0.1',
  command: (_, command) => command,
  down: async () => {},
  delay: async () => {},
  loss: async () => {},
  rate: async () => {},
  unshape: async () => {},
  close: async () => {},
};

interface Place {
  readonly namespace: string;
  /** Ends of the pair: here, and in the namespace. */
  readonly here: string;
  readonly there: string;
  readonly address: string;
  readonly remote: string;
}

/** 198.18.0.0/15 is set apart for tests of networks (RFC 2544, appendix C.2.2): a net of four addresses for each station. */
function placeOf(index: number): Place {
  const slot = process.pid % 250;
  const first = 4 * index;
  const run = `${process.pid.toString(36)}-${index}`;
  return {
    namespace: `achaos-${process.pid}-${index}`,
    here: `ach${run}`,
    there: `acn${run}`,
    address: `198.18.${slot}.${first + 1}`,
    remote: `198.18.${slot}.${first + 2}`,
  };
}

/** A net of four for each: as many as fit the last byte of an address. */
const mostStations = 60;

/**
 * A network namespace for each station with a pair of virtual interfaces to here; where that is not permitted, the loopback. Namespaces of
 * earlier runs that were killed are removed.
 */
export async function openNetwork(stations: readonly Station[]): Promise<Network> {
  if (stations.length > mostStations) return loopback;
  const places = new Map(stations.map((station, i) => [station, placeOf(i)]));
  const namespaces = [...places.values()].map(({ namespace }) => namespace);
  // Also where this process ends by an exception or by a signal that is answered.
  const onExit = () => {
    for (const namespace of namespaces) removeNow(namespace);
  };
  process.once('exit', onExit);
  const close = async () => {
    for (const namespace of namespaces) await ip('netns', 'del', namespace).catch(() => undefined);
    process.removeListener('exit', onExit);
  };
  try {
    await sweep();
    for (const place of places.values()) await build(place);
    const netem = await knowsNetem(places.values().next().value as Place);
    return new Namespaces(places, netem, close);
  } catch {
    await close();
    return loopback;
  }
}

class Namespaces implements Network {
  readonly what: string;
  readonly can: Network['can'];
  readonly close: () => Promise<void>;
  readonly #places: ReadonlyMap<Station, Place>;

  constructor(places: ReadonlyMap<Station, Place>, netem: boolean, close: () => Promise<void>) {
    this.#places = places;
    this.close = close;
    this.can = { down: true, delay: netem, loss: netem, rate: true };
    this.what = netem
      ? 'network namespaces, delay and loss by netem, rate by tbf'
      : 'network namespaces, rate by tbf; this kernel has no netem, so delay is by a relay of our own and loss by short outages';
  }

  address(station: Station): string {
    return this.#at(station).address;
  }

  command(station: Station, command: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', this.#at(station).namespace, ...command];
  }

  async down(station: Station, down: boolean): Promise<void> {
    await ip('link', 'set', this.#at(station).here, down ? 'down' : 'up');
  }

  delay(station: Station, delayMs: number, jitterMs: number): Promise<void> {
    return this.#shape(station, ['netem', 'delay', `${delayMs}ms`, `${jitterMs}ms`]);
  }

  loss(station: Station, percent: number): Promise<void> {
    return this.#shape(station, ['netem', 'loss', `${percent}%`]);
  }

  /** What does not fit its queue is lost. */
  rate(station: Station, kbit: number): Promise<void> {
    return this.#shape(station, ['tbf', 'rate', `${kbit}kbit`, 'burst', '16kb', 'latency', '400ms']);
  }

  async unshape(station: Station): Promise<void> {
    for (const run of this.#ends(station)) await run(['del']).catch(() => undefined);
  }

  async #shape(station: Station, how: readonly string[]): Promise<void> {
    for (const run of this.#ends(station)) await run(['replace'], how);
  }

  /** Both ends of the pair: each shapes what it sends. */
  #ends(station: Station): readonly ((act: readonly string[], how?: readonly string[]) => Promise<unknown>)[] {
    const { namespace, here, there } = this.#at(station);
    return [
      (act, how = []) => execute('tc', ['qdisc', ...act, 'dev', here, 'root', ...how]),
      (act, how = []) => ip('netns', 'exec', namespace, 'tc', 'qdisc', ...act, 'dev', there, 'root', ...how),
    ];
  }

  #at(station: Station): Place {
    return this.#places.get(station) as Place;
  }
}

async function build({ namespace, here, there, address, remote }: Place): Promise<void> {
  await ip('netns', 'add', namespace);
  await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
  await ip('address', 'add', `${address}/30`, 'dev', here);
  await ip('link', 'set', here, 'up');
  await ip('-n', namespace, 'address', 'add', `${remote}/30`, 'dev', there);
  await ip('-n', namespace, 'link', 'set', there, 'up');
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
}

async function knowsNetem({ here }: Place): Promise<boolean> {
  try {
    await execute('tc', ['qdisc', 'replace', 'dev', here, 'root', 'netem', 'delay', '1ms']);
    await execute('tc', ['qdisc', 'del', 'dev', here, 'root']);
    return true;
  } catch {
    return false;
  }
}

/** Removes what runs left behind that were killed without a chance to clean up. */
async function sweep(): Promise<void> {
  const { stdout } = await ip('netns', 'list');
  for (const line of stdout.split('\n')) {
    const [, namespace, pid] = /^(achaos-(\d+)-\d+)/.exec(line) ?? [];
    if (namespace !== undefined && !isRunning(Number(pid))) await ip('netns', 'del', namespace).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** With a namespace goes the pair of interfaces that ends in it. */
function removeNow(namespace: string): void {
  try {
    execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
  } catch {
    // It was removed before.
  }
}

const ip = (...args: readonly string[]) => execute('ip', args);
