import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineFigures } from './machine-figures.ts';

/**
 * Figures that Linux tells in files, read without a child process: `root` is `/sys`, or a copy of it. Each is absent where this machine
 * has no such file.
 */
export class Sysfs {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The hottest of the processor's sensors. Thermal zones are in 1/1000 degree with their kind beside them (Linux, thermal/sysfs-api), as
   * are the inputs of hwmon (Linux, hwmon/sysfs-interface), asked where no zone is the processor's.
   */
  async temperature(): Promise<Pick<MachineFigures, 'temperatureC'>> {
    const zones = await this.#matching('class/thermal', 'thermal_zone', 'type', /cpu|soc|pkg/i);
    const inputs =
      zones.length > 0
        ? zones.map((zone) => join(zone, 'temp'))
        : await this.#inputs(
            await this.#matching('class/hwmon', 'hwmon', 'name', /cpu|coretemp|k10temp/i),
            /^temp\d+_input$/,
          );
    const read = (await Promise.all(inputs.map((input) => this.#number(input)))).filter((value) => value !== undefined);
    return read.length === 0 ? {} : { temperatureC: Math.max(...read) / 1000 };
  }

  /**
   * Whether the processor is held back now, and whether the supply is too low. Raspberry Pi: bits 0 (under-voltage), 1 (frequency capped),
   * 2 (throttled) and 3 (soft temperature limit) of what `vcgencmd get_throttled` documents. Elsewhere: a cooling device of the processor
   * that is above its state 0 (Linux, thermal/sysfs-api).
   */
  async throttling(): Promise<Pick<MachineFigures, 'throttled' | 'underVoltage'>> {
    const bits = await this.#number('devices/platform/soc/soc:firmware/get_throttled', 16);
    if (bits !== undefined) return { throttled: (bits & 0b1110) !== 0, underVoltage: (bits & 1) !== 0 };
    const devices = await this.#matching('class/thermal', 'cooling_device', 'type', /cpufreq|processor/i);
    const states = await Promise.all(devices.map((device) => this.#number(join(device, 'cur_state'))));
    const known = states.filter((state) => state !== undefined);
    return known.length === 0 ? {} : { throttled: known.some((state) => state > 0) };
  }

  /**
   * Wear of an eMMC medium: the greater of its two estimates of used life, each in steps of a tenth from 1, and 11 beyond the end (JEDEC
   * JESD84-B51, DEVICE_LIFE_TIME_EST).
   */
  async diskWear(): Promise<Pick<MachineFigures, 'diskWearPercent'>> {
    const steps: number[] = [];
    for (const device of await this.#list('block', /^mmcblk\d+$/)) {
      const text = await this.#text(join(device, 'device/life_time'));
      for (const one of text?.trim().split(/\s+/) ?? []) {
        const step = Number(one);
        if (Number.isInteger(step) && step >= 1 && step <= 11) steps.push(step);
      }
    }
    return steps.length === 0 ? {} : { diskWearPercent: Math.min(100, Math.max(...steps) * 10) };
  }

  /** The supply's voltage: of a monitor at the input (hwmon, in mV), or of a power supply (in uV). */
  async power(): Promise<Pick<MachineFigures, 'powerVolts'>> {
    const monitors = await this.#matching('class/hwmon', 'hwmon', 'name', /^ina\d+/i);
    const [millivolts] = await this.#inputs(monitors, /^in1_input$/);
    const first = millivolts === undefined ? undefined : await this.#number(millivolts);
    if (first !== undefined) return { powerVolts: first / 1000 };
    for (const supply of await this.#list('class/power_supply', /./)) {
      const microvolts = await this.#number(join(supply, 'voltage_now'));
      if (microvolts !== undefined) return { powerVolts: microvolts / 1e6 };
    }
    return {};
  }

  async #inputs(folders: readonly string[], name: RegExp): Promise<string[]> {
    return (await Promise.all(folders.map((folder) => this.#list(folder, name)))).flat();
  }

  async #matching(folder: string, prefix: string, about: string, pattern: RegExp): Promise<string[]> {
    const found: string[] = [];
    for (const one of await this.#list(folder, new RegExp(`^${prefix}\\d+$`))) {
      if (pattern.test((await this.#text(join(one, about))) ?? '')) found.push(one);
    }
    return found;
  }

  async #list(folder: string, pattern: RegExp): Promise<string[]> {
    const names = await readdir(join(this.#root, folder)).catch(() => []);
    return names
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => join(folder, name));
  }

  async #number(path: string, base = 10): Promise<number | undefined> {
    const value = Number.parseInt((await this.#text(path)) ?? '', base);
    return Number.isFinite(value) ? value : undefined;
  }

  #text(path: string): Promise<string | undefined> {
    return readFile(join(this.#root, path), 'utf8').catch(() => undefined);
  }
}
