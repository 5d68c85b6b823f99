import { z } from 'zod';

/**
 * How the names of lines stand for wires: the section `signal.lines` of a configuration. All of it is set at the unit, by whoever
 * wired it; the centre cannot see which wire goes where.
 */

const atUnit = (description: string, unit?: 'ms') => ({
  description,
  apply: 'unit' as const,
  ...(unit === undefined ? {} : { unit }),
});

const lineName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes, at most 32');

/** Labels and names in the kernel hold 31 bytes (`GPIO_MAX_NAME_SIZE` of linux/gpio.h, with a closing zero). */
const kernelName = z.string().min(1).max(31);

const chip = kernelName.meta(
  atUnit(
    'The chip: its label (`pinctrl-bcm2711`, `pinctrl-rp1`, `tegra234-gpio`), or its name (`gpiochip0`). Labels stay, names change from kernel to kernel; `gpiodetect` lists both.',
  ),
);
const line = z
  .union([z.int().min(0).max(65_535), kernelName])
  .meta(atUnit('The line of the chip: its offset, or its name (`GPIO17`). `gpioinfo` lists both.'));
const activeLow = z
  .boolean()
  .default(false)
  .meta(atUnit('Whether a low voltage means on. What is said of levels elsewhere means on and off.'));

export const outputLine = z.strictObject({
  name: lineName.meta(atUnit('What the configuration calls it elsewhere, as in `signal.beacon.output`.')),
  chip,
  line,
  activeLow,
  safe: z
    .boolean()
    .default(false)
    .meta(
      atUnit('Whether on is the safe level. Outputs are brought to it at start, at the end, and when the unit dies.'),
    ),
  drive: z
    .enum(['push-pull', 'open-drain', 'open-source'])
    .default('push-pull')
    .meta(atUnit('How the wire is driven. Sysfs can do `push-pull` alone.')),
});

export const inputLine = z.strictObject({
  name: lineName.meta(atUnit('What the configuration and the scene call it elsewhere.')),
  chip,
  line,
  activeLow,
  bias: z
    .enum(['as-is', 'disabled', 'pull-up', 'pull-down'])
    .default('as-is')
    .meta(atUnit('The resistor inside the chip. Sysfs can do `as-is` alone.')),
  debounceMs: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .meta(
      atUnit(
        'A level counts when it has stood for so long. Lamps and detectors switched by electronics need none; a contact bounces for some milliseconds.',
        'ms',
      ),
    ),
});

const sensors = z.strictObject({
  door: lineName.optional().meta(atUnit('The input that is on while the housing is open.')),
  tamper: lineName.optional().meta(atUnit('The input that is on while somebody tampers with the unit.')),
  loops: z
    .array(lineName)
    .max(16)
    .default([])
    .meta(atUnit('Inputs of loop detectors, each on while a vehicle is over its loop.')),
  settleMs: z
    .number()
    .min(0)
    .max(10_000)
    .default(50)
    .meta(
      atUnit('Door and tamper count when they have stood for so long, besides the debounce of their inputs.', 'ms'),
    ),
});

export const linesSection = z
  .strictObject({
    driver: z
      .enum(['simulated', 'gpio', 'sysfs'])
      .default('simulated')
      .meta(
        atUnit(
          '`simulated`: no wires. `gpio`: the GPIO character device. `sysfs`: /sys/class/gpio, for kernels without the former; its outputs keep their level when the unit dies.',
        ),
      ),
    outputs: z.array(outputLine).max(32).default([]).meta(atUnit('Wires that the unit drives.')),
    inputs: z.array(inputLine).max(32).default([]).meta(atUnit('Wires that the unit reads.')),
    sensors: sensors.prefault({}).describe('What inputs tell besides the phases of signals, which the scene wires.'),
  })
  .superRefine(({ driver, outputs, inputs, sensors: roles }, context) => {
    const issue = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const names = new Set<string>();
    const wires = new Map<string, string>();
    for (const [list, lines] of [['outputs', outputs] as const, ['inputs', inputs] as const]) {
      for (const [i, one] of lines.entries()) {
        if (names.has(one.name)) issue([list, i, 'name'], `the name ${one.name} is given twice`);
        names.add(one.name);
        const wire = JSON.stringify([one.chip, one.line]);
        const other = wires.get(wire);
        if (other !== undefined) issue([list, i, 'line'], `${other} is this very line`);
        wires.set(wire, one.name);
      }
    }
    if (driver === 'simulated') return;
    const known = new Set(inputs.map(({ name }) => name));
    const named = [['door', roles.door] as const, ['tamper', roles.tamper] as const];
    for (const [role, name] of named)
      if (name !== undefined && !known.has(name)) issue(['sensors', role], `there is no input ${name}`);
    for (const [i, name] of roles.loops.entries())
      if (!known.has(name)) issue(['sensors', 'loops', i], `there is no input ${name}`);
  });

export type LinesSettings = z.infer<typeof linesSection>;
export type OutputLine = z.infer<typeof outputLine>;
export type InputLine = z.infer<typeof inputLine>;
export type SensorSettings = LinesSettings['sensors'];
export type LinesDriver = LinesSettings['driver'];
