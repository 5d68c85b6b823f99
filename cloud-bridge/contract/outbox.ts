/**
 * What leaves the unit goes through here, after it was sealed and signalled.
 *
 * Guarantees: when `offer` has resolved, the message survives a power cut and is delivered at least once, as often as it takes; messages
 * of one priority leave in the order of their offers; an offer never waits for the network. Rejects with `store-full` where the disk
 * takes no more: an infraction is then known to its evidence store only, and the unit says so.
 */
export interface Outbox<Message> {
  offer(message: Message, priority: OutboxPriority): Promise<void>;
  /** What was offered stays for the next start. */
  close(): Promise<void>;
}

/** What goes first over a poor link. Only telemetry may be dropped, by a stated bound. */
export type OutboxPriority = 'alert' | 'infraction' | 'telemetry';
