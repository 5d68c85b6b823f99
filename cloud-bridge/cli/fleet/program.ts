import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { exitAfter } from '../../../device/cli/exit-codes.ts';
import { helpLayout } from '../../../device/cli/help-layout.ts';
import { explain, firstFault } from '../../../device/kernel/errors.ts';
import { version } from '../../../device/version.ts';
import { addActs } from './acts.ts';
import { addAlerts } from './alerts.ts';
import { addCertificates } from './certificates.ts';
import { addCommands } from './commands.ts';
import { addConfig } from './config.ts';
import { addEvidence } from './evidence.ts';
import { type AddCommands, type Exit, exit } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { addKeys } from './keys.ts';
import { addRollout } from './rollout.ts';
import { say, widthOf } from './session.ts';
import { addStatus } from './status.ts';
import { addTelemetry } from './telemetry.ts';
import { addTrust } from './trust.ts';
import { addUpdates } from './updates.ts';

const parts: readonly AddCommands[] = [
  addKeys,
  addTrust,
  addStatus,
  addConfig,
  addRollout,
  addUpdates,
  addAlerts,
  addCommands,
  addTelemetry,
  addEvidence,
  addCertificates,
  addActs,
];

/** The tree of commands; `more` adds those of other folders, `leave` takes the exit code. */
export function programOf(io: FleetIo, more: readonly AddCommands[], leave: (code: Exit) => void): Command {
  const root = new Command('atalaya-fleet')
    .description('Operations: the fleet, its configuration, alerts, commands, telemetry and evidence.')
    .version(version)
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      getOutHelpWidth: () => widthOf(io.out, io),
      getErrHelpWidth: () => widthOf(io.err, io),
    })
    .configureHelp(helpLayout)
    .exitOverride();
  for (const add of [...parts, ...more]) add(root, io, leave);
  return root;
}

/** Runs one call; `more` adds commands of other folders. Never throws. */
export async function runFleet(args: readonly string[], io: FleetIo, more: readonly AddCommands[] = []): Promise<Exit> {
  let code: Exit = exit.done;
  const root = programOf(io, more, (left) => {
    code = left;
  });
  try {
    await root.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    const fault = firstFault(error);
    // What an action finds wrong with a word: commander has told those that it found itself.
    if (fault instanceof InvalidArgumentError) say(io.err, io, `error: ${fault.message}`);
    if (fault instanceof CommanderError) return exitAfter(fault);
    if (io.signal.aborted && fault === io.signal.reason) {
      io.err.write('stopped\n');
      return exit.failed;
    }
    say(io.err, io, explain(fault));
    return exitAfter(fault);
  }
}
