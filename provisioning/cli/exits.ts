import type { Command } from 'commander';
import type { ProvisionIo } from './provision-io.ts';

/** Exit codes: done; failed, or refused by the unit; the call was wrong. */
export const exit = { done: 0, failed: 1, usage: 2 } as const;
export type Exit = (typeof exit)[keyof typeof exit];

/** Adds commands to the program; `leave` sets the exit code of what ran to its end. */
export type AddCommands = (root: Command, io: ProvisionIo, leave: (code: Exit) => void) => void;
