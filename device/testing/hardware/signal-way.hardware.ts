import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
import { explain } from '../../kernel/errors.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import { GpioLines } from '../../signal/gpio/gpio-lines.ts';
import { InputPhaseSource } from '../../signal/phase-input.ts';
import { Signaller } from '../../signal/signaller.ts';
import { benchInput, benchOutput, quantile } from '../../signal/testing/wires.ts';
import { readTrace, startTrace } from './guest/kernel-trace.ts';
import type { HardwareCase, HardwareContext } from './hardware-case.ts';

/** From the wire of a signal head to the phase that the judge asks for, and from an infraction to the beacon's wire. */

/** Longest time from the pull of the wire to the phase. */
const limitMs = 20;
const changes = 300;

async function openLines(gpio: HardwareContext['gpio']) {
  const chip = await gpio('bench', 4);
  const faults: string[] = [];
  const lines = await GpioLines.open(
    { outputs: [benchOutput()], inputs: [benchInput()] },
    { clock: systemClock, timer: systemTimer, random: Math.random, onFault: (fault) => faults.push(explain(fault)) },
  );
  return { chip, lines, faults };
}

export const cases: readonly HardwareCase[] = [
  {
    name: `an edge on the wire is the red phase within ${limitMs} ms, and red began when the wire changed`,
    deadline: milliseconds(180_000),
    timed: true,
    run: async ({ gpio, note }) => {
      const { chip, lines, faults } = await openLines(gpio);
      const phases = await InputPhaseSource.open(lines, [{ head: 'main', red: 'red' }], {
        clock: systemClock,
        timer: systemTimer,
        checkEvery: milliseconds(1000),
        staleAfter: milliseconds(5000),
      });
      const now = () => phases.phaseAt('main', utcMilliseconds(systemClock.utc()), milliseconds(0));
      const isRed = (): boolean => {
        const reading = now();
        return reading.known && reading.phase === 'red';
      };
      const took: number[] = [];
      const off: number[] = [];
      for (let change = 0; change < changes; change += 1) {
        const red = change % 2 === 0;
        const at = systemClock.utc();
        const pulled = performance.now();
        chip.pull(1, red);
        while (isRed() !== red) {
          assert.ok(
            performance.now() - pulled < 5000,
            `the phase has not changed 5 s after the wire: ${JSON.stringify(now())}`,
          );
          // Not in a closed loop: where processors take turns, that would keep the edge from coming.
          await wait(1);
        }
        took.push(performance.now() - pulled);
        const reading = now();
        if (reading.known && red) off.push(Math.abs(reading.since - at));
        await wait(20);
      }
      await phases.close();
      await lines.close();
      note(
        `${changes} changes, from before the pull to the phase: p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms, longest ${Math.max(...took).toFixed(1)} ms`,
      );
      note(`red is dated within ${Math.max(...off).toFixed(1)} ms of the pull`);
      assert.equal(phases.lostEdges, 0);
      assert.deepEqual(faults, []);
      assert.ok(quantile(took, 0.99) <= limitMs, `p99 ${quantile(took, 0.99)} ms`);
      assert.ok(quantile(off, 0.99) <= limitMs, `dated off by ${quantile(off, 0.99)} ms`);
    },
  },
  {
    name: 'the beacon of an infraction is seen by the kernel, and goes out by itself',
    run: async ({ gpio, note }) => {
      const { chip, lines, faults } = await openLines(gpio);
      const on = milliseconds(500);
      const signaller = new Signaller(
        lines,
        {
          beacon: { output: 'beacon', duration: on },
          strobe: { output: 'beacon', pulse: milliseconds(50), rest: milliseconds(50), enabled: false },
          deadline: milliseconds(2000),
        },
        systemClock,
        systemTimer,
        (fault) => faults.push(explain(fault)),
      );
      assert.equal(chip.value(0), false);
      startTrace();
      const began = performance.now();
      signaller.show({ rule: 'red-light' });
      const until = async (level: boolean, deadline: number) => {
        while (chip.value(0) !== level) {
          assert.ok(performance.now() - began < deadline, `the beacon is not ${level ? 'lit' : 'dark'} in time`);
          await wait(2);
        }
        return performance.now() - began;
      };
      const lit = await until(true, 5000);
      await until(false, 15_000);
      await signaller.stop();
      // Whoever looks may come late on a busy host: for how long it was lit is the kernel's own word.
      const written = readTrace().flatMap((one) => (one.kind === 'line' && one.line === chip.base ? [one] : []));
      await lines.close();
      const [first, second] = written;
      assert.ok(first?.level === true && second?.level === false, JSON.stringify(written));
      const stood = (second.at - first.at) * 1000;
      note(`seen lit ${lit.toFixed(1)} ms after it was told, for ${stood.toFixed(1)} of ${on} ms by the kernel's word`);
      assert.deepEqual(faults, []);
      // On and off take their way through the keeper, which is not equally long on a busy host.
      assert.ok(stood > on * 0.8, `${stood} ms`);
    },
  },
];
