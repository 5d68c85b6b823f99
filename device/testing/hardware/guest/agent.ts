import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { explain } from '../../../kernel/errors.ts';
import { type Job, jobName, reportPort, type Told } from '../bench-report.ts';
import { runCases } from './run-cases.ts';

/** What runs in the machine: does what the host asks for and tells it what came of it. */

const tree = join(import.meta.dirname, '../../../..');
await appeared(`/dev/virtio-ports/${reportPort}`);
const port = openSync(`/dev/virtio-ports/${reportPort}`, 'w');
const tell = (told: Told): void => {
  const line = Buffer.from(`${JSON.stringify(told)}\n`);
  for (let at = 0; at < line.byteLength; ) at += writeSync(port, line, at);
};
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
tell({ kind: 'up', boot });

try {
  for (const path of ['/sys/class/net/eth0', '/dev/video0', '/dev/watchdog', '/dev/tpmrm0']) await appeared(path);
  bringUpNetwork();
  const job = JSON.parse(readFileSync(`/sys/firmware/qemu_fw_cfg/by_name/${jobName}/raw`, 'utf8')) as Job;
  const { status, errors } = await work(job);
  execFileSync('sync');
  tell({ kind: 'done', status, errors });
} catch (error) {
  tell({ kind: 'done', status: 1, errors: explain(error) });
}
closeSync(port);

async function work(job: Job): Promise<{ status: number; errors: string }> {
  switch (job.kind) {
    case 'cases':
      await runCases({ ...job, tree }, tell);
      return { status: 0, errors: '' };
    case 'program':
      return runProgram(job.path, job.args);
  }
}

async function runProgram(path: string, args: readonly string[]): Promise<{ status: number; errors: string }> {
  const child = spawn(process.execPath, [join(tree, path), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: '/data/compiled' },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (text) => tell({ kind: 'line', text }));
  const [status] = await once(child, 'close');
  return { status: status ?? 1, errors };
}

/** Waits until udev has made a device, 30 s at most: what needs it says that it is missing. */
async function appeared(path: string): Promise<void> {
  for (let tries = 0; tries < 300 && !existsSync(path); tries += 1) await wait(100);
}

/** The addresses of QEMU's user network: the host is 10.0.2.2. */
function bringUpNetwork(): void {
  for (const args of [
    ['link', 'set', 'lo', 'up'],
    ['link', 'set', 'eth0', 'up'],
    ['addr', 'replace', '10.0.2.15/24', 'dev', 'eth0'],
    ['route', 'replace', 'default', 'via', '10.0.2.2'],
  ]) {
    execFileSync('ip', args);
  }
}
