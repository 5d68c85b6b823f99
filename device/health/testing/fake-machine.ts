import type { Machine, MachineFigures } from '../machine-figures.ts';

/** A machine whose figures a test sets. */
export class FakeMachine implements Machine {
  figures: MachineFigures;

  constructor(
    figures: MachineFigures = { cpuLoad: 0.25, memoryUsedBytes: 1e9, memoryTotalBytes: 4e9, processBytes: 2e8 },
  ) {
    this.figures = figures;
  }

  read(): Promise<MachineFigures> {
    return Promise.resolve({ ...this.figures });
  }
}
