import type { ChaosAccount } from './run-chaos.ts';

/** Violations that are named; what more there are is counted. */
const mostNamed = 20;

/** A run for a person to read. */
export function accountLines(account: ChaosAccount): readonly string[] {
  const { seed, seconds, units, network, faults, sealed, archived, dropped, gaps, violations } = account;
  const injected = [...faults].toSorted(([, a], [, b]) => b - a);
  const width = Math.max(0, ...injected.map(([name]) => name.length));
  const ofAll = (lanes: Readonly<Record<string, number>>) =>
    Object.values(lanes).reduce((sum, count) => sum + count, 0);
  const repeated = account.sentEvents - ofAll(archived);
  return [
    `chaos run: ${units} units, ${seconds} s of faults, seed ${seed}`,
    `between the parts: ${network}`,
    `faults injected: ${injected.reduce((sum, [, count]) => sum + count, 0)}`,
    ...injected.map(([name, count]) => `  ${name.padEnd(width)} ${String(count).padStart(5)}`),
    `events            alert infraction telemetry`,
    `  sealed     ${cells(sealed)}`,
    `  archived   ${cells(archived)}`,
    `  telemetry that its bound dropped: at most ${dropped}; missing and declared: ${gaps}`,
    `sent: ${account.sentEvents} events, ${repeated} of them more than once; ${account.overtaken} came in after a later one of their lane`,
    `connections of units: ${account.connections}; checkpoints of their logs that came back cosigned: ${account.cosigned}`,
    `longest heal: ${tenths(account.longestHealMs)} s from the end of a fault to news at the centre; all drained ${tenths(account.drainedMs)} s after the last`,
    ...verdict(violations),
  ];
}

function verdict(violations: readonly string[]): readonly string[] {
  if (violations.length === 0)
    return ['every event that a unit sealed is in the archive exactly once, in order, byte for byte'];
  const more = violations.length - mostNamed;
  return [
    `VIOLATIONS: ${violations.length}`,
    ...violations.slice(0, mostNamed).map((one) => `  ${one}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

const cells = ({ alert, infraction, telemetry }: ChaosAccount['sealed']): string =>
  `${String(alert).padStart(10)} ${String(infraction).padStart(10)} ${String(telemetry).padStart(9)}`;

const tenths = (ms: number): string => (ms / 1000).toFixed(1);
