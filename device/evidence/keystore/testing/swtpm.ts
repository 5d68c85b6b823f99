import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A software TPM 2.0 of its own, empty at the start. */
export interface Swtpm {
  readonly tcti: string;
  /** Holds the TPM still, as a hung one, until `resume`. */
  pause(): void;
  resume(): void;
  /** One of tpm2-tools on this TPM; what it printed. */
  tool(program: string, ...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Which of the programs that these tests want are missing. */
export async function missingPrograms(): Promise<readonly string[]> {
  const wanted = ['swtpm', 'tpm2_sign'];
  const there = await Promise.all(
    wanted.map((program) =>
      promisify(execFile)(program, ['--version'], { timeout: 20_000 }).then(
        () => true,
        () => false,
      ),
    ),
  );
  return wanted.filter((_, i) => there[i] !== true);
}

/** Starts one on two free ports of this machine. */
export async function startSwtpm(): Promise<Swtpm> {
  for (let attempt = 0; ; attempt += 1) {
    const port = await freePair();
    const folder = await mkdtemp(join(tmpdir(), 'atalaya-swtpm-'));
    const child = spawn(
      'swtpm',
      [
        ...['socket', '--tpm2', '--tpmstate', `dir=${folder}`, '--flags', 'not-need-init,startup-clear'],
        ...['--server', `type=tcp,port=${port},bindaddr=127.0.0.1`],
        ...['--ctrl', `type=tcp,port=${port + 1},bindaddr=127.0.0.1`],
      ],
      { stdio: 'ignore' },
    );
    const stop = async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    };
    if (await answers(child, port + 1)) return running(child, port, stop);
    await stop();
    // Somebody may have taken a port in between.
    if (attempt === 4) throw new Error('swtpm does not start');
  }
}

function running(child: ChildProcess, port: number, stop: () => Promise<void>): Swtpm {
  const tcti = `swtpm:host=127.0.0.1,port=${port}`;
  return {
    tcti,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    tool: async (program, ...args) => {
      const { stdout } = await promisify(execFile)(program, [`--tcti=${tcti}`, ...args], { timeout: 20_000 });
      return stdout;
    },
    stop,
  };
}

/** A port that is free with its successor: where the commands go, and where the control channel is looked for. */
async function freePair(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = await bindable(0);
    if (port === undefined || port > 65_000) continue;
    if ((await bindable(port + 1)) !== undefined) return port;
  }
  throw new Error('no two free ports beside each other');
}

/** The port, any for 0, where it can be taken. */
async function bindable(port: number): Promise<number | undefined> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address === null || typeof address === 'string' ? undefined : address.port;
}

async function answers(child: ChildProcess, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) return false;
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
  return false;
}
