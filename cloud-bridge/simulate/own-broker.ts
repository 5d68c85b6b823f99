import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { mosquittoFiles } from '../broker/mosquitto-files.ts';
import type { DemoAuthority } from './pki/pki.ts';

/** A Mosquitto of one's own on this machine, with the configuration that is recommended. */
export interface OwnBroker {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** SIGTERM, and SIGKILL where that does not help. */
  stop(): Promise<void>;
}

export interface OwnBrokerOptions {
  /** Of its files; what it kept in an earlier run is there again. */
  readonly folder: string;
  readonly authority: DemoAuthority;
  readonly bridges: readonly string[];
  /** Lines behind the recommended configuration, such as another bound. */
  readonly extra?: string;
}

const startDeadline = 15_000;
const lastLines = 20;

/** Throws `program-missing` where Mosquitto is not installed, `internal` with its last lines where it does not start. */
export async function startOwnBroker(options: OwnBrokerOptions): Promise<OwnBroker> {
  const { folder, authority, bridges, extra = '' } = options;
  const program = findMosquitto();
  const dataFolder = join(folder, 'data');
  await makeFolders(systemFiles, dataFolder);
  const at = (name: string) => join(folder, name);
  const server = await authority.issue('broker', { server: ['127.0.0.1', 'localhost'] });
  const port = await freePort();
  const place = {
    ...{ folder, dataFolder, port, bind: '127.0.0.1', bridges },
    ...{ ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key'), crl: at('crl.pem') },
    ...(process.getuid?.() === 0 ? { user: 'root' } : {}),
  };
  const written: readonly (readonly [string, string])[] = [
    ['ca.pem', authority.certPem],
    ['server.pem', server.certPem],
    ['server.key', server.keyPem],
    ['crl.pem', await authority.crlPem(30)],
    ...mosquittoFiles(place).map(({ file, text }) => [file, file === 'mosquitto.conf' ? text + extra : text] as const),
  ];
  for (const [name, text] of written) await writeFile(at(name), text, { mode: 0o600 });
  const child = spawn(program, ['-c', at('mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.split('\n').filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - lastLines));
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.removeListener('exit', kill));
  await listens(child, port, lines);
  return {
    url: `mqtts://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(kill, 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** On the path, and in the folders of daemons, which are on few people's. */
function findMosquitto(): string {
  const { PATH = '' } = process.env;
  const folders = [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, 'mosquitto')).find(isExecutable);
  if (found !== undefined) return found;
  throw new AtalayaError('program-missing', 'the broker Mosquitto is not installed', {
    hint: 'Install it (Debian: apt-get install mosquitto), or name a broker that runs with --broker.',
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function listens(child: ChildProcess, port: number, lines: readonly string[]): Promise<void> {
  const until = performance.now() + startDeadline;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new AtalayaError('internal', `Mosquitto takes no connections on port ${port}: ${lines.join('; ')}`);
    }
    await systemTimer.sleep(milliseconds(20));
  }
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

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new AtalayaError('internal', 'no port was given'));
        else resolve(address.port);
      });
    });
  });
}
