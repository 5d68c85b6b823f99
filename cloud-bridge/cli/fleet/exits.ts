import type { Command } from 'commander';
import type { Exit } from '../../../device/cli/exit-codes.ts';
import type { FleetIo } from './fleet-io.ts';

export { type Exit, exit } from '../../../device/cli/exit-codes.ts';

/** Adds commands to the program; `leave` sets the exit code of what ran to its end. */
export type AddCommands = (root: Command, io: FleetIo, leave: (code: Exit) => void) => void;
