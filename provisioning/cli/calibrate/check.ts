import { runEventSchema } from '../../../device/report/event-log.ts';
import { compareDrives, type DriveComparison } from '../../calibrate/compare-drives.ts';
import { comparisonText } from '../../calibrate/drive-words.ts';
import { type MeasuredPassing, readDrives } from '../../calibrate/drives-file.ts';
import { type Exit, exit } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { readText } from './small-files.ts';

export interface CheckFlags {
  readonly drives: string;
  readonly events?: string;
  readonly lane?: readonly string[];
  readonly json?: boolean;
}

/** `calibrate check`: exit code 1 unless the drives pass. */
export async function check(flags: CheckFlags, io: ProvisionIo): Promise<Exit> {
  const comparison = await comparisonOf(flags);
  if (flags.json === true) io.out.write(`${JSON.stringify(comparison, null, 2)}\n`);
  else say(io.out, comparisonText(comparison));
  return comparison.verdict === 'passed' ? exit.done : exit.failed;
}

export async function comparisonOf({ drives, events, lane = [] }: CheckFlags): Promise<DriveComparison> {
  const passings = events === undefined ? [] : passingsOf(await readText(events, 'the events file'));
  return compareDrives(readDrives(await readText(drives, 'the file of drives'), drives, passings), lane);
}

/** Speeds that the unit stated in its events: those of the accused. For the drives the limit is set below their speed. */
function passingsOf(text: string): readonly MeasuredPassing[] {
  return text.split('\n').flatMap((line) => {
    const event = line.trim() === '' ? undefined : runEventSchema.safeParse(jsonOf(line)).data;
    if (event?.kind !== 'infraction' || event.measured.rule !== 'speeding') return [];
    const { speedKmh, uncertaintyKmh } = event.measured;
    return [{ time: event.time, lane: event.lane, speedKmh, uncertaintyKmh }];
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The last line of a file that is being written may be half there.
    return undefined;
  }
}
