import { AtalayaError } from '../../device/kernel/errors.ts';
import { filtersOf } from '../contract/address.ts';
import { bridgePrefix, clientName } from '../contract/names.ts';
import { type Topic, type TopicName, topics, type Way } from '../contract/topics.ts';

/** What a broker has to allow, from the table of topics: a unit says its own `up`, hears its own `down`; a bridge the other way round, for all. */

export { bridgePrefix } from '../contract/names.ts';

/**
 * The filters of all topics of one way; `unit` is a unit's level, or whatever stands for it. What comes up may be of any version, so that
 * the centre sees that a unit speaks another one and says so, in place of a broker that drops it without a word; what goes down is of ours.
 */
export function filtersOfWay(way: Way, unit: string): readonly string[] {
  return (Object.entries(topics) as [TopicName, Topic][])
    .filter(([, topic]) => topic.way === way)
    .flatMap(([name]) => filtersOf(name, unit, { anyVersion: way === 'up' }));
}

/**
 * Throws `config-invalid` for a common name that could mean more than itself in a list or in a regular expression, for a unit that is
 * named as a bridge, and for a bridge that is not.
 */
export function checkNames(kind: 'unit' | 'bridge', names: readonly string[]): void {
  for (const name of names) {
    if (!clientName.safeParse(name).success)
      throw new AtalayaError('config-invalid', `${JSON.stringify(name)} is no name of a ${kind}`);
    if (name.startsWith(bridgePrefix) !== (kind === 'bridge'))
      throw new AtalayaError('config-invalid', `${name}: bridges are named ${bridgePrefix}..., and nobody else is`);
  }
}
