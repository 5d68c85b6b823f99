import { AtalayaError } from '../../../device/kernel/errors.ts';
import { filtersOf } from '../../contract/address.ts';
import { type Topic, type TopicName, topics } from '../../contract/topics.ts';
import type { LinkSession } from '../../link/link.ts';

/** How many bridges share a fleet. */
export type Sharing =
  | { readonly kind: 'alone' }
  /** The broker deals the messages out (`$share`, MQTT 5, 4.8.2). */
  | { readonly kind: 'shared'; readonly group: string }
  /** Each bridge hears everything, and takes the units that are its own: number `index`, from 0, of `of`. */
  | { readonly kind: 'partition'; readonly index: number; readonly of: number };

const up = (Object.entries(topics) as [TopicName, Topic][]).filter(([, { way }]) => way === 'up');

/**
 * What a bridge subscribes to: everything that travels up, in every version of the contract, so that what is not spoken here is seen and
 * refused. Retained topics are never shared: the broker gives what it retains to no shared subscription (MQTT 5, 4.8.2).
 */
export function filtersFor(sharing: Sharing): readonly string[] {
  return up.flatMap(([name, { retain }]) =>
    filtersOf(name, undefined, { anyVersion: true }).map((filter) =>
      sharing.kind === 'shared' && !retain ? `$share/${sharing.group}/${filter}` : filter,
    ),
  );
}

/** Throws `link-refused` where the broker says that it cannot do this. */
export function checkSharing(sharing: Sharing, { protocol, sharedSubscriptions }: LinkSession): void {
  if (sharing.kind !== 'shared' || (protocol === '5' && sharedSubscriptions !== false)) return;
  throw new AtalayaError('link-refused', 'this broker has no shared subscriptions', {
    hint: 'Give each bridge its part of the units with `sharing.partition` instead of `sharing.group`.',
  });
}

/** Whether a unit is this bridge's: by FNV-1a (32 bits) of its id, which all bridges compute alike. */
export function isOurs(sharing: Sharing, unit: string): boolean {
  if (sharing.kind !== 'partition') return true;
  let hash = 0x811c9dc5;
  for (let at = 0; at < unit.length; at += 1) hash = Math.imul(hash ^ unit.charCodeAt(at), 0x01000193) >>> 0;
  return hash % sharing.of === sharing.index;
}

/** The unit in a topic, as it stands there; undefined where there is none. */
export function unitLevel(topic: string): string | undefined {
  return topic.split('/', 4)[2];
}
