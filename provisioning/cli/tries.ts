import { explain } from '../../device/kernel/errors.ts';
import { type ProvisionIo, say } from './provision-io.ts';

const most = 3;

/**
 * Does `work` again where a person has mistyped something, three times in all; the reason is told each time. `person` is undefined where
 * nobody typed it, and then it is done once. Throws the last fault.
 */
export async function tries<T>(
  person: Pick<ProvisionIo, 'err'> | undefined,
  work: () => Promise<T>,
  isMistyped: (error: unknown) => boolean,
): Promise<T> {
  for (let left = person === undefined ? 0 : most - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (person === undefined || left <= 0 || !isMistyped(error)) throw error;
      say(person.err, `${explain(error)}\n  Try again: ${left} ${left === 1 ? 'try is' : 'tries are'} left.`);
    }
  }
}
