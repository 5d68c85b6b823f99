import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';

const mostLines = 2000;

/** A program that a test has started, and what it says. */
export interface Program {
  readonly pid: number;
  /** What it wrote on both outputs: the last lines. */
  readonly lines: readonly string[];
  readonly ended: boolean;
  /** Resolves when a line from the `from`th on matches; rejects with the last lines when the program ends before or the time is over. */
  said(what: RegExp, time: number, from?: number): Promise<string>;
  /** Resolves when it takes connections on a port of this machine. */
  listens(port: number, time: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Sends the signal, and SIGKILL after `grace` ms; resolves when it has ended. */
  end(name?: NodeJS.Signals, grace?: number): Promise<void>;
}

/** Where a program lies: as the shell would find it, and in the folders of daemons, which are not on everyone's path. */
export function findProgram(name: string): string | undefined {
  const { PATH = '' } = process.env;
  const folders = [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/lib/rabbitmq/bin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** Starts a program; it does not outlive this process. */
export function runProgram(path: string, args: readonly string[], options: RunOptions = {}): Program {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const lines: string[] = [];
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of [...waiters]) waiter();
  };
  let dropped = 0;
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      if (lines.length > mostLines) dropped += lines.splice(0, lines.length - mostLines).length;
      wake();
    });
  }
  let ended = false;
  // Later than ended: what a program said last comes after its exit.
  let silent = false;
  const silence = () => {
    silent = true;
    wake();
  };
  const gone = new Promise<void>((resolve) => {
    const over = () => {
      ended = true;
      resolve();
    };
    child.once('exit', over);
    child.once('close', silence);
    child.once('error', (error) => {
      lines.push(String(error));
      over();
      silence();
    });
  });
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  void gone.then(() => process.removeListener('exit', onExit));
  return {
    pid: child.pid ?? -1,
    lines,
    get ended() {
      return ended;
    },
    said: (what, time, from = 0) =>
      new Promise((resolve, reject) => {
        const finish = (act: () => void) => {
          clearTimeout(timer);
          waiters.delete(look);
          act();
        };
        const fail = (why: string) =>
          finish(() => reject(new Error(`${path} ${why} before it said ${what}:\n${lines.slice(-30).join('\n')}`)));
        const look = () => {
          const found = lines.slice(Math.max(0, from - dropped)).find((line) => what.test(line));
          if (found !== undefined) finish(() => resolve(found));
          else if (silent) fail('ended');
        };
        const timer = setTimeout(() => fail(`took ${time} ms`), time);
        waiters.add(look);
        look();
      }),
    listens: async (port, time) => {
      const until = performance.now() + time;
      while (!(await accepts(port))) {
        if (ended || performance.now() > until)
          throw new Error(`${path} takes no connection on ${port}:\n${lines.slice(-30).join('\n')}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    signal: (name) => void child.kill(name),
    end: (name = 'SIGTERM', grace = 5000) => endChild(child, gone, name, grace),
  };
}

async function endChild(child: ChildProcess, gone: Promise<void>, name: NodeJS.Signals, grace: number): Promise<void> {
  child.kill(name);
  const timer = setTimeout(() => child.kill('SIGKILL'), grace);
  await gone;
  clearTimeout(timer);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
