import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Milliseconds } from '../../kernel/units.ts';
import { type Job, jobName, readTold, reportPort, type Told } from './bench-report.ts';
import type { Prepared } from './prepare.ts';

/** What one start of the machine has. */
export interface MachineParts {
  readonly prepared: Prepared;
  readonly packages: string;
  readonly tree: string;
  /** Image of the data disk: the only thing that outlives the machine, the TPM's state apart. */
  readonly data: string;
  /** Folder of the TPM's state. */
  readonly tpm: string;
  /** Short folder for sockets. */
  readonly sockets: string;
  /** Everything that the machine writes on its serial line, appended. */
  readonly log: string;
  readonly job: Job;
  /**
   * `host`: time goes on as it does here, and both processors run at once. `instructions`: each instruction takes 1 ns of the machine's time, its processors take turns, and
   * waiting takes none of ours; the figures that it gives are the same on a busy host.
   */
  readonly clock: 'host' | 'instructions';
}

/** The machine said nothing of what was waited for in time, or ended. Its log is named. */
export class MachineSilent extends Error {
  override readonly name = 'MachineSilent';
}

/**
 * One running machine: a PC of QEMU with a virtio disk, a watchdog, a TPM and a network that reaches the host alone. It is killed by
 * whoever started it, or with this process.
 */
export class Machine {
  readonly #qemu: ChildProcess;
  readonly #tpm: ChildProcess;
  readonly #log: string;
  readonly #told: Told[] = [];
  #heard: (() => void) | undefined;
  #ended = false;
  #rest = '';
  readonly #end = (): void => {
    this.#killNow();
    // It ends with its machine only where the two had found each other.
    this.#tpm.kill('SIGKILL');
  };

  constructor(qemu: ChildProcess, tpm: ChildProcess, log: string) {
    this.#qemu = qemu;
    this.#tpm = tpm;
    this.#log = log;
  }

  static async start(parts: MachineParts): Promise<Machine> {
    const { sockets, log, job } = parts;
    mkdirSync(parts.tpm, { recursive: true });
    const jobFile = join(sockets, 'job.json');
    writeFileSync(jobFile, JSON.stringify(job));
    const errors = openSync(log, 'a');
    try {
      const socket = join(sockets, 'tpm');
      const control = ['--tpmstate', `dir=${parts.tpm}`, '--ctrl', `type=unixio,path=${socket}`];
      const tpm = spawn('swtpm', ['socket', '--tpm2', ...control, '--terminate'], {
        stdio: ['ignore', errors, errors],
      });
      for (let tries = 0; !existsSync(socket); tries += 1) {
        if (tries === 100 || tpm.exitCode !== null) throw new MachineSilent(`swtpm did not start (${log})`);
        await wait(50);
      }
      const qemu = spawn('qemu-system-x86_64', qemuArguments(parts, socket, jobFile), {
        // The way in stays open: where it ends, QEMU takes the machine's report for one that nobody reads.
        stdio: ['pipe', 'pipe', errors],
      });
      const machine = new Machine(qemu, tpm, log);
      machine.#listen();
      return machine;
    } finally {
      closeSync(errors);
    }
  }

  #listen(): void {
    process.once('exit', this.#end);
    this.#qemu.stdin?.on('error', () => undefined);
    this.#qemu.stdout?.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString()).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        appendFileSync(this.#log, `[report] ${line}\n`);
        const told = readTold(line);
        if (told !== undefined) this.#told.push(told);
      }
      this.#heard?.();
    });
    this.#qemu.once('close', () => {
      this.#ended = true;
      process.removeListener('exit', this.#end);
      this.#heard?.();
    });
  }

  /**
   * The next thing that the machine tells. Throws `MachineSilent` after `deadline`, or when the machine has ended, with the last lines of
   * its log.
   */
  async next(deadline: Milliseconds, what: string): Promise<Told> {
    const until = performance.now() + deadline;
    for (;;) {
      const told = this.#told.shift();
      if (told !== undefined) return told;
      const left = until - performance.now();
      if (this.#ended) throw new MachineSilent(`the machine ended before ${what}; ${this.#lastWords()}`);
      if (left <= 0) {
        throw new MachineSilent(`no ${what} within ${Math.round(deadline / 1000)} s; ${this.#lastWords()}`);
      }
      const done = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#heard = resolve;
        }),
        wait(left, undefined, { signal: done.signal }).catch(() => undefined),
      ]);
      done.abort();
    }
  }

  /** Reads on until something of this kind comes. */
  async until<Kind extends Told['kind']>(kind: Kind, deadline: Milliseconds): Promise<Extract<Told, { kind: Kind }>> {
    for (;;) {
      const told = await this.next(deadline, kind);
      if (told.kind === kind) return told as Extract<Told, { kind: Kind }>;
    }
  }

  /** Everything that was told and not yet read. */
  drain(): readonly Told[] {
    return this.#told.splice(0);
  }

  /** Cuts the power: the machine has no instant more. What it had told by then can still be read. */
  async cut(): Promise<void> {
    if (!this.#ended) {
      this.#killNow();
      await once(this.#qemu, 'close');
    }
    if (this.#tpm.exitCode === null && this.#tpm.signalCode === null) {
      this.#tpm.kill('SIGTERM');
      await once(this.#tpm, 'close');
    }
  }

  #killNow(): void {
    this.#qemu.kill('SIGKILL');
  }

  #lastWords(): string {
    const lines = readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-4);
    return `its last lines, of ${this.#log}:\n    ${lines.join('\n    ')}`;
  }
}

function qemuArguments(parts: MachineParts, tpmSocket: string, jobFile: string): readonly string[] {
  const { prepared, packages, tree, data, log, clock } = parts;
  const disk = (file: string, more: string): string[] => ['-drive', `file=${file},if=virtio,format=raw,${more}`];
  const kernelArguments = [
    ...['console=ttyS0', 'quiet', 'panic=-1', 'net.ifnames=0', 'systemd.show_status=false', 'loglevel=4'],
    // Time that a virtual processor loses to the host's other work is not a stall of the machine.
    ...['nowatchdog', 'mitigations=off', 'random.trust_cpu=on', 'tsc=unstable'],
  ].join(' ');
  return [
    ...(clock === 'host'
      ? ['-accel', 'tcg,thread=multi']
      : ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off']),
    ...['-cpu', 'max,pku=off', '-smp', '2', '-m', '1024'],
    ...['-display', 'none', '-monitor', 'none', '-no-user-config', '-nodefaults', '-vga', 'none'],
    ...['-kernel', prepared.kernel, '-initrd', prepared.initial, '-append', kernelArguments],
    ...disk(prepared.root, 'snapshot=on,cache=unsafe'),
    ...disk(packages, 'readonly=on'),
    ...disk(tree, 'readonly=on'),
    ...disk(data, 'cache=none'),
    ...['-chardev', `file,id=serial,path=${log},append=on`, '-serial', 'chardev:serial'],
    ...['-chardev', 'stdio,id=report,signal=off', '-device', 'virtio-serial-pci'],
    ...['-device', `virtserialport,chardev=report,name=${reportPort}`],
    ...['-chardev', `socket,id=tpm,path=${tpmSocket}`, '-tpmdev', 'emulator,id=tpm0,chardev=tpm'],
    ...['-device', 'tpm-tis,tpmdev=tpm0'],
    ...['-device', 'i6300esb', '-action', 'watchdog=reset'],
    ...['-nic', 'user,model=virtio-net-pci,restrict=off', '-device', 'virtio-rng-pci'],
    ...['-fw_cfg', `name=${jobName},file=${jobFile}`],
  ];
}
