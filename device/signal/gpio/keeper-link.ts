import type { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The way to a keeper. */
export interface KeeperLink {
  send(text: string): void;
  /** Tells the keeper that the unit is at its end: it makes the lines safe and ends. */
  end(): void;
  /** Ends a keeper that does not end by itself. */
  kill(): void;
  /** Resolves with a few words when the keeper has ended; never rejects. */
  readonly ended: Promise<string>;
}

/** Starts a keeper; what it says goes to `onBytes`. */
export type OpenKeeperLink = (onBytes: (bytes: Buffer) => void) => KeeperLink;

/** The keeper holds some tens of messages; V8's defaults would reserve room for a program. */
const lean = ['--max-old-space-size=32', '--max-semi-space-size=1'];

/**
 * A keeper as a process of its own, in a session of its own: a key press in the unit's terminal does not reach it. Nothing of the
 * unit's environment is handed on but the path.
 */
export function processKeeperLink(
  program: URL = new URL(`./keeper-program${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
): OpenKeeperLink {
  const { PATH = '' } = process.env;
  return (onBytes) => {
    const child = spawn(process.execPath, [...lean, fileURLToPath(program)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH },
      detached: true,
    });
    child.stdout.on('data', onBytes);
    // A pipe whose reader is gone says so here; the end of the process says it too, and that is what counts.
    child.stdin.on('error', () => undefined);
    const ended = new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(`it could not be started: ${error.message}`));
      // `close` comes after the last of its words was read.
      child.on('close', (code, signal) =>
        resolve(signal === null ? `it ended with ${code}` : `it was ended by ${signal}`),
      );
    });
    return {
      send: (text) => void child.stdin.write(text),
      end: () => void child.stdin.end(),
      kill: () => void child.kill('SIGKILL'),
      ended,
    };
  };
}
