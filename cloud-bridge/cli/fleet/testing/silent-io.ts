import { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import type { FleetIo } from '../fleet-io.ts';

const sink = { write: () => undefined, terminal: false, columns: undefined };

/** An outside that nobody is at: for whoever looks at the tree of commands. */
export const silentIo: FleetIo = {
  ...{ out: sink, err: sink, ask: undefined, edit: async () => false, environment: {} },
  ...{ clock: new ManualClock(), timer: { sleep: async () => undefined } },
  newId: () => 'act-00000001',
  signal: new AbortController().signal,
};
