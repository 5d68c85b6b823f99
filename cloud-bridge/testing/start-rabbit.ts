import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rabbitFiles } from '../broker/rabbit-files.ts';
import { freePort } from './free-port.ts';
import type { Pki } from './make-pki.ts';
import { findProgram, type Program, runProgram } from './run-program.ts';
import type { StartedBroker } from './start-mosquitto.ts';

export interface RabbitOptions {
  readonly pki: Pki;
  readonly units: readonly string[];
  readonly bridges: readonly string[];
}

const startTime = 90_000;

export interface StartedRabbit extends StartedBroker {
  /** Runs `rabbitmqctl` on the node; gives what it printed. It takes some seconds. */
  control(args: readonly string[]): Promise<string>;
}

/**
 * A RabbitMQ node of its own with the recommended configuration of its MQTT plugin: own home, own data, own port mapper. It takes about
 * ten seconds to start. Undefined where RabbitMQ, Erlang's port mapper or openssl is not installed.
 */
export async function startRabbit({ pki, units, bridges }: RabbitOptions): Promise<StartedRabbit | undefined> {
  // The package's own wrapper changes the user; the program behind it does not.
  const server = ['/usr/lib/rabbitmq/bin/rabbitmq-server'].find((path) => findProgram('rabbitmq-server') && path);
  const mapper = findProgram('epmd');
  const openssl = findProgram('openssl');
  if (server === undefined || mapper === undefined || openssl === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-rabbit-'));
  const crlFolder = join(folder, 'crls');
  for (const name of ['home', 'data', 'log', 'crls']) await mkdir(join(folder, name));
  const [port, mapperPort, nodePort] = [await freePort(), await freePort(), await freePort()];
  const place = { folder, port, bind: '127.0.0.1', ca: pki.ca, ...pki.server, crlFolder, units, bridges };
  for (const { file, text } of rabbitFiles(place)) await writeFile(join(folder, file), text);
  const placeCrl = async () => {
    const { stdout } = await promisify(execFile)(openssl, ['crl', '-hash', '-noout', '-in', pki.crl]);
    const target = join(crlFolder, `${stdout.trim()}.r0`);
    await copyFile(pki.crl, `${target}.part`);
    await rename(`${target}.part`, target);
  };
  await placeCrl();
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
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
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
    url: `mqtts://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid;
    },
    get lines() {
      return running.lines;
    },
    stop: async () => {
      await running.end('SIGKILL');
      await names.end();
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => running.end('SIGKILL'),
    restart: async () => {
      if (!running.ended) await running.end('SIGTERM', 30_000);
      running = await start();
    },
    reload: placeCrl,
    control: async (args) => {
      const { stdout } = await promisify(execFile)('/usr/lib/rabbitmq/bin/rabbitmqctl', args, { env, cwd: folder });
      return stdout;
    },
  };
}
