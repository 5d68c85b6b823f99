import type { Telemetry } from '../../cloud-bridge/contract/events.ts';

/** Figures of the machine; what this machine does not tell is absent. */
export type MachineFigures = NonNullable<Telemetry['machine']>;

/** Whoever knows the machine. */
export interface Machine {
  /** Never rejects: a source that fails or is late leaves its figures out. What is asked while a reading is under way gets that reading. */
  read(): Promise<MachineFigures>;
}
