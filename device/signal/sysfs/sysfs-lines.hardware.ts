import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
import { explain } from '../../kernel/errors.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { type HardwareCase, PassedOver } from '../../testing/hardware/hardware-case.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import type { LineEdge } from '../lines.ts';
import { keepAllPromises } from '../lines-contract.ts';
import { benchInput, benchOutput, quantile } from '../testing/wires.ts';
import { SysfsLines } from './sysfs-lines.ts';

const ARRIVAL_MS = 40;

async function opened(outputs: OutputLine[], inputs: InputLine[]): Promise<SysfsLines> {
  try {
    return await SysfsLines.open(
      { outputs, inputs },
      { clock: systemClock, timer: systemTimer, onFault: (fault) => console.error(explain(fault)) },
    );
  } catch (error) {
    if (/onoff cannot be loaded/.test(explain(error))) throw new PassedOver(explain(error));
    throw error;
  }
}

const contract = [
  [false, false],
  [true, true],
].map(
  ([safe = false, activeLow = false]): HardwareCase => ({
    name: `sysfs: all that lines promise is kept (safe at ${safe}, active low ${activeLow})`,
    deadline: milliseconds(120_000),
    run: async ({ gpio, note }) => {
      // Another chip before it: a base that was assumed would be this one's.
      await gpio('before', 8);
      const chip = await gpio('bench', 4);
      assert.notEqual(chip.base, 0);
      note(`base ${chip.base}`);
      await keepAllPromises(async () => {
        chip.pull(1, activeLow);
        return {
          lines: await opened([benchOutput({ safe, activeLow })], [benchInput({ activeLow })]),
          output: 'beacon',
          safeLevel: safe,
          input: 'red',
          levelOf: async () => chip.value(0) !== activeLow,
          drive: async (_, level) => {
            chip.pull(1, level !== activeLow);
            await wait(ARRIVAL_MS);
          },
          dismantle: async () => undefined,
        };
      }, note);
    },
  }),
);

export const cases: readonly HardwareCase[] = [
  ...contract,
  {
    name: 'sysfs: none of 1,000 edges is lost, and each is told soon',
    deadline: milliseconds(120_000),
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const lines = await opened([], [benchInput()]);
      const latencies: number[] = [];
      for (let i = 0; i < 1000; i += 1) {
        const told = Promise.withResolvers<LineEdge>();
        const stop = lines.watch('red', told.resolve);
        const late = setTimeout(() => told.reject(new Error(`edge ${i + 1} did not come`)), 10_000);
        const pulled = performance.now();
        chip.pull(1, i % 2 === 0);
        const { sequence, level } = await told.promise;
        latencies.push(performance.now() - pulled);
        clearTimeout(late);
        stop();
        assert.deepEqual([sequence, level], [i + 1, i % 2 === 0]);
        await wait(3);
      }
      note(
        `from the pull to the callback: p50 ${quantile(latencies, 0.5).toFixed(2)} ms, p99 ${quantile(latencies, 0.99).toFixed(2)} ms`,
      );
      await lines.close();
    },
  },
];
