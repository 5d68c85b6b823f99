import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../testing/free-port.ts';
import { findProgram, type Program, runProgram } from '../../../testing/run-program.ts';

/** A RabbitMQ node of the test's own, for queues: plain AMQP on this machine alone, user `guest`. */
export interface TestAmqp {
  readonly url: string;
  readonly port: number;
  /** As a power cut would. */
  kill(): Promise<void>;
  /** On the same data; the node is ended first where it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const startTime = 90_000;

/** It takes about ten seconds. Undefined where RabbitMQ or Erlang's port mapper is not installed. */
export async function startAmqp(): Promise<TestAmqp | undefined> {
  // The package's own wrapper changes the user; the program behind it does not.
  const server = findProgram('rabbitmq-server') === undefined ? undefined : '/usr/lib/rabbitmq/bin/rabbitmq-server';
  const mapper = findProgram('epmd');
  if (server === undefined || mapper === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-amqp-'));
  for (const name of ['home', 'data', 'log']) await mkdir(join(folder, name));
  const [port, mapperPort, nodePort] = [await freePort(), await freePort(), await freePort()];
  await writeFile(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.default = 127.0.0.1:${port}\nlog.console.level = info\n`,
  );
  await writeFile(join(folder, 'enabled_plugins'), '[].\n');
  const { PATH = '' } = process.env;
  const env: NodeJS.ProcessEnv = {
    PATH: `${PATH}:/usr/bin:/bin`,
    HOME: join(folder, 'home'),
    // The program becomes the node itself, so that a signal reaches it.
    RUNNING_UNDER_SYSTEMD: '1',
    RABBITMQ_NODENAME: `atalaya-${randomBytes(6).toString('hex')}@localhost`,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    // Fewer threads: it shares the machine with the tests.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2',
  };
  const names = runProgram(mapper, ['-port', String(mapperPort), '-address', '127.0.0.1'], { env });
  await names.listens(mapperPort, 10_000);
  const start = async (): Promise<Program> => {
    const started = runProgram(server, [], { env, cwd: folder });
    await started.said(/Server startup complete/, startTime);
    return started;
  };
  let running = await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    kill: () => running.end('SIGKILL'),
    restart: async () => {
      if (!running.ended) await running.end('SIGTERM', 30_000);
      running = await start();
    },
    stop: async () => {
      await running.end('SIGKILL');
      await names.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
