import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { source } from '../../../device/testing/call-program.ts';

const launcher = join(source, 'ota/launcher/atalaya-launcher');

export interface LaunchedUnitOptions {
  /** Of the slots. */
  readonly root: string;
  /** Of the program that the image brought. */
  readonly image: string;
  readonly config: string;
  readonly log: string;
}

/**
 * What a service manager does for a unit: starts it by the launcher, starts it again a second after it has ended, and calls whoever guards a trial
 * once a minute.
 */
export class LaunchedUnit {
  readonly #options: LaunchedUnitOptions;
  #child: ChildProcess | undefined;
  #gone: Promise<unknown> = Promise.resolve();
  #guard: NodeJS.Timeout | undefined;
  #stopping = false;
  /** Starts by the manager; a program that gives way to another one is not started by it. */
  starts = 0;

  constructor(options: LaunchedUnitOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await mkdir(this.#options.root, { recursive: true });
    this.#gone = this.#run();
    this.#guard = setInterval(() => this.#look(), 60_000);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#guard);
    this.#child?.kill('SIGTERM');
    await this.#gone;
  }

  async #run(): Promise<void> {
    const { root, image, config, log } = this.#options;
    const out = createWriteStream(log, { flags: 'a' });
    while (!this.#stopping) {
      this.starts += 1;
      const args = ['--root', root, '--image', image, 'run', '--', 'run', '--config', config];
      const child = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      this.#child = child;
      child.stdout.pipe(out, { end: false });
      child.stderr.pipe(out, { end: false });
      const code = await new Promise((resolve) => child.once('close', (status, signal) => resolve(signal ?? status)));
      out.write(`-- ended with ${String(code)}\n`);
      if (!this.#stopping) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    out.end();
  }

  #look(): void {
    const { root, image } = this.#options;
    const guard = spawn(launcher, ['--root', root, '--image', image, 'guard'], { stdio: 'ignore' });
    guard.once('exit', (code) => {
      if (code === 0) this.#child?.kill('SIGTERM');
    });
  }
}
