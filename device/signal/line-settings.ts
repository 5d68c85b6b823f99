import type { Clock } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Random } from '../kernel/supervise.ts';
import type { Timer } from '../kernel/timer.ts';
import type { LinesDriver, LinesSettings } from './contract/line-settings.ts';
import { GpioLines } from './gpio/gpio-lines.ts';
import type { Lines } from './lines.ts';
import { SimulatedLines } from './simulated-lines.ts';
import { SysfsLines } from './sysfs/sysfs-lines.ts';

/** The names by which the rest of the unit asks for lines: beacon and strobe, the inputs that the scene wires, the sensors. */
export interface LineNeeds {
  readonly outputs: readonly string[];
  readonly inputs: readonly string[];
}

export interface LinesParts {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** Told of lines that fail while they are open; they are tried again without help. */
  readonly onFault: (fault: AtalayaError) => void;
  /** Told of lines that are there again. */
  readonly onBack?: (line: string) => void;
}

type OpenDriver = (settings: LinesSettings, needs: LineNeeds, parts: LinesParts) => Promise<Lines>;

const drivers: Readonly<Record<LinesDriver, OpenDriver>> = {
  simulated: async ({ outputs, inputs }, needs, { clock }) => {
    const safe = new Map([
      ...needs.outputs.map((name) => [name, false] as const),
      ...outputs.map(({ name, safe: level }) => [name, level] as const),
    ]);
    const names = new Set([...needs.inputs, ...inputs.map(({ name }) => name)]);
    return SimulatedLines.open(
      {
        outputs: [...safe].map(([name, level]) => ({ name, safe: level })),
        inputs: [...names].map((name) => ({ name, level: false })),
      },
      clock,
    );
  },
  gpio: async (settings, needs, parts) => GpioLines.open(wired(settings, needs), parts),
  sysfs: async (settings, needs, parts) => SysfsLines.open(wired(settings, needs), parts),
};

/**
 * Opens the lines that the configuration names, outputs at their safe levels. With a real driver every name that is needed has to
 * stand for a wire, else it throws `config-invalid`; simulated lines have whatever is needed. Throws `lines-unavailable` for a wire
 * that is not there.
 */
export function openLines(settings: LinesSettings, needs: LineNeeds, parts: LinesParts): Promise<Lines> {
  const { door, tamper, loops } = settings.sensors;
  const sensors = [door, tamper, ...loops].filter((name) => name !== undefined);
  return drivers[settings.driver](settings, { outputs: needs.outputs, inputs: [...needs.inputs, ...sensors] }, parts);
}

function wired(settings: LinesSettings, needs: LineNeeds): LinesSettings {
  for (const way of ['outputs', 'inputs'] as const) {
    const named = new Set(settings[way].map(({ name }) => name));
    const missing = [...new Set(needs[way])].filter((name) => !named.has(name));
    if (missing.length === 0) continue;
    throw new AtalayaError(
      'config-invalid',
      `\`signal.lines.${way}\` says of no wire that it is ${missing.join(' or ')}`,
      { hint: `Add it with its chip and line, or set \`signal.lines.driver\` to \`simulated\` to run without wires.` },
    );
  }
  return settings;
}
