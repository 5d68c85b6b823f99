import { type Exit, exit } from '../../../device/cli/exit-codes.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import type { OtaIo } from '../ota-io.ts';

export interface MadeIo {
  readonly io: OtaIo;
  /** What was answered, a line each. */
  readonly lines: string[];
  /** What was said beside it. */
  readonly notes: string[];
  readonly code: () => Exit;
}

/** The outside of a command, kept in memory; its randomness is a counter. */
export function madeIo(changes: Partial<OtaIo> = {}): MadeIo {
  const lines: string[] = [];
  const notes: string[] = [];
  let code: Exit = exit.done;
  let drawn = 0;
  const io: OtaIo = {
    write: (line) => lines.push(line),
    note: (line) => notes.push(line),
    width: () => 100,
    terminal: false,
    ask: undefined,
    askSecret: undefined,
    environment: {},
    clock: systemClock,
    timer: systemTimer,
    random: () => 0.5,
    randomBytes: (length) => Buffer.alloc(length, ++drawn),
    signal: new AbortController().signal,
    leave: (left) => {
      code = left;
    },
    ...changes,
  };
  return { io, lines, notes, code: () => code };
}
