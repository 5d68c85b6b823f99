import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { systemCode } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import type { Milliseconds } from '../../kernel/units.ts';

/** How a program ended; `failed`: it never began. */
export type ProgramExit =
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'failed'; readonly code: string };

/** Lines of stderr that are kept, and characters of each: a program may complain for weeks. */
const KEPT_LINES = 32;
const KEPT_CHARACTERS = 400;
/** Lines that come with every picture and explain nothing. */
const chatter = /Parsed_showinfo_/;

/** The first of the programs that is there to be started: a path, or a name on `path`. */
export async function findProgram(names: readonly string[], path: string): Promise<string | undefined> {
  for (const name of names) {
    const places = name.includes('/') ? [name] : path.split(delimiter).map((folder) => join(folder, name));
    for (const place of places) {
      const fits = await access(place, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (fits) return place;
    }
  }
  return undefined;
}

/** A program that runs beside this one. `extra` is its file descriptor 3. */
export class ChildProgram {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly extra: Readable;
  readonly exited: Promise<ProgramExit>;
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  #gone = false;

  private constructor(child: ChildProcess) {
    const [, stdout, stderr, extra] = child.stdio as unknown as [null, Readable, Readable, Readable];
    this.#child = child;
    this.stdout = stdout;
    this.stderr = stderr;
    this.extra = extra;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ kind: 'ended', code, signal }));
      child.once('error', (error) => {
        if (child.pid === undefined) resolve({ kind: 'failed', code: systemCode(error) ?? 'unknown' });
      });
    });
    void this.exited.then(() => {
      this.#gone = true;
    });
    for (const stream of [stdout, stderr, extra]) stream.on('error', () => {});
    createInterface({ input: stderr, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      if (chatter.test(line)) return;
      this.#said.push(line.slice(0, KEPT_CHARACTERS));
      if (this.#said.length > KEPT_LINES) this.#said.shift();
    });
  }

  /** Starts `command`, whose standard input is empty. Whether it could be started is told by `exited`. */
  static start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProgram {
    return new ChildProgram(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env }));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last lines that it wrote on stderr. */
  get said(): readonly string[] {
    return this.#said;
  }

  /** Asks it to end, makes it end after `grace`, and resolves when it is gone and its streams are closed. */
  async stop(timer: Timer, grace: Milliseconds): Promise<ProgramExit> {
    if (!this.#gone) {
      this.#child.kill('SIGTERM');
      const over = new AbortController();
      await Promise.race([this.exited, timer.sleep(grace, over.signal)]);
      over.abort();
      if (!this.#gone) this.#child.kill('SIGKILL');
    }
    const exit = await this.exited;
    for (const stream of [this.stdout, this.stderr, this.extra]) stream.destroy();
    return exit;
  }
}
