import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mosquittoFiles } from '../broker/mosquitto-files.ts';
import { freePort } from './free-port.ts';
import type { Pki } from './make-pki.ts';
import { findProgram, type Program, runProgram } from './run-program.ts';

/** A broker that a test has started. */
export interface StartedBroker {
  readonly url: string;
  readonly port: number;
  /** For measurements and for mishaps that only a process can have. */
  readonly pid: number;
  readonly lines: readonly string[];
  /** Ends it and removes what it kept. */
  stop(): Promise<void>;
  /** SIGKILL; what it kept stays for `restart`. */
  kill(): Promise<void>;
  /** Ends it where it runs and starts it on the same port with what it kept. */
  restart(): Promise<void>;
  /** It reads its list of revoked certificates again. */
  reload(): Promise<void>;
}

export interface MosquittoOptions {
  /** With TLS and the recommended configuration; without it, plain and open to everyone on this machine. */
  readonly pki?: Pick<Pki, 'ca' | 'crl' | 'server'>;
  readonly bridges?: readonly string[];
  /** A free one where absent. */
  readonly port?: number;
  /** Lines to put behind the recommended configuration. */
  readonly extra?: string;
  /** Where its files go, made where it is missing, what it keeps in `data` there; a folder of its own where absent. */
  readonly folder?: string;
}

/** Undefined where the program is not installed. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<StartedBroker | undefined> {
  const program = findProgram('mosquitto');
  if (program === undefined) return undefined;
  const { pki, bridges = ['bridge-1', 'bridge-2'], extra = '' } = options;
  const port = options.port ?? (await freePort());
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'atalaya-mosquitto-')));
  const dataFolder = join(folder, 'data');
  await mkdir(dataFolder, { recursive: true });
  const user = process.getuid?.() === 0 ? { user: 'root' } : {};
  if (pki === undefined) {
    const plain = `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 64\nmax_queued_messages 100000\npersistence true\npersistence_location ${dataFolder}/\nlog_dest stderr\nlog_type all\n`;
    await writeFile(join(folder, 'mosquitto.conf'), `${user.user === undefined ? '' : 'user root\n'}${plain}${extra}`);
  } else {
    const place = {
      folder,
      dataFolder,
      port,
      bind: '127.0.0.1',
      ca: pki.ca,
      ...pki.server,
      crl: pki.crl,
      bridges,
      ...user,
    };
    for (const { file, text } of mosquittoFiles(place))
      await writeFile(join(folder, file), file === 'mosquitto.conf' ? `${text}${extra}\n` : text, { mode: 0o600 });
  }
  const start = async (): Promise<Program> => {
    const started = runProgram(program, ['-c', join(folder, 'mosquitto.conf')]);
    await started.listens(port, 10_000);
    return started;
  };
  let running = await start();
  return {
    url: `${pki === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid;
    },
    get lines() {
      return running.lines;
    },
    stop: async () => {
      await running.end();
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => running.end('SIGKILL'),
    restart: async () => {
      if (!running.ended) await running.end();
      running = await start();
    },
    reload: async () => {
      const from = running.lines.length;
      running.signal('SIGHUP');
      await running.said(/Reloading config/, 5000, from);
    },
  };
}
