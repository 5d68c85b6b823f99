import type { JsonValue } from '../../../device/kernel/canonical-json.ts';

export const queueNames = [
  'infraction.detection',
  'notification.email',
  'report.generation',
  'config.updates',
] as const;
export type QueueName = (typeof queueNames)[number];

/**
 * Towards other programs of the centre. Guarantees: resolved means that the broker has confirmed it on durable queues; at least once, `id`
 * is the same each time. Rejects with `queue-unavailable` (retry) where it is not known to be there, at the latest after a deadline.
 */
export interface Queues {
  send(queue: QueueName, id: string, payload: JsonValue): Promise<void>;
  close(): Promise<void>;
}
