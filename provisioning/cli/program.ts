import { Command, CommanderError } from 'commander';
import { exitAfter } from '../../device/cli/exit-codes.ts';
import { helpLayout } from '../../device/cli/help-layout.ts';
import { explain, firstFault } from '../../device/kernel/errors.ts';
import { version } from '../../device/version.ts';
import { addAccept } from './accept/accept.ts';
import { addAuthority } from './ca/authority.ts';
import { addCalibrate } from './calibrate/calibrate.ts';
import { addEnrol } from './enrol/enrol.ts';
import { addUnit } from './enrol/unit.ts';
import { type AddCommands, type Exit, exit } from './exits.ts';
import { addFlash } from './flash/flash.ts';
import { addImage } from './image/image.ts';
import { type ProvisionIo, say } from './provision-io.ts';
import { QuestionStopped } from './terminal.ts';

/** What stopping at a question leaves undone, where that is no signature. */
const undone: Readonly<Record<string, string>> = {
  unit: 'nothing was changed',
  flash: 'nothing was written',
  accept: 'the same call goes on from there',
};

const parts: readonly AddCommands[] = [addAuthority, addEnrol, addUnit, addCalibrate, addImage, addFlash, addAccept];

/** Runs one call; `more` adds commands of other folders. Never throws. */
export async function runProvision(
  args: readonly string[],
  io: ProvisionIo,
  more: readonly AddCommands[] = [],
): Promise<Exit> {
  let code: Exit = exit.done;
  const root = new Command('atalaya-provision')
    .description('From a blank card to a working unit: the authority, the card, enrolment, calibration, acceptance.')
    .version(version)
    .configureHelp(helpLayout)
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      ...(io.out.columns === undefined ? {} : { getOutHelpWidth: () => io.out.columns ?? 80 }),
    })
    .exitOverride();
  const leave = (left: Exit) => {
    code = left;
  };
  for (const add of [...parts, ...more]) add(root, io, leave);
  try {
    await root.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    const fault = firstFault(error);
    if (fault instanceof CommanderError) return exitAfter(fault);
    if (fault instanceof QuestionStopped) {
      say(io.err, `stopped; ${undone[args[0] ?? ''] ?? 'nothing was signed'}`);
      return exit.failed;
    }
    if (io.signal.aborted) {
      say(io.err, 'stopped');
      return exit.failed;
    }
    say(io.err, explain(fault));
    return exitAfter(fault);
  }
}
