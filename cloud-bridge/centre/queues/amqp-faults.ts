import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';

/** What keeps the queues from taking something, in words for a person. `place` is host and port: never the address, which has a password. */
export function queueFault(error: unknown, place: string): AtalayaError {
  if (isAtalayaError(error, 'queue-unavailable')) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const unavailable = (why: string, hint: string) =>
    new AtalayaError('queue-unavailable', `the queues at ${place} ${why}`, { hint, cause: error });
  if (/ACCESS[_-]REFUSED|\b403\b/.test(reason))
    return unavailable('do not let us in', 'Check user, password, virtual host and what the user may do there.');
  if (/PRECONDITION[_-]FAILED|\b406\b/.test(reason))
    return unavailable(`are there with other properties: ${reason}`, 'Remove that queue, or make it durable.');
  if (isAtalayaError(error, 'deadline-exceeded')) return unavailable(`do not answer: ${reason}`, 'Look at the broker.');
  return unavailable(`cannot be reached: ${reason || (systemCode(error) ?? 'no reason given')}`, 'Start the broker.');
}
