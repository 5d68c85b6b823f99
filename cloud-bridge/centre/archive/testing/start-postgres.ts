import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, type ClientConfig } from 'pg';

const run = promisify(execFile);
const installed = '/usr/lib/postgresql';

/** A PostgreSQL server of the test's own, on a socket in a folder of its own. */
export interface TestPostgres {
  /** Makes an empty database. */
  database(name: string): Promise<ClientConfig>;
  /** As a power cut would: nobody is asked. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Undefined where no PostgreSQL is installed. It runs as an unprivileged user, as it insists. */
export async function startPostgres(): Promise<TestPostgres | undefined> {
  const versions = await readdir(installed).catch(() => []);
  const version = versions.map(Number).sort((a, b) => b - a)[0];
  if (version === undefined) return undefined;
  const programs = join(installed, String(version), 'bin');
  const user = process.getuid?.() === 0 ? await idOf('postgres') : undefined;
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-postgres-'));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const { PATH } = process.env;
  const options = { ...user, cwd: folder, env: { PATH, LC_ALL: 'C.UTF-8' } };
  const server = { host: folder, port: 5432, user: 'atalaya' };
  await run(
    join(programs, 'initdb'),
    ['--pgdata', data, '--username', server.user, '--auth', 'trust', '--encoding', 'UTF8', '--no-sync'],
    options,
  );
  let child: ChildProcess | undefined;
  const start = async () => {
    const settings = [
      'listen_addresses=',
      `unix_socket_directories=${folder}`,
      'max_connections=60',
      'shared_buffers=32MB',
      // After a kill it brings each file of every database to the disk by itself otherwise: thousands, which took more than 15 s on a busy machine.
      'recovery_init_sync_method=syncfs',
    ];
    const flags = settings.flatMap((setting) => ['-c', setting]);
    child = spawn(join(programs, 'postgres'), ['-D', data, ...flags], { ...options, stdio: 'ignore' });
    for (let tries = 0; ; tries += 1) {
      const client = new Client({ ...server, database: 'postgres' });
      try {
        await client.connect();
        return;
      } catch (error) {
        if (tries > 600 || child.exitCode !== null) throw error;
        await wait(100);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null) return;
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    await ended;
  };
  await start();
  return {
    database: async (name) => {
      const client = new Client({ ...server, database: 'postgres' });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return { ...server, database: name };
    },
    // The immediate shutdown: every process of the server ends at once, and the next start recovers from the log.
    kill: () => end('SIGQUIT'),
    start,
    stop: async () => {
      await end('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function idOf(user: string): Promise<{ uid: number; gid: number }> {
  const number = async (flag: string) => Number((await run('id', [flag, user])).stdout);
  return { uid: await number('-u'), gid: await number('-g') };
}
