import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program that works in a store until it is killed, and tells of what was acknowledged. */
export const workForever = fileURLToPath(new URL('./work-forever.ts', import.meta.url));

/** What a program did. */
export interface Ran {
  /** Whole lines that it wrote. */
  readonly lines: readonly string[];
  readonly errors: string;
  /** Null where it was killed. */
  readonly status: number | null;
}

export interface Running {
  readonly process: ChildProcess;
  /** Resolves when it has written so many lines, or has ended. */
  readonly written: (lines: number) => Promise<void>;
  readonly ended: Promise<Ran>;
}

/** Starts a program with a pipe to its standard input. */
export function start(command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const [name = '', ...rest] = command;
  const child = spawn(name, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  let errors = '';
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const ended = once(child, 'close').then(([status]) => ({
    lines: output.split('\n').slice(0, -1),
    errors,
    status: status as number | null,
  }));
  const written = async (lines: number): Promise<void> => {
    while (output.split('\n').length <= lines && child.stdout.readable) {
      await Promise.race([once(child.stdout, 'data'), ended]);
    }
  };
  return { process: child, written, ended };
}

/** Runs a program to its end. */
export function run(...command: readonly string[]): Promise<Ran> {
  const running = start(command);
  running.process.stdin?.end('go\n');
  return running.ended;
}
