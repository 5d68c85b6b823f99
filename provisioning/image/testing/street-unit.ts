import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { milliseconds } from '../../../device/kernel/units.ts';
import { callProgram } from '../../../device/testing/call-program.ts';
import { BootedDisk, hostSeenFromMachine } from './booted-disk.ts';
import type { HostCentre } from './host-centre.ts';

/** The name that the fleet gives it. */
export const unitName = 'north-1';

/**
 * The clip that comes with the image; plates are left alone, which an emulated processor would take minutes to read. `once`: each frame is judged,
 * however long that takes, which is what an infraction needs. `again`: at its own pace and without an end, since a unit that sees nothing any more
 * keeps no update. Nothing disciplines the clock: the machine reaches this one and nobody else.
 */
function configuration(plays: 'once' | 'again'): string {
  const shipped = readFileSync(new URL('../demo/unit.yaml', import.meta.url), 'utf8');
  const repeated = shipped
    .replace('pace: flat-out', 'pace: timestamps')
    .replace('atEnd: stay', 'atEnd: repeat')
    // An update needs a processor besides.
    .replace('deadlineS: 120', 'deadlineS: 120\n  threads: 1');
  return `${plays === 'once' ? shipped : repeated}plates: { read: false }\nupdates: { clock: believed }\n`;
}

export interface StreetUnitOptions {
  readonly image: string;
  readonly work: string;
  /** Free ports of this machine. */
  readonly ports: { readonly page: number; readonly status: number };
  readonly usb?: boolean;
}

const key = /key ((?:[0-9A-F]{4} ){15}[0-9A-F]{4})/g;
const patience = milliseconds(420_000);

/** An emulated PC with a flashed disk, as a technician and the centre see it. */
export class StreetUnit {
  readonly machine: BootedDisk;
  readonly #options: StreetUnitOptions;
  #frames = 0;

  constructor(options: StreetUnitOptions) {
    this.#options = options;
    const { image, work, ports, usb = false } = options;
    this.machine = new BootedDisk({
      ...{ image, work, disk: 4 * 2 ** 30, serial: 'TEST0042', cores: 4, memory: 2048, usb },
      forward: [
        [ports.page, 9465],
        [ports.status, 9464],
      ],
    });
  }

  /** Writes the image to a blank disk, as `flash` does to a card. */
  async flash(): Promise<void> {
    await callProgram('provision', ['flash', this.#options.image, '--to', this.machine.blank(), '--file']);
  }

  /** Switches it on; resolves when its screen shows its key, and the local page answers. */
  async startToPage(): Promise<void> {
    await this.machine.start(/not enrolled\r?\n/, patience);
    const page = `http://127.0.0.1:${this.#options.ports.page}/`;
    await until('the local page', async () => (await fetch(page, { signal: AbortSignal.timeout(10_000) })).ok);
  }

  /** The fingerprints that its screen has shown since it was flashed. */
  get keys(): readonly string[] {
    return [...new Set([...this.machine.said.matchAll(key)].map((match) => match[1]?.replaceAll(' ', '') ?? ''))];
  }

  /** As a technician does: the digits are read from the screen. */
  async enrol(centre: HostCentre, plays: 'once' | 'again' = 'once'): Promise<void> {
    const page = `http://127.0.0.1:${this.#options.ports.page}`;
    const digits = this.keys.at(-1)?.slice(-8) ?? '';
    await centre.enrol(page, unitName, digits, configuration(plays), hostSeenFromMachine);
  }

  /** Gives it a configuration by which the clip has no end, and has it begin anew. */
  async playAgain(centre: HostCentre): Promise<void> {
    await this.enrol(centre, 'again');
    await centre.fleet('command', 'reboot', unitName, '--reason', 'another configuration', '--wait', '300', '--yes');
  }

  /** Switches on a unit that is enrolled; resolves when its screen says who it is. Gives the milliseconds until then. */
  startEnrolled(): Promise<number> {
    return this.machine.start(new RegExp(`enrolled as ${unitName}`), patience);
  }

  /** Frames that were judged since the program started, by its own figures; undefined while it does not answer. */
  async frames(): Promise<number | undefined> {
    return this.figure(/^atalaya_frames_total\{[^}]*outcome="processed"[^}]*\} (\d+)/m);
  }

  async figure(pattern: RegExp): Promise<number | undefined> {
    const address = `http://127.0.0.1:${this.#options.ports.status}/metrics`;
    const text = await fetch(address, { signal: AbortSignal.timeout(10_000) })
      .then((answer) => answer.text())
      .catch(() => '');
    const found = pattern.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  }

  /** Resolves when more frames were judged than `than`. */
  async watches(than = 0): Promise<number> {
    await until('a frame was judged', async () => {
      this.#frames = (await this.frames()) ?? 0;
      return this.#frames > than;
    });
    return this.#frames;
  }
}

/** Asks again and again, twice a second; a question that fails has the answer no. */
export async function until(what: string, holds: () => Promise<boolean>, most: number = patience): Promise<void> {
  const end = performance.now() + most;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${most / 1000} s: ${what}`);
    await wait(500);
  }
}
