import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { explain } from '../../../kernel/errors.ts';
import type { AskedCase, CaseReport, Told } from '../bench-report.ts';
import { removeChips } from './simulated-chip.ts';

export interface CasesOptions {
  readonly tree: string;
  readonly cases: readonly AskedCase[];
  readonly broker: string | undefined;
}

/** What the process of a case tells on its fourth descriptor. */
export type CaseWord =
  | { readonly note: string }
  | { readonly outcome: CaseReport['outcome']; readonly reason: string | undefined };

/** To start, and to end after the deadline has been told. */
const grace = 60_000;

/** Runs one case after the other, each in a process of its own. */
export async function runCases({ tree, cases, broker }: CasesOptions, tell: (told: Told) => void): Promise<void> {
  for (const [number, { suite, index, name, deadline }] of cases.entries()) {
    tell({ kind: 'begins', suite, name });
    const folder = `/data/cases/${number + 1}`;
    mkdirSync(folder, { recursive: true });
    const given = { folder, tree, broker, deadline };
    // The host's console has a note at once, also where the case never ends.
    const noted = (text: string): void => tell({ kind: 'line', text });
    tell({ kind: 'case', suite, name, ...(await runCase(join(tree, suite), index, given, noted)) });
  }
}

interface Given {
  readonly folder: string;
  readonly tree: string;
  readonly broker: string | undefined;
  readonly deadline: number;
}

async function runCase(
  path: string,
  index: number,
  given: Given,
  noted: (text: string) => void,
): Promise<Omit<CaseReport, 'suite' | 'name'>> {
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
    if ('note' in word) {
      notes.push(word.note);
      noted(word.note);
    } else {
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
