import { InvalidArgumentError } from 'commander';
import { numberOf, unitOf } from '../../../cloud-bridge/cli/fleet/words.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import type { AddCommands } from '../exits.ts';
import { type AcceptFlags, acceptUnit, type Outside } from './accept-unit.ts';
import { type VerifyFlags, verify } from './verify.ts';

/** Adds `accept`, on this machine. */
export const addAccept: AddCommands = (root, io, leave) =>
  addAcceptTo({ timer: systemTimer, environment: process.env })(root, io, leave);

/** Adds `accept`, with any outside. */
export const addAcceptTo =
  (outside: Outside): AddCommands =>
  (root, io, leave) => {
    const seconds = (most: number) => numberOf(1, most);
    const accept = root
      .command('accept')
      .description('test a unit at its pole, try it by hand, and sign that it is good')
      .argument('<unit>', 'its name')
      .option('--out <folder>', 'where the signed report goes; an interrupted acceptance goes on there')
      .option('--bridge <address>', 'the centre: unix:PATH or https://HOST:PORT; ATALAYA_BRIDGE unless said otherwise')
      .option('--key <file>', 'your private key; ATALAYA_KEY unless said otherwise')
      .option('--ca <file>', "authority of the bridge's certificate (PEM); ATALAYA_CA unless said otherwise")
      .option('--reader <file>', 'private key of somebody who may read events, where you may not')
      .option(
        '--identity <file or address>',
        "the unit's request, or http://ADDRESS of its local page: serial and keys",
      )
      .option('--report <file>', 'without a centre: what atalaya-unit selftest --out wrote')
      .option('--picture <file>', 'a picture of this camera (JPEG), in place of one that the centre asks for')
      .option('--technician <name>', 'with --report: who accepts, as the trust document has the name')
      .option('--calibration <file>', 'what calibrate fit --drawing wrote (PNG)')
      .option('--no-lines', 'leave the lines untried; the acceptance is incomplete then')
      .option('--wait <seconds>', 'for an answer of the unit', seconds(3600), 120)
      .option('--line-wait <seconds>', 'for an input to change by hand', seconds(3600), 60)
      .option(
        '--evidence-wait <seconds>',
        'for the test evidence, and a checkpoint over it, at the centre',
        seconds(86_400),
        300,
      )
      .action(async (unit: string, flags: AcceptFlags) => {
        leave(await acceptUnit(nameOf(unit), flags, io, outside));
      });
    accept
      .command('verify')
      .description(
        'check an acceptance: who signed, whether they may, sheets and pictures, whether the decision follows',
      )
      .argument('<folder>', 'what accept wrote')
      .option('--trust <file>', 'who may do what')
      .option('--root-key <file>', 'the key that says so (PEM)')
      .option('--json', 'JSON instead of text')
      .action(async (folder: string, flags: VerifyFlags) => {
        leave(await verify(folder, flags, io));
      });
  };

/** As the commands of the fleet judge it. */
function nameOf(unit: string): string {
  try {
    return unitOf(unit);
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new AtalayaError('usage-invalid', `${JSON.stringify(unit.slice(0, 80))} is no name of a unit`, {
      hint: 'Give the name that it was enrolled under.',
      cause,
    });
  }
}
