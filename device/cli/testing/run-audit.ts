import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const auditProgram = fileURLToPath(new URL('../atalaya-audit.ts', import.meta.url));

/** What a call of the program came to. */
export interface Call {
  readonly code: number | null;
  readonly said: string;
  readonly complained: string;
}

export interface StartedCall {
  readonly child: ChildProcess;
  readonly ended: Promise<Call>;
}

export function startAudit(args: readonly string[], cwd?: string): StartedCall {
  const child = spawn(process.execPath, [auditProgram, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const heard = { said: '', complained: '' };
  child.stdout?.on('data', (chunk) => {
    heard.said += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    heard.complained += chunk;
  });
  return { child, ended: once(child, 'close').then(([code]) => ({ code, ...heard })) };
}

export const audit = (...args: readonly string[]): Promise<Call> => startAudit(args).ended;
