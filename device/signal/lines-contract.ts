import assert from 'node:assert/strict';
import type { TestFn } from 'ava';
import { isAtalayaError } from '../kernel/errors.ts';
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

interface LinesPromise {
  readonly says: string;
  /** Rejects where the promise is not kept. */
  check(bench: LinesBench): Promise<void>;
}

/** What every adapter of `Lines` keeps. No test runner is needed to check it: on a machine with real wires there is none. */
const linesPromises: readonly LinesPromise[] = [
  {
    says: 'outputs are safe from the start',
    check: async ({ levelOf, output, safeLevel }) => {
      assert.equal(await levelOf(output), safeLevel);
    },
  },
  {
    says: 'a level that was set stands at the line',
    check: async ({ lines, levelOf, output, safeLevel }) => {
      for (const level of [!safeLevel, !safeLevel, safeLevel, !safeLevel]) {
        await lines.set(output, level);
        assert.equal(await levelOf(output), level);
      }
    },
  },
  {
    says: 'an input reads as it is driven',
    check: async ({ lines, drive, input }) => {
      for (const level of [true, false, true]) {
        await drive(input, level);
        assert.equal(await lines.read(input), level);
      }
    },
  },
  {
    says: 'each edge is told once to each watcher, in order, until it stops',
    check: async ({ lines, drive, input }) => {
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
      assert.deepEqual(levels(first), [true, false]);
      assert.deepEqual(levels(second), [true, false, true]);
      assert.ok(second.every((edge) => edge.input === input));
      for (const [i, edge] of second.slice(1).entries()) {
        const before = second[i] as LineEdge;
        assert.equal(edge.sequence, before.sequence + 1);
        assert.ok(edge.at >= before.at);
      }
    },
  },
  {
    says: 'reading a watched input swallows no edge',
    check: async ({ lines, drive, input }) => {
      await drive(input, false);
      const seen: LineEdge[] = [];
      lines.watch(input, (edge) => seen.push(edge));
      await lines.read(input);
      await drive(input, true);
      await lines.read(input);
      await drive(input, false);
      assert.deepEqual(levels(seen), [true, false]);
    },
  },
  {
    says: 'safe brings every output to its safe level, at any time and twice',
    check: async ({ lines, levelOf, output, safeLevel }) => {
      await lines.safe();
      await lines.set(output, !safeLevel);
      await lines.safe();
      await lines.safe();
      assert.equal(await levelOf(output), safeLevel);
      await lines.set(output, !safeLevel);
      assert.equal(await levelOf(output), !safeLevel, 'safe is no end: the lines go on');
    },
  },
  {
    says: 'lines that are not there are refused by name',
    check: async ({ lines }) => {
      const attempts = [
        () => lines.set('no-such-line', true),
        () => lines.read('no-such-line'),
        async () => lines.watch('no-such-line', () => undefined),
      ];
      for (const attempt of attempts) {
        await assert.rejects(attempt, (error) => {
          assert.ok(isAtalayaError(error, 'lines-unavailable'));
          assert.match(error.message, /no-such-line/);
          return true;
        });
      }
    },
  },
  {
    says: 'after close the outputs are safe and nothing is set any more',
    check: async ({ lines, levelOf, output, input, safeLevel, drive }) => {
      const seen: LineEdge[] = [];
      lines.watch(input, (edge) => seen.push(edge));
      await lines.set(output, !safeLevel);
      await lines.close();
      assert.equal(await levelOf(output), safeLevel);
      await assert.rejects(lines.set(output, !safeLevel), (error) => isAtalayaError(error, 'lines-unavailable'));
      await lines.safe();
      await lines.close();
      await drive(input, true);
      await drive(input, false);
      assert.equal(await levelOf(output), safeLevel);
      assert.deepEqual(levels(seen), []);
    },
  },
];

/** The promises as tests, each on a bench of its own. */
export function linesContract(test: TestFn, adapter: string, assemble: () => Promise<LinesBench>): void {
  for (const { says, check } of linesPromises) {
    test(`${adapter}: ${says}`, async (t) => {
      await keepsPromise({ says, check }, assemble);
      t.pass();
    });
  }
}

/** Checks the promises one after the other, each on a bench of its own; what is not kept is named. */
export async function keepAllPromises(
  assemble: () => Promise<LinesBench>,
  note: (text: string) => void,
): Promise<void> {
  for (const promise of linesPromises) {
    try {
      await keepsPromise(promise, assemble);
    } catch (cause) {
      throw new Error(`not kept: ${promise.says}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
  note(`${linesPromises.length} promises, each on lines opened anew`);
}

/** Checks one promise on a new bench, and takes that down again. */
async function keepsPromise({ check }: LinesPromise, assemble: () => Promise<LinesBench>): Promise<void> {
  const bench = await assemble();
  try {
    await check(bench);
  } finally {
    await bench.lines.close();
    await bench.dismantle();
  }
}

function levels(edges: readonly LineEdge[]): boolean[] {
  return edges.map(({ level }) => level);
}
