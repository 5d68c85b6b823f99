import { type Telemetry, telemetry } from '../../cloud-bridge/contract/events.ts';
import { parse } from '../kernel/schema.ts';
import type { Seconds } from '../kernel/units.ts';
import type { MachineFigures } from './machine-figures.ts';

export interface TelemetryParts {
  /** Since the program began. */
  readonly uptime: Seconds;
  readonly machine?: MachineFigures;
  readonly pipeline?: NonNullable<Telemetry['pipeline']>;
  readonly sync?: NonNullable<Telemetry['sync']>;
  /** Measures in force. */
  readonly degraded?: readonly string[];
}

/**
 * Figures as the centre takes them. What is not known is left out: a figure that is no finite number too. Throws `internal` for what does
 * not fit the contract.
 */
export function makeTelemetry({ uptime, machine, pipeline, sync, degraded }: TelemetryParts): Telemetry {
  const made = { uptimeS: uptime, machine: known(machine), pipeline: known(pipeline), sync: known(sync) };
  const all = { ...known(made), ...(degraded === undefined ? {} : { degraded: [...degraded] }) };
  return parse(telemetry, all, 'telemetry', 'internal');
}

function known(figures: object | undefined): object | undefined {
  if (figures === undefined) return undefined;
  const entries = Object.entries(figures)
    .map(([name, value]) => [name, typeof value === 'object' && value !== null ? known(value) : value] as const)
    .filter(
      ([, value]) => value !== undefined && value !== null && !(typeof value === 'number' && !Number.isFinite(value)),
    );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
