import { randomBytes } from 'node:crypto';
import { Command, CommanderError } from 'commander';
import { type Exit, exit, exitAfter } from '../../device/cli/exit-codes.ts';
import { helpLayout, lineWidth } from '../../device/cli/help-layout.ts';
import { systemClock } from '../../device/kernel/clock.ts';
import { explain, firstFault } from '../../device/kernel/errors.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { version } from '../../device/version.ts';
import { askOnTerminal, askSecretOnTerminal, QuestionStopped } from '../../provisioning/cli/terminal.ts';
import type { OtaIo } from './ota-io.ts';

export type AddOtaCommands = (root: Command, io: OtaIo) => void;

/** Runs one call with the streams and the terminal of this process; sets its exit code. */
export async function runOta(description: string, parts: readonly AddOtaCommands[]): Promise<void> {
  const stop = new AbortController();
  // A reader that goes away (`| head`) ends what goes on for ever, quietly.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());
  // A second signal ends the program where it stands.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  let code: Exit = exit.done;
  const isAsked = process.stdin.isTTY === true;
  const io: OtaIo = {
    write: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
    width: () => lineWidth(process.stdout.isTTY ? process.stdout.columns : undefined, process.env),
    terminal: process.stdout.isTTY === true,
    ask: isAsked ? (question) => askOnTerminal(question, stop.signal) : undefined,
    askSecret: isAsked ? (question) => askSecretOnTerminal(question, stop.signal) : undefined,
    environment: process.env,
    ...{ clock: systemClock, timer: systemTimer, random: Math.random, randomBytes },
    signal: stop.signal,
    leave: (left) => {
      code = left;
    },
  };
  const root = new Command('atalaya-ota')
    .description(description)
    .version(version)
    .enablePositionalOptions()
    .configureHelp(helpLayout)
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
      getOutHelpWidth: io.width,
      getErrHelpWidth: io.width,
    })
    .exitOverride();
  for (const add of parts) add(root, io);
  try {
    await root.parseAsync();
    process.exitCode = code;
  } catch (error) {
    process.exitCode = ended(firstFault(error), io);
  }
}

function ended(fault: unknown, { note, signal }: OtaIo): Exit {
  if (fault instanceof CommanderError) return exitAfter(fault);
  if (fault instanceof QuestionStopped || signal.aborted) {
    note('stopped');
    return exit.failed;
  }
  note(explain(fault));
  return exitAfter(fault);
}
