import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import { type HardwareCase, type HardwareContext, PassedOver } from '../hardware-case.ts';
import type { CaseWord } from './run-cases.ts';
import { makeChip } from './simulated-chip.ts';

/** The process of one case: `SUITE INDEX`. It tells on descriptor 3, and is killed as soon as it has told its outcome. */

const [path = '', index = ''] = process.argv.slice(2);
const { BENCH_GIVEN = '' } = process.env;
const given = JSON.parse(BENCH_GIVEN) as Pick<HardwareContext, 'folder' | 'tree' | 'broker'> & { deadline: number };
const tell = (word: CaseWord): void => {
  writeSync(3, `${JSON.stringify(word)}\n`);
};

try {
  const { cases } = (await import(path)) as { cases: readonly HardwareCase[] };
  const one = cases[Number(index)];
  if (one === undefined) throw new Error(`${path} has no case ${index}`);
  const deadline = AbortSignal.timeout(given.deadline);
  const context: HardwareContext = {
    folder: given.folder,
    tree: given.tree,
    broker: given.broker,
    video: '/dev/video0',
    gpio: async (label, lines) => makeChip(label, lines),
    note: (note) => tell({ note }),
    signal: deadline,
  };
  await Promise.race([
    one.run(context),
    wait(given.deadline).then(() => {
      throw new Error(`took longer than ${given.deadline / 1000} s`);
    }),
  ]);
  // It is killed as soon as it has told: the next one starts the faster for what was compiled.
  flushCompileCache();
  tell({ outcome: 'passed', reason: undefined });
} catch (error) {
  if (error instanceof PassedOver) tell({ outcome: 'passed-over', reason: error.message });
  else tell({ outcome: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
