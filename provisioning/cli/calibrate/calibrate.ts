import { markingStandards } from '../../calibrate/marking-standards.ts';
import { cited } from '../../calibrate/road-points.ts';
import type { AddCommands } from '../exits.ts';
import { say } from '../provision-io.ts';
import { type SignFlags, sign, type VerifyFlags, verify } from './certify.ts';
import { type CheckFlags, check } from './check.ts';
import { type FitFlags, fitPoints } from './fit.ts';
import { type ReferencesFlags, references } from './references.ts';

const collect = (one: string, all: readonly string[] = []): readonly string[] => [...all, one];

/** Adds `calibrate`: from points in a picture to a certified scene. */
export const addCalibrate: AddCommands = (root, io, leave) => {
  const calibrate = root.command('calibrate').description('from pixels to metres: fit, check, certify');
  calibrate
    .command('fit')
    .description('fit the map from the picture to the road, and put it into the scene')
    .requiredOption('--points <file>', 'points in the picture against metres on the road (YAML)')
    .requiredOption('--scene <file>', 'the scene that it is for')
    .option(
      '--picture <file>',
      'the picture that the points were read from; without it the file of points states its size',
    )
    .option('--out <file>', 'write the scene with this calibration there; may be the scene itself')
    .option('--drawing <file>', 'draw residuals (ten times their length) and a grid of metres over the picture (PNG)')
    .option('--json', 'JSON instead of text')
    .action((flags: FitFlags) => fitPoints(flags, io));
  calibrate
    .command('standards')
    .description('the lane markings whose lengths are known here')
    .action(() => {
      for (const one of markingStandards) {
        say(
          io.out,
          `${one.id.padEnd(12)} ${one.what}: ${cited(one)}; tolerance ${one.tolerance * 100} %, ${one.toleranceSource}`,
        );
      }
    });
  calibrate
    .command('check')
    .description('hold the speeds that the unit measured against those of reference drives')
    .requiredOption(
      '--drives <file>',
      'a CSV file: lane, reference and measured speed, each with its standard uncertainty',
    )
    .option('--events <file>', "the unit's events: measured speeds are looked up there by lane and time")
    .option('--lane <name>', 'a lane that must have been driven; may be given again', collect)
    .option('--json', 'JSON instead of text')
    .action(async (flags: CheckFlags) => leave(await check(flags, io)));
  calibrate
    .command('sign')
    .description('certify the calibration of a scene with your own key')
    .requiredOption('--scene <file>', 'the calibrated scene')
    .requiredOption('--key <file>', 'your own private key (PEM)')
    .requiredOption('--number <text>', 'number of the certificate')
    .requiredOption('--issuer <name>', 'who issues it')
    .requiredOption('--technician <name>', 'who calibrated')
    .requiredOption('--unit <name>', 'the unit')
    .requiredOption('--site <words>', 'where it stands')
    .requiredOption('--expires <day>', 'last day on which it is valid, as 2027-05-31')
    .requiredOption('--out <file>', 'where the certificate goes (JSON)')
    .requiredOption('--scene-out <file>', 'where the scene goes that names it; may be the scene itself')
    .option('--drives <file>', 'reference drives, as for `check`; they must pass')
    .option('--without-drives', 'certify the survey alone')
    .option('--events <file>', "the unit's events, as for `check`")
    .option('--lane <name>', 'a lane that must have been driven; may be given again', collect)
    .option('--environment <words>', 'weather, temperature, traffic')
    .option('--instrument <what=number>', 'an instrument and its number; may be given again', collect)
    .action((flags: SignFlags) => sign(flags, io));
  calibrate
    .command('verify')
    .description('check a certificate: signature, scene, days, drives')
    .argument('<certificate>', 'the file that `sign` wrote')
    .requiredOption('--key <file>', 'public key of somebody who may certify (PEM); may be given again', collect)
    .option('--scene <file>', 'the scene that it is to be about')
    .option('--json', 'JSON instead of text')
    .action(async (path: string, flags: VerifyFlags) => leave(await verify(path, flags, io)));
  calibrate
    .command('references')
    .description('choose patches off the road by which the unit sees later that its camera was moved')
    .requiredOption(
      '--picture <file>',
      'a picture of the camera as it was calibrated, of its own size; later ones after it',
      collect,
    )
    .requiredOption('--scene <file>', 'the calibrated scene')
    .requiredOption('--out <file>', 'where they go (JSON)')
    .action((flags: ReferencesFlags) => references(flags, io));
};
