import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from './bench-report.ts';
import { dataImage } from './disks.ts';
import { Machine, type MachineParts } from './machine.ts';

/** What is shown with several starts of the machine, driven from the host. */
export interface Scenario {
  readonly name: string;
  readonly says: string;
  play(bench: Bench, note: (text: string) => void): Promise<void>;
}

export interface BenchParts extends Pick<MachineParts, 'prepared' | 'packages' | 'tree' | 'sockets'> {
  /** Where data disks, TPM states and the machines' logs lie. */
  readonly work: string;
  /** Of the programs of the host. */
  readonly log: string;
}

/** Where machines are started, each with a data disk and a TPM that a name stands for: the same name, the same ones as before. */
export class Bench {
  readonly #parts: BenchParts;
  readonly #machines: Machine[] = [];
  #started = 0;

  constructor(parts: BenchParts) {
    this.#parts = parts;
  }

  /** Scratch of this run. */
  get folder(): string {
    return this.#parts.work;
  }

  /** Starts the machine with what it is to do. */
  async start(name: string, job: Job, clock: MachineParts['clock'] = 'host'): Promise<Machine> {
    const { work, sockets, log } = this.#parts;
    const home = join(work, name);
    const data = join(home, 'data.ext4');
    mkdirSync(home, { recursive: true });
    if (!existsSync(data)) await dataImage(data, log);
    this.#started += 1;
    const ofMachine = join(sockets, String(this.#started));
    mkdirSync(ofMachine);
    const machine = await Machine.start({
      ...this.#parts,
      data,
      tpm: join(home, 'tpm'),
      sockets: ofMachine,
      log: join(home, 'console.log'),
      job,
      clock,
    });
    this.#machines.push(machine);
    return machine;
  }

  /** No machine outlives what it was started for. */
  async cutAll(): Promise<void> {
    for (const machine of this.#machines.splice(0)) await machine.cut();
  }
}
