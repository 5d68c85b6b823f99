import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import type { Milliseconds } from '../../kernel/units.ts';

/** Nothing can be shown here, and why: a program that is missing, no network, not root. No verdict about the program under test. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

export interface CommandOptions {
  readonly deadline: Milliseconds;
  /** Everything that the command says is appended here. */
  readonly log: string;
  readonly cwd?: string;
}

/**
 * Runs a program of the host to its end and gives its standard output. It is killed with everything that it started when the deadline
 * passes, and told to end with this process. Throws with the program, what it said last, and the log's name.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  { deadline, log, cwd }: CommandOptions,
): Promise<string> {
  appendFileSync(log, `\n$ ${program} ${args.join(' ')}\n`);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the deadline reaches what it has started.
    detached: true,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const said: Buffer[] = [];
  let last = '';
  const hear = (chunk: Buffer): void => {
    appendFileSync(log, chunk);
    last = (last + chunk.toString()).slice(-2000);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    said.push(chunk);
    hear(chunk);
  });
  child.stderr.on('data', hear);
  let late = false;
  const timeout = setTimeout(() => {
    late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, deadline);
  const end = (): void => endGroup(child.pid);
  process.once('exit', end);
  try {
    const [status] = await once(child, 'close');
    if (late) throw new Error(`${program} took longer than ${deadline / 1000} s (${log})`);
    if (status !== 0) throw new CommandFailed(program, String(status), last, log);
    return Buffer.concat(said).toString();
  } finally {
    clearTimeout(timeout);
    process.removeListener('exit', end);
  }
}

/** Tells a process and all that it has started to end: what makes a root file system takes its mounts down first. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  /** The last 2000 characters that the program said. */
  readonly last: string;

  constructor(program: string, status: string, last: string, log: string) {
    const line = last.trimEnd().split('\n').at(-1) ?? '';
    super(`${program} ended with ${status}: ${line} (${log})`);
    this.last = last;
  }
}

/** A failure that is the network's. */
export const isOfNetwork = (error: unknown): boolean =>
  error instanceof CommandFailed &&
  /Failed to fetch|Temporary failure|Could not (resolve|connect)|Connection (timed out|failed|refused)|Unable to connect|Network is unreachable|Some index files failed/i.test(
    error.last,
  );
