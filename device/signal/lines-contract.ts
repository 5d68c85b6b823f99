import type { ExecutionContext, TestFn } from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import type { LineEdge, Lines } from './lines.ts';

/** Lines on a bench: one output and one input, and the far ends of both. */
export interface LinesBench {
  readonly lines: Lines;
  readonly output: string;
  readonly safeLevel: boolean;
  readonly input: string;
  /** The level that stands at the output, seen from outside. */
  levelOf(output: string): Promise<boolean>;
  /** Drives the input from outside; resolves when an edge has had the time to arrive. */
  drive(input: string, level: boolean): Promise<void>;
  /** Frees what the bench holds, the lines apart. */
  dismantle(): Promise<void>;
}

/** What every adapter of `Lines` keeps, run on the simulated one and on the real ones alike. */
export function linesContract(test: TestFn, adapter: string, assemble: () => Promise<LinesBench>): void {
  const onBench = (says: string, check: (bench: LinesBench, t: ExecutionContext) => Promise<void>) => {
    test(`${adapter}: ${says}`, async (t) => {
      const bench = await assemble();
      t.teardown(async () => {
        await bench.lines.close();
        await bench.dismantle();
      });
      await check(bench, t);
    });
  };

  onBench('outputs are safe from the start', async ({ levelOf, output, safeLevel }, t) => {
    t.is(await levelOf(output), safeLevel);
  });

  onBench('a level that was set stands at the line', async ({ lines, levelOf, output, safeLevel }, t) => {
    for (const level of [!safeLevel, !safeLevel, safeLevel, !safeLevel]) {
      await lines.set(output, level);
      t.is(await levelOf(output), level);
    }
  });

  onBench('an input reads as it is driven', async ({ lines, drive, input }, t) => {
    for (const level of [true, false, true]) {
      await drive(input, level);
      t.is(await lines.read(input), level);
    }
  });

  onBench('each edge is told once to each watcher, in order, until it stops', async ({ lines, drive, input }, t) => {
    await drive(input, false);
    const first: LineEdge[] = [];
    const second: LineEdge[] = [];
    const stopFirst = lines.watch(input, (edge) => first.push(edge));
    const stopSecond = lines.watch(input, (edge) => second.push(edge));
    await drive(input, true);
    await drive(input, false);
    stopFirst();
    stopFirst();
    await drive(input, true);
    stopSecond();
    await drive(input, false);
    t.deepEqual(
      first.map(({ level }) => level),
      [true, false],
    );
    t.deepEqual(
      second.map(({ level }) => level),
      [true, false, true],
    );
    t.true(second.every((edge) => edge.input === input));
    for (const [i, edge] of second.slice(1).entries()) {
      const before = second[i] as LineEdge;
      t.is(edge.sequence, before.sequence + 1);
      t.true(edge.at >= before.at);
    }
  });

  onBench('reading a watched input swallows no edge', async ({ lines, drive, input }, t) => {
    await drive(input, false);
    const levels: boolean[] = [];
    lines.watch(input, ({ level }) => levels.push(level));
    await lines.read(input);
    await drive(input, true);
    await lines.read(input);
    await drive(input, false);
    t.deepEqual(levels, [true, false]);
  });

  onBench(
    'safe brings every output to its safe level, at any time and twice',
    async ({ lines, levelOf, output, safeLevel }, t) => {
      await lines.safe();
      await lines.set(output, !safeLevel);
      await lines.safe();
      await lines.safe();
      t.is(await levelOf(output), safeLevel);
      await lines.set(output, !safeLevel);
      t.is(await levelOf(output), !safeLevel, 'safe is no end: the lines go on');
    },
  );

  onBench('lines that are not there are refused by name', async ({ lines }, t) => {
    const attempts = [
      lines.set('no-such-line', true),
      lines.read('no-such-line'),
      tried(() => lines.watch('no-such-line', () => undefined)),
    ];
    for (const attempt of attempts) {
      const error = await t.throwsAsync(attempt, { instanceOf: AtalayaError });
      t.is(error?.code, 'lines-unavailable');
      t.true(error?.message.includes('no-such-line'));
    }
  });

  onBench(
    'after close the outputs are safe and nothing is set any more',
    async ({ lines, levelOf, output, input, safeLevel, drive }, t) => {
      const levels: boolean[] = [];
      lines.watch(input, ({ level }) => levels.push(level));
      await lines.set(output, !safeLevel);
      await lines.close();
      t.is(await levelOf(output), safeLevel);
      const error = await t.throwsAsync(lines.set(output, !safeLevel), { instanceOf: AtalayaError });
      t.is(error?.code, 'lines-unavailable');
      await lines.safe();
      await lines.close();
      await drive(input, true);
      await drive(input, false);
      t.is(await levelOf(output), safeLevel);
      t.deepEqual(levels, []);
    },
  );
}

async function tried(call: () => unknown): Promise<void> {
  call();
}
