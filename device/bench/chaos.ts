import { join } from 'node:path';
import { accountLines } from '../../cloud-bridge/chaos/account.ts';
import { type ChaosAccount, runChaos } from '../../cloud-bridge/chaos/run-chaos.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { BenchContext, Figure } from './figure.ts';

const units = 5;

/**
 * Units, broker and bridge as programs of their own, broken at random for minutes: killed, frozen, cut off, delayed, slowed, flooded. Then
 * the archive is held against what every unit sealed. Throws, with the first violations named, where an event is lost, doubled, foreign,
 * out of its order or altered.
 */
export async function benchChaos({ scratch, minutes, seed, say }: BenchContext): Promise<readonly Figure[]> {
  const stop = new AbortController();
  // The default answer to Ctrl-C would leave broker, units and network namespaces behind.
  const interrupted = () => stop.abort(new AtalayaError('internal', 'the chaos run was interrupted'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupted);
  try {
    const account = await runChaos({
      ...{ folder: join(scratch, 'chaos'), seed, units, seconds: minutes * 60, everyMs: 900, longestMs: 15_000 },
      ...{ patienceSeconds: 300, signal: stop.signal, say },
    });
    if (account === undefined) {
      say('# chaos: mosquitto is not installed; passed over');
      return [];
    }
    for (const line of accountLines(account)) say(line);
    const { violations } = account;
    if (violations.length > 0) {
      throw new AtalayaError('internal', `the chaos run of seed ${seed} found ${violations.length} violations`, {
        hint: 'They are named above; the same seed injects the same faults.',
      });
    }
    return figuresOf(account);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(name, interrupted);
  }
}

function figuresOf(account: ChaosAccount): readonly Figure[] {
  const { faults, sealed, archived, violations, seconds, seed } = account;
  const figure = (name: string, value: number, unit: string, ratio?: string): Figure => ({
    ...{ section: 'chaos', name, value, unit },
    ...(ratio === undefined ? {} : { ratio }),
  });
  const durable = (lanes: typeof sealed) => lanes.alert + lanes.infraction;
  const injected = [...faults.values()].reduce((sum, count) => sum + count, 0);
  return [
    figure('faults injected', injected, '1', `${seconds} s, ${account.units} units, seed ${seed}`),
    figure('alerts and ledger entries archived', durable(archived), '1', `of ${durable(sealed)} sealed`),
    figure(
      'telemetry archived',
      archived.telemetry,
      '1',
      `of ${sealed.telemetry}; ${account.gaps} dropped and declared`,
    ),
    figure('events sent', account.sentEvents, '1', 'resends and repetitions after a restart among them'),
    figure('longest heal', account.longestHealMs / 1000, 's', 'from the end of a fault to news at the centre'),
    figure('drained after the last fault', account.drainedMs / 1000, 's'),
    figure('lost, doubled, foreign, altered or out of order', violations.length, '1', 'at most 0'),
  ];
}
