import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const mostLines = 60;

/** A process that is ours to kill. It does not outlive this one, unless this one is killed too. */
export class Child {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #ending: Ending | undefined;

  constructor(command: readonly string[], onLine: (line: string) => void) {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    // One that is being killed need not read what it was told.
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', onLine);
    createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    this.ended = new Promise((resolve) => {
      const over = (ending: Ending) => {
        this.#ending ??= ending;
        resolve(this.#ending);
      };
      child.once('error', (error) => {
        this.#keep(String(error));
        over({ code: null, signal: null });
      });
      child.once('exit', (code, signal) => over({ code, signal }));
    });
    const onExit = () => child.kill('SIGKILL');
    process.once('exit', onExit);
    void this.ended.then(() => process.removeListener('exit', onExit));
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** What it wrote to standard error last. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Also of one that is stopped. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Tells it to end, and kills it after `patienceMs`. */
  async end(patienceMs: number): Promise<Ending> {
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    const ending = await this.ended;
    clearTimeout(timer);
    return ending;
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > mostLines) this.#lines.shift();
  }
}
