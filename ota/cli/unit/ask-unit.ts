import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { leaveRequest, type PersonRequest, requestPath } from '../../update/person-request.ts';
import { readStanding } from '../../update/update-standing.ts';
import type { OtaIo } from '../ota-io.ts';
import { progressBar } from './status-words.ts';
import { type UnitPlace, unitRuns } from './unit-place.ts';

const look = milliseconds(500);
/** Looks until the unit is not believed to answer any more: a step that is under way may take a minute. */
const mostLooks = 240;

type Wish = PersonRequest extends infer One ? (One extends { id: string } ? Omit<One, 'id'> : never) : never;

/** Leaves a request with the unit that runs, and gives its answer. Throws `deadline-exceeded` where none comes, and `act-refused` for a no. */
export async function askUnit(place: UnitPlace, wish: Wish, io: OtaIo): Promise<string> {
  const id = Buffer.from(io.randomBytes(8)).toString('hex');
  await leaveRequest(systemTreeFiles, place.root, { ...wish, id } as PersonRequest);
  for (let looks = 0; looks < mostLooks && !io.signal.aborted; looks += 1) {
    await io.timer.sleep(look, io.signal);
    const answer = (await readStanding(systemTreeFiles, place.root))?.answer;
    if (answer?.id !== id) continue;
    if (answer.good) return answer.words;
    throw new AtalayaError('act-refused', answer.words, { hint: 'Look at `atalaya-ota status`.' });
  }
  await systemTreeFiles.remove(requestPath(place.root)).catch(() => undefined);
  throw new AtalayaError('deadline-exceeded', 'the unit did not answer', {
    hint: 'Look whether it runs, and at `atalaya-ota status`; then ask again.',
  });
}

/** Of a unit that runs. */
const startsTrial = (): string => 'the unit starts it on trial; `atalaya-ota status` says how that goes';

/**
 * Says how a job goes on, until it has ended or is about to be tried; `tried` then gives the last words, or undefined as long as it is not so far. True:
 * it goes on well.
 */
export async function followJob(
  place: UnitPlace,
  job: string,
  io: OtaIo,
  tried: () => string | undefined = startsTrial,
): Promise<boolean> {
  let said = '';
  const say = (words: string) => {
    if (words !== said) io.note(words);
    said = words;
  };
  while (!io.signal.aborted) {
    const standing = await readStanding(systemTreeFiles, place.root);
    if (standing?.last?.job === job && standing.job?.id !== job) {
      const { outcome, reasons } = standing.last;
      say([outcome, ...reasons].join(': '));
      return outcome === 'succeeded';
    }
    if (standing?.job?.id === job) {
      const { step, progress, reasons } = standing.job;
      const last = step === 'switching' || step === 'trial' ? tried() : undefined;
      if (last !== undefined) {
        say(last);
        return true;
      }
      const coarse = progress === undefined ? undefined : { ...progress, done: Math.floor(progress.done / 1e5) * 1e5 };
      say(
        step === 'downloading' && coarse !== undefined
          ? progressBar(coarse, Math.min(60, io.width()))
          : [step, ...reasons.slice(-1)].join(': '),
      );
    }
    if (!(await unitRuns(place))) {
      say('the unit has stopped; it goes on with its next start');
      return true;
    }
    await io.timer.sleep(look, io.signal);
  }
  io.note('the unit goes on by itself');
  return true;
}
