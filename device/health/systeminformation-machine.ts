import { statfs } from 'node:fs/promises';
import { currentLoad, diskLayout, mem, networkStats } from 'systeminformation';
import type { Clock } from '../kernel/clock.ts';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { Machine, MachineFigures } from './machine-figures.ts';
import { Sysfs } from './sysfs.ts';

export interface MachineOptions {
  /** On the file system whose space is told. */
  readonly folder: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timer: Timer;
  /** Of one source; default 5 s. */
  readonly deadline?: Milliseconds;
  /** Where Linux tells of its devices; default `/sys`. */
  readonly sysfs?: string;
}

/** The wear of a medium is asked for so often, in ms: it changes over months, and its answer costs child processes. */
const wearEvery = 3_600_000;

/**
 * Figures by systeminformation, and by Linux itself where that is cheaper: systeminformation's `cpuTemperature` runs a shell and waits for
 * it, which stopped this thread for 21 to 24 ms a call.
 */
export class SysteminformationMachine implements Machine {
  readonly #options: MachineOptions;
  readonly #sysfs: Sysfs;
  #reading: Promise<MachineFigures> | undefined;
  #wear: MachineFigures = {};
  #wearAt: number | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#sysfs = new Sysfs(options.sysfs ?? '/sys');
  }

  read(): Promise<MachineFigures> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<MachineFigures> {
    const sources: (() => Promise<MachineFigures>)[] = [
      load,
      memory,
      network,
      () => space(this.#options.folder),
      () => this.#diskWear(),
      () => this.#sysfs.temperature(),
      () => this.#sysfs.throttling(),
      () => this.#sysfs.power(),
    ];
    const parts = await Promise.all(sources.map((source) => this.#inTime(source)));
    return Object.assign({ processBytes: process.memoryUsage.rss() }, ...parts);
  }

  async #inTime(source: () => Promise<MachineFigures>): Promise<MachineFigures> {
    const { deadline = milliseconds(5000), timer } = this.#options;
    return withDeadline(source(), deadline, 'a figure of the machine', timer).catch(() => ({}));
  }

  async #diskWear(): Promise<MachineFigures> {
    const now = this.#options.clock.monotonic();
    if (this.#wearAt === undefined || now - this.#wearAt >= wearEvery) {
      this.#wearAt = now;
      const told = await this.#sysfs.diskWear();
      this.#wear = told.diskWearPercent === undefined ? await smartWear() : told;
    }
    return this.#wear;
  }
}

async function load(): Promise<MachineFigures> {
  const { currentLoad: percent } = await currentLoad();
  return Number.isFinite(percent) ? { cpuLoad: Math.min(1, Math.max(0, percent / 100)) } : {};
}

async function memory(): Promise<MachineFigures> {
  const { total, available } = await mem();
  return total > 0 ? { memoryTotalBytes: total, memoryUsedBytes: total - available } : {};
}

/** Of every interface but the loop. */
async function network(): Promise<MachineFigures> {
  const own = (await networkStats('*')).filter(({ iface }) => iface !== 'lo');
  const sum = (read: (one: (typeof own)[number]) => number) => own.reduce((all, one) => all + (read(one) || 0), 0);
  return own.length === 0
    ? {}
    : { networkReceivedBytes: sum(({ rx_bytes }) => rx_bytes), networkSentBytes: sum(({ tx_bytes }) => tx_bytes) };
}

/** What this user may still write, and the whole. */
async function space(folder: string): Promise<MachineFigures> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { diskFreeBytes: bavail * bsize, diskTotalBytes: blocks * bsize };
}

/** `percentage_used` of NVMe media (NVM Express, SMART / Health Information), where smartctl is installed and may ask. */
async function smartWear(): Promise<MachineFigures> {
  const used = (await diskLayout()).flatMap(({ smartData }) => percentageUsed(smartData));
  return used.length === 0 ? {} : { diskWearPercent: Math.min(100, Math.max(...used)) };
}

function percentageUsed(smart: unknown): number[] {
  if (typeof smart !== 'object' || smart === null || !('nvme_smart_health_information_log' in smart)) return [];
  const log = smart.nvme_smart_health_information_log;
  const used = typeof log === 'object' && log !== null && 'percentage_used' in log ? log.percentage_used : undefined;
  return typeof used === 'number' && used >= 0 ? [used] : [];
}
