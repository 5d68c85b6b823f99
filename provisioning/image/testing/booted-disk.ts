import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Milliseconds, milliseconds } from '../../../device/kernel/units.ts';
import { findProgram, runProgram } from '../run-program.ts';
import { askEmulator } from './ask-emulator.ts';

export interface BootOptions {
  /** What `make image BOARD=qemu-x86` wrote; it stays as it is. */
  readonly image: string;
  /** Folder for the disk and the console's text. */
  readonly work: string;
  /** Bytes of the disk that the image is put on: larger than the image, as a card is. */
  readonly disk: number;
  /** Serial of the machine, as a PC has it. */
  readonly serial: string;
  /** Processors; 2 where absent. */
  readonly cores?: number;
  /** MiB of memory; 1024 where absent. */
  readonly memory?: number;
  /** Ports of this machine's loopback, and the machine's that they lead to. */
  readonly forward?: readonly (readonly [here: number, there: number])[];
  /** It has a USB socket: `plug` and `pull`. */
  readonly usb?: boolean;
}

/** Address under which an emulated machine reaches this one's loopback. */
export const hostSeenFromMachine = '10.0.2.2';

/** What is missing here to start an image; undefined where nothing is. */
export function whyNoBoot(): string | undefined {
  const missing = ['qemu-system-x86_64', 'debugfs', 'e2fsck', 'journalctl', 'tar'].filter(
    (name) => findProgram(name) === undefined,
  );
  return missing.length === 0 ? undefined : `${missing.join(', ')} missing`;
}

/** A PC that starts from a disk and from nothing else: no kernel is handed to it. */
export class BootedDisk {
  readonly disk: string;
  readonly console: string;
  readonly #options: BootOptions;
  readonly #log: string;
  #qemu: ChildProcess | undefined;

  constructor(options: BootOptions) {
    this.#options = options;
    this.disk = join(options.work, 'disk.img');
    this.console = join(options.work, 'console.log');
    this.#log = join(options.work, 'programs.log');
  }

  /** Puts the image on a disk of that size, as flashing does. */
  async put(): Promise<void> {
    const { image, disk } = this.#options;
    await runProgram('cp', ['--sparse=always', image, this.blank()], {
      deadline: milliseconds(120_000),
      log: this.#log,
    });
    truncateSync(this.disk, disk);
  }

  /** An empty disk of that size, and a console that has said nothing. Gives its path. */
  blank(): string {
    rmSync(this.console, { force: true });
    rmSync(this.disk, { force: true });
    writeFileSync(this.disk, '');
    truncateSync(this.disk, this.#options.disk);
    return this.disk;
  }

  /** Switches it on; `text` is what its screen has to say within `deadline`. Gives the milliseconds until then. Throws with its last lines. */
  async start(text: RegExp, deadline: Milliseconds): Promise<number> {
    const begun = performance.now();
    const from = existsSync(this.console) ? readFileSync(this.console).byteLength : 0;
    this.switchOn();
    for (;;) {
      const said = existsSync(this.console) ? readFileSync(this.console).subarray(from).toString() : '';
      const passed = performance.now() - begun;
      if (text.test(said)) return passed;
      if (passed > deadline || this.#qemu?.exitCode !== null) {
        await this.cut();
        const last = said.replaceAll('\u001b', '').trimEnd().split('\n').slice(-12).join('\n    ');
        throw new Error(`no ${String(text)} within ${deadline / 1000} s; its screen says:\n    ${last}`);
      }
      await wait(200);
    }
  }

  /** Switches it on, and waits for nothing. */
  switchOn(): void {
    const errors = openSync(this.#log, 'a');
    const { serial, cores = 2, memory = 1024, forward = [], usb = false } = this.#options;
    const ports = forward.map(([here, there]) => `,hostfwd=tcp:127.0.0.1:${here}-:${there}`).join('');
    const machine = [
      // V8 switches protection keys (pku) around whatever it compiles; emulated, each switch empties the table of translated addresses.
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max,pku=off', '-smp', String(cores), '-m', String(memory)],
      ...['-display', 'none', '-monitor', 'none'],
    ];
    const devices = [
      // The end of the emulator loses nothing that the machine has given to its disk, with any cache; so it need not wait for this machine's own.
      ...['-drive', `file=${this.disk},if=virtio,format=raw,cache=unsafe`, '-boot', 'c'],
      ...['-nic', `user,model=virtio-net-pci${ports}`],
      ...['-device', 'virtio-rng-pci', '-device', 'i6300esb', '-smbios', `type=1,serial=${serial}`],
      ...['-chardev', `file,id=serial,path=${this.console},append=on`, '-serial', 'chardev:serial'],
      ...(usb ? ['-device', 'qemu-xhci,id=usb', '-qmp', `unix:${this.#socket},server=on,wait=off`] : []),
    ];
    this.#qemu = spawn('qemu-system-x86_64', [...machine, ...devices], { stdio: ['ignore', errors, errors] });
    closeSync(errors);
    const kill = (): void => void this.#qemu?.kill('SIGKILL');
    process.once('exit', kill);
    this.#qemu.once('close', () => process.removeListener('exit', kill));
  }

  get #socket(): string {
    return join(this.#options.work, 'qmp');
  }

  /** Puts a stick in: a file with the bytes of a disk, to which nothing is written. */
  async plug(file: string): Promise<void> {
    const medium = { driver: 'raw', 'node-name': 'stick', 'read-only': true, file: { driver: 'file', filename: file } };
    await askEmulator(this.#socket, 'blockdev-add', medium);
    await askEmulator(this.#socket, 'device_add', { driver: 'usb-storage', id: 'stick', bus: 'usb.0', drive: 'stick' });
  }

  /** Pulls the stick out, without a word to the machine before. */
  async pull(): Promise<void> {
    await askEmulator(this.#socket, 'device_del', { id: 'stick' });
    for (let tries = 0; ; tries += 1) {
      await wait(200);
      try {
        return await askEmulator(this.#socket, 'blockdev-del', { 'node-name': 'stick' });
      } catch (error) {
        if (tries > 20) throw error;
      }
    }
  }

  /** Cuts the power. */
  async cut(): Promise<void> {
    const qemu = this.#qemu;
    this.#qemu = undefined;
    if (qemu === undefined || qemu.exitCode !== null || qemu.signalCode !== null) return;
    qemu.kill('SIGKILL');
    await once(qemu, 'close');
  }

  /** What its screen has said since it was put together. */
  get said(): string {
    return readFileSync(this.console, 'utf8');
  }

  /** Sector and length of a partition, in sectors, from the table on the disk. */
  partition(number: number): { readonly start: number; readonly length: number } {
    const record = Buffer.alloc(512);
    const file = openSync(this.disk, 'r');
    readSync(file, record, 0, record.byteLength, 0);
    closeSync(file);
    const at = 446 + (number - 1) * 16;
    return { start: record.readUInt32LE(at + 8), length: record.readUInt32LE(at + 12) };
  }

  /** The data partition as a file system of its own, made whole as the next start would make it. */
  async data(): Promise<DataPartition> {
    const { start, length } = this.partition(3);
    const file = join(this.#options.work, 'data.img');
    const run = { deadline: milliseconds(180_000), log: this.#log };
    const cut = [`if=${this.disk}`, `of=${file}`, 'bs=1M', 'iflag=skip_bytes,count_bytes', 'conv=sparse'];
    rmSync(file, { force: true });
    await runProgram('dd', [...cut, `skip=${start * 512}`, `count=${length * 512}`, 'status=none'], run);
    await runProgram('sh', ['-c', 'e2fsck -fp "$1"; [ $? -lt 4 ]', 'sh', file], run);
    return new DataPartition(file, this.#log, this.#options.work);
  }
}

export class DataPartition {
  readonly #file: string;
  readonly #log: string;
  readonly #work: string;

  constructor(file: string, log: string, work: string) {
    this.#file = file;
    this.#log = log;
    this.#work = work;
  }

  /** What debugfs(8) says to a request. */
  ask(request: string): Promise<string> {
    return runProgram('debugfs', ['-R', request, this.#file], { deadline: milliseconds(60_000), log: this.#log });
  }

  /** Copies a folder out of it into a new one, for the account that runs this, and gives its path. */
  async copy(from: string, into: string): Promise<string> {
    rmSync(into, { recursive: true, force: true });
    mkdirSync(into, { recursive: true });
    await this.ask(`rdump ${from} ${into}`);
    const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
    await runProgram('chown', ['-R', '-h', owner, into], { deadline: milliseconds(60_000), log: this.#log });
    return join(into, basename(from));
  }

  /** Lines of the journal. */
  async journal(): Promise<string> {
    const folder = await this.copy('/log/journal', join(this.#work, 'journal'));
    const machine = (await this.ask('cat /system/machine-id')).trim();
    return runProgram('journalctl', ['--no-pager', '-o', 'short-monotonic', '-D', join(folder, machine)], {
      deadline: milliseconds(60_000),
      log: this.#log,
    });
  }
}
