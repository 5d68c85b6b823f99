import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { explain } from '../../../kernel/errors.ts';
import type { CaseReport, Told } from '../bench-report.ts';
import type { HardwareCase } from '../hardware-case.ts';
import { removeChips } from './simulated-chip.ts';

export interface CasesOptions {
  readonly tree: string;
  /** Only cases with this in their name or in their suite's path. */
  readonly only: string | undefined;
  readonly broker: string | undefined;
  readonly timed: boolean;
}

/** What the process of a case tells on its fourth descriptor. */
export type CaseWord =
  | { readonly note: string }
  | { readonly outcome: CaseReport['outcome']; readonly reason: string | undefined };

const defaultDeadline = 60_000;
/** To start, and to end after the deadline has been told. */
const grace = 60_000;

/** Runs every case of every suite, one after the other, each in a process of its own. */
export async function runCases(
  { tree, only, broker, timed: wanted }: CasesOptions,
  tell: (told: Told) => void,
): Promise<void> {
  const suites = globSync('device/**/*.hardware.ts', { cwd: tree, exclude: (path) => path.includes('node_modules') });
  let number = 0;
  for (const suite of suites.sort()) {
    let cases: readonly HardwareCase[];
    try {
      ({ cases } = (await import(join(tree, suite))) as { cases: readonly HardwareCase[] });
    } catch (error) {
      const failed = { suite, name: 'is loaded', outcome: 'failed', seconds: 0, notes: [] } as const;
      if (!wanted && (only === undefined || suite.includes(only)))
        tell({ kind: 'case', ...failed, reason: explain(error) });
      continue;
    }
    for (const [index, { name, deadline = defaultDeadline, timed = false }] of cases.entries()) {
      if (timed !== wanted) continue;
      if (only !== undefined && !`${suite} ${name}`.includes(only)) continue;
      tell({ kind: 'begins', suite, name });
      number += 1;
      const folder = `/data/cases/${number}`;
      mkdirSync(folder, { recursive: true });
      const given = { folder, tree, broker, deadline };
      tell({ kind: 'case', suite, name, ...(await runCase(join(tree, suite), index, given)) });
    }
  }
}

interface Given {
  readonly folder: string;
  readonly tree: string;
  readonly broker: string | undefined;
  readonly deadline: number;
}

async function runCase(path: string, index: number, given: Given): Promise<Omit<CaseReport, 'suite' | 'name'>> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'case-process.ts'), path, String(index)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: '/data/compiled', BENCH_GIVEN: JSON.stringify(given) },
    detached: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-3000);
    });
  }
  const notes: string[] = [];
  let verdict: Pick<CaseReport, 'outcome' | 'reason'> | undefined;
  // Nothing of a case outlives it: neither what it left running nor a process that cannot end.
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It had ended by itself.
    }
  };
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const word = JSON.parse(line) as CaseWord;
    if ('note' in word) notes.push(word.note);
    else {
      verdict = word;
      end();
    }
  });
  const timeout = setTimeout(end, given.deadline + grace);
  const [status, killedBy] = await once(child, 'close');
  clearTimeout(timeout);
  const rest = said.trim() === '' ? '' : `\n${said.trim()}`;
  verdict ??= { outcome: 'failed', reason: `its process ended with ${status ?? killedBy} and no verdict${rest}` };
  if (verdict.outcome === 'failed' && !verdict.reason?.endsWith(rest)) {
    verdict = { ...verdict, reason: `${verdict.reason}${rest}` };
  }
  try {
    removeChips();
  } catch (error) {
    verdict = { outcome: 'failed', reason: `${verdict.reason ?? 'it passed'}; its chips stay: ${explain(error)}` };
  }
  return { ...verdict, notes, seconds: (performance.now() - began) / 1000 };
}
