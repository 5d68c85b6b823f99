import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram } from './host-tools.ts';

/** A Mosquitto on the host that the machine reaches, and nobody outside of the host. */
export interface HostBroker {
  /** As the machine names it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Undefined where the host has no Mosquitto. Throws where it does not come up within 10 s. */
export async function startBroker(folder: string): Promise<HostBroker | undefined> {
  const program = findProgram('mosquitto');
  if (program === undefined) return undefined;
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const configuration = join(folder, 'mosquitto.conf');
  writeFileSync(configuration, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  const broker = spawn(program, ['-c', configuration], { stdio: 'ignore' });
  const end = (): void => {
    broker.kill('SIGTERM');
  };
  process.once('exit', end);
  broker.once('close', () => process.removeListener('exit', end));
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries === 100 || broker.exitCode !== null) throw new Error('Mosquitto did not start on the host');
    await wait(100);
  }
  return { url: `mqtt://10.0.2.2:${port}`, stop: () => ended(broker) };
}

async function ended(broker: ChildProcess): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  broker.kill('SIGTERM');
  await once(broker, 'close');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the host has no free port');
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
