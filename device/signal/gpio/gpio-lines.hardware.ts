import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../kernel/clock.ts';
import { type AtalayaError, explain } from '../../kernel/errors.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { readTrace, startTrace } from '../../testing/hardware/guest/kernel-trace.ts';
import { type HardwareCase, PassedOver } from '../../testing/hardware/hardware-case.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import type { LineEdge } from '../lines.ts';
import { keepAllPromises } from '../lines-contract.ts';
import { InputPhaseSource } from '../phase-input.ts';
import { benchInput, benchOutput, quantile } from '../testing/wires.ts';
import { GpioLines } from './gpio-lines.ts';

/** In which an edge has come through, on an emulated machine that is busy. */
const ARRIVAL_MS = 30;
const EDGES = 10_000;
/** Longest way of an edge from the wire to a callback in the unit. */
const LATENCY_MS = 20;

async function opened(outputs: OutputLine[], inputs: InputLine[]) {
  const faults: AtalayaError[] = [];
  const back: string[] = [];
  const lines = await GpioLines.open(
    { outputs, inputs },
    {
      clock: systemClock,
      timer: systemTimer,
      random: Math.random,
      onFault: (fault) => faults.push(fault),
      onBack: (line) => back.push(line),
    },
  );
  return { lines, faults, back };
}

async function until(what: string, holds: () => boolean, deadline = 10_000): Promise<number> {
  const from = performance.now();
  while (!holds()) {
    assert.ok(performance.now() - from < deadline, `${what} did not come true within ${deadline} ms`);
    await wait(2);
  }
  return performance.now() - from;
}

const contract = [
  [false, false],
  [true, true],
].map(
  ([safe = false, activeLow = false]): HardwareCase => ({
    name: `all that lines promise is kept (safe at ${safe}, active low ${activeLow})`,
    deadline: milliseconds(240_000),
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      await keepAllPromises(async () => {
        // A line that nobody drives is at the low voltage, which is on where it is active low.
        chip.pull(1, activeLow);
        const { lines } = await opened([benchOutput({ safe, activeLow })], [benchInput({ activeLow })]);
        return {
          lines,
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

/** Follows the input `red` and lets one wait for its next edge. */
function followed(lines: GpioLines) {
  const edges: LineEdge[] = [];
  const arrivals: number[] = [];
  let arrived: () => void = () => undefined;
  lines.watch('red', (edge) => {
    edges.push(edge);
    arrivals.push(performance.now());
    arrived();
  });
  const next = (deadline: number) =>
    new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`edge ${edges.length + 1} did not come`)), deadline);
      arrived = () => {
        clearTimeout(late);
        resolve();
      };
    });
  return { edges, arrivals, next };
}

/** Stands still, the event loop with it. */
function stall(time: number): void {
  for (const end = performance.now() + time; performance.now() < end; );
}

const figures = (values: readonly number[]) =>
  `p50 ${quantile(values, 0.5).toFixed(2)} ms, p99 ${quantile(values, 0.99).toFixed(2)} ms, longest ${Math.max(...values).toFixed(1)} ms`;

const wires: HardwareCase[] = [
  {
    // One after the other: the kernel itself sees two edges as one where its interrupt's thread has not run in between, and on an
    // emulated machine that may take any time.
    name: 'none of 10,000 edges is lost, and each is dated when it was',
    deadline: milliseconds(500_000),
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const { lines } = await opened([], [benchInput()]);
      const { edges, next } = followed(lines);
      const began = performance.now();
      for (let i = 0; i < EDGES; i += 1) {
        const before = performance.now();
        const edge = next(10_000);
        chip.pull(1, i % 2 === 0);
        await edge;
        const { at, level, sequence } = edges[i] ?? assert.fail();
        assert.deepEqual([level, sequence], [i % 2 === 0, i + 1]);
        assert.ok(
          at > before - 0.5 && at < performance.now() + 0.5,
          `edge ${i + 1} is dated ${at - before} ms from its pull`,
        );
        if (performance.now() - before < 2) await wait(2);
      }
      note(`${EDGES} edges in ${((performance.now() - began) / 1000).toFixed(1)} s`);
      await wait(200);
      assert.equal(edges.length, EDGES);
      await lines.close();
    },
  },
  {
    name: 'edges that come while the unit stands still wait for it, none missing in the middle',
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const { lines } = await opened([], [benchInput()]);
      const { edges } = followed(lines);
      for (let i = 0; i < 500; i += 1) {
        chip.pull(1, i % 2 === 0);
        stall(4);
      }
      assert.equal(edges.length, 0);
      await wait(1000);
      assert.ok(edges.length > 100, `${edges.length} edges`);
      assert.deepEqual(
        edges.map(({ sequence }) => sequence),
        edges.map((_, i) => i + 1),
      );
      note(`${edges.length} edges of 500 pulls, which the kernel saw apart, in 2 s without the event loop`);
      await lines.close();
    },
  },
  {
    name: `an edge is a phase of the signal within ${LATENCY_MS} ms`,
    deadline: milliseconds(120_000),
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const { lines } = await opened([], [benchInput(), benchInput({ name: 'green', line: 2 })]);
      const phases = await InputPhaseSource.open(lines, [{ head: 'main', red: 'red', green: 'green' }], {
        clock: systemClock,
        timer: systemTimer,
        checkEvery: milliseconds(1000),
        staleAfter: milliseconds(3000),
      });
      const { edges, arrivals, next } = followed(lines);
      const late: number[] = [];
      let asked = 0;
      for (let i = 0; i < 1000; i += 1) {
        const edge = next(10_000);
        chip.pull(1, i % 2 === 0);
        await edge;
        const wanted = i % 2 === 0 ? 'red' : 'none of the wired lamps is lit, and not all are wired';
        const phase = () => {
          const reading = phases.phaseAt('main', systemClock.utc(), milliseconds(0));
          return reading.known ? reading.phase : reading.reason;
        };
        // A date is of whole milliseconds, and an edge that is here already may have come within the one that is running.
        if (phase() !== wanted) {
          asked += 1;
          await until(`the phase after edge ${i + 1}`, () => phase() === wanted, LATENCY_MS);
        }
        const before = performance.now();
        await wait(10);
        late.push(performance.now() - before - 10);
      }
      assert.equal(phases.lostEdges, 0);
      const latencies = edges.map(({ at }, i) => (arrivals[i] ?? 0) - at);
      note(`from the kernel's interrupt to the phase: ${figures(latencies)}`);
      note(
        `a timer of 10 ms is late by ${figures(late)}; the phase of the running millisecond was asked for again ${asked} times`,
      );
      await phases.close();
      await lines.close();
      const p99 = quantile(latencies, 0.99);
      if (p99 >= LATENCY_MS && quantile(late, 0.99) > LATENCY_MS / 2)
        throw new PassedOver(`the machine is too busy for it: an edge p99 ${p99} ms, with timers as late as that`);
      assert.ok(p99 < LATENCY_MS, `p99 ${p99} ms`);
    },
  },
  {
    name: 'the beacon is seen to go on and off, and its holder by name',
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const { lines } = await opened([benchOutput()], []);
      startTrace();
      const times: number[] = [];
      for (let i = 0; i < 100; i += 1) {
        const from = performance.now();
        await lines.set('beacon', i % 2 === 0);
        times.push(performance.now() - from);
        assert.equal(chip.value(0), i % 2 === 0);
      }
      const written = readTrace().flatMap((one) => (one.kind === 'line' && one.line === chip.base ? [one.level] : []));
      assert.deepEqual(
        written,
        times.map((_, i) => i % 2 === 0),
        "what the kernel's own tracepoint saw",
      );
      note(`a set stands after p50 ${quantile(times, 0.5).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms`);
      assert.match(execFileSync('gpioinfo', [chip.name], { encoding: 'utf8' }), /atalaya.*output/);
      await lines.close();
      assert.equal(chip.value(0), false);
    },
  },
  {
    name: 'the beacon is dark soon after the unit was killed while it hung',
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const program = fileURLToPath(new URL('./testing/unit-that-hangs.ts', import.meta.url));
      const unit = spawn(process.execPath, [program, 'real'], { stdio: ['ignore', 'pipe', 'inherit'] });
      assert.ok(unit.stdout !== null);
      await once(unit.stdout, 'data');
      assert.equal(chip.value(0), true);
      unit.kill('SIGKILL');
      const dark = await until('the dark beacon', () => !chip.value(0), 5000);
      note(`dark ${dark.toFixed(0)} ms after SIGKILL`);
    },
  },
  {
    name: 'contacts that bounce are one edge, dated when they came to rest',
    run: async ({ gpio, note }) => {
      const chip = await gpio('bench', 4);
      const { lines } = await opened([], [benchInput({ debounceMs: 100 })]);
      const edges: LineEdge[] = [];
      lines.watch('red', (edge) => edges.push(edge));
      for (const level of [true, false, true, false, true]) {
        chip.pull(1, level);
        await wait(5);
      }
      const rest = performance.now();
      assert.equal(await lines.read('red'), false, 'it has not stood long enough');
      await until('the edge', () => edges.length > 0);
      await wait(200);
      assert.deepEqual(
        edges.map(({ level, sequence }) => [level, sequence]),
        [[true, 1]],
      );
      const off = (edges[0]?.at ?? 0) - rest;
      note(`dated ${off.toFixed(1)} ms from the last bounce`);
      assert.ok(Math.abs(off) < 40, `${off} ms`);
      await lines.close();
    },
  },
  {
    name: 'the resistor in the chip pulls an input up',
    run: async ({ gpio }) => {
      await gpio('bench', 4);
      const { lines } = await opened(
        [],
        [benchInput({ bias: 'pull-up' }), benchInput({ name: 'other', line: 2, bias: 'pull-down' })],
      );
      assert.deepEqual([await lines.read('red'), await lines.read('other')], [true, false]);
      await lines.close();
    },
  },
  {
    name: 'what cannot be opened is refused with what to do about it',
    run: async ({ gpio }) => {
      const chip = await gpio('bench', 4);
      const { lines } = await opened([benchOutput()], []);
      const refusal = async (outputs: OutputLine[]) => {
        const error = await opened(outputs, []).then(
          async (other) => {
            await other.lines.close();
            return undefined;
          },
          (reason: unknown) => reason,
        );
        assert.ok(error !== undefined, 'it was opened');
        return explain(error);
      };
      assert.match(await refusal([benchOutput()]), /beacon: the line 0 .* is taken by atalaya\n {2}Stop what holds it/);
      assert.match(
        await refusal([benchOutput({ chip: 'none' })]),
        new RegExp(`there is .*${chip.name} \\(bench, 4 lines\\)`),
      );
      assert.match(await refusal([benchOutput({ line: 4 })]), /has no line 4\n {2}Name an offset from 0 to 3/);
      assert.match(await refusal([benchOutput({ line: 'GPIO9' })]), /no line named GPIO9/);
      await lines.close();
    },
  },
  {
    name: 'a chip that is unplugged is told, its lines come back with it, and others go on',
    run: async ({ gpio, note }) => {
      const other = await gpio('other', 2);
      const chip = await gpio('bench', 4);
      const { lines, faults, back } = await opened([benchOutput({ chip: 'other' })], [benchInput()]);
      const edges: LineEdge[] = [];
      lines.watch('red', (edge) => edges.push(edge));
      chip.pull(1, true);
      await until('the first edge', () => edges.length === 1);
      try {
        chip.remove();
      } catch (error) {
        await lines.close();
        throw new PassedOver(`the kernel keeps a chip whose line is held: ${String(error)}`);
      }
      await until('the fault', () => faults.length === 1);
      assert.match(explain(faults[0]), /red: its GPIO chip is gone/);
      await assert.rejects(lines.read('red'), /gone/);
      await lines.set('beacon', true);
      assert.equal(other.value(0), true);
      const again = await gpio('bench', 4);
      const took = await until('the return', () => back.includes('red'));
      note(`back ${took.toFixed(0)} ms after it was plugged in`);
      again.pull(1, true);
      await until('the next edge', () => edges.length === 2);
      assert.deepEqual(
        edges.map(({ sequence }) => sequence),
        [1, 3],
      );
      await lines.close();
    },
  },
];

export const cases: readonly HardwareCase[] = [...contract, ...wires];
