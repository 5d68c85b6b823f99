import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Archive } from '../archive.ts';
import { madeEvents } from './made-events.ts';

const program = fileURLToPath(new URL('./ingest-forever.ts', import.meta.url));

export interface Ran {
  /** The last mark that was acknowledged; 0 where there was none. */
  readonly acknowledged: number;
  readonly errors: string;
  /** Null where it was killed. */
  readonly status: number | null;
}

/** Runs a program that ingests until `marks` marks were acknowledged and `after` ms more, and kills it. Or until it ends. */
export function ingestUntilKilled(target: readonly string[], marks: number, after: number): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...target], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, errors] = ['', ''];
    let killing = false;
    child.stdout.on('data', (text: Buffer) => {
      output += text;
      if (killing || output.split('\n').length <= marks) return;
      killing = true;
      setTimeout(() => child.kill('SIGKILL'), after);
    });
    child.stderr.on('data', (text: Buffer) => {
      errors += text;
    });
    child.once('error', reject);
    child.once('close', (status) => {
      const lines = output.split('\n').slice(0, -1);
      resolve({ acknowledged: Number(lines.at(-1) ?? 0), errors, status });
    });
  });
}

/** Everything acknowledged is there once, nothing is half there, and nothing more is wanted than what comes next. */
export async function checkAfterCrash(t: ExecutionContext, archive: Archive, acknowledged: number): Promise<number> {
  const upTo = (await archive.watermarks('unit-1'))[0]?.upTo ?? 0;
  t.true(upTo >= acknowledged, `${upTo} of ${acknowledged} acknowledged`);
  t.is(upTo % 10, 0, 'a batch is there or not');
  const events = await archive.events({ order: 'sequence', limit: 1_000_000 });
  t.deepEqual(
    events.map(({ sequence }) => sequence),
    madeEvents(1, upTo).map(({ sequence }) => sequence),
  );
  t.is((await archive.takeForwards(1_000_000, 0)).length, upTo);
  return upTo;
}
