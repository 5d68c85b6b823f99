import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatedChip } from '../hardware-case.ts';

const config = '/sys/kernel/config/gpio-sim';
const sysfs = '/sys/class/gpio';

/** Makes a chip of gpio-sim and brings it to life. */
export function makeChip(label: string, lines: number): SimulatedChip {
  const home = newFolder();
  const bank = join(home, 'bank0');
  mkdirSync(bank);
  writeFileSync(join(bank, 'num_lines'), String(lines));
  writeFileSync(join(bank, 'label'), label);
  writeFileSync(join(home, 'live'), '1');
  const chipName = readFileSync(join(bank, 'chip_name'), 'utf8').trim();
  const device = readFileSync(join(home, 'dev_name'), 'utf8').trim();
  const far = join('/sys/devices/platform', device, chipName);
  const lineFolder = (line: number): string => {
    if (!Number.isInteger(line) || line < 0 || line >= lines) throw new RangeError(`${label} has no line ${line}`);
    return join(far, `sim_gpio${line}`);
  };
  return {
    label,
    name: chipName,
    device: `/dev/${chipName}`,
    base: baseOf(far),
    pull: (line, level) => writeFileSync(join(lineFolder(line), 'pull'), level ? 'pull-up' : 'pull-down'),
    value: (line) => readFileSync(join(lineFolder(line), 'value'), 'utf8').trim() === '1',
    remove: () => removeChip(home),
  };
}

/** A folder for a chip: the first number that no chip has, and a chip that was taken away frees its own. */
function newFolder(): string {
  for (let number = 0; ; number += 1) {
    const home = join(config, `chip-${number}`);
    if (existsSync(home)) continue;
    mkdirSync(home);
    return home;
  }
}

/** Takes away every chip, also those of a process that died. Throws where a line is still held. */
export function removeChips(): void {
  if (!existsSync(config)) return;
  for (const name of readdirSync(config)) removeChip(join(config, name));
}

function removeChip(home: string): void {
  if (!existsSync(home)) return;
  writeFileSync(join(home, 'live'), '0');
  rmdirSync(join(home, 'bank0'));
  rmdirSync(home);
}

/** Number of the chip's first line in /sys/class/gpio, which names its chips by that number. */
function baseOf(far: string): number | undefined {
  if (!existsSync(sysfs)) return undefined;
  const parent = realpathSync(join(far, '..'));
  const folder = readdirSync(sysfs)
    .filter((name) => name.startsWith('gpiochip'))
    .map((name) => join(sysfs, name))
    .find((path) => realpathSync(path).startsWith(`${parent}/`));
  return folder === undefined ? undefined : Number(readFileSync(join(folder, 'base'), 'utf8'));
}
