import { plain } from '../../../cloud-bridge/fleet/text.ts';
import type { BrokerInForce } from '../../contract/enrolment-documents.ts';

/** What a person is told of the broker, a line each, where a grant has changed it or has named another one in vain. */
export function brokerWords(broker: BrokerInForce | undefined): readonly string[] {
  if (broker === undefined) return [];
  const [now, before, configured] = [broker.now, broker.before, broker.configured].map((one) => plain(one ?? ''));
  return [
    ...(broker.before === undefined || before === now ? [] : [`the broker changes from ${before} to ${now}`]),
    ...(broker.configured === undefined
      ? []
      : [
          `the broker stays ${now}, which --broker gave`,
          `  The configuration names ${configured}, which does not count: give it by --broker if it is meant.`,
        ]),
  ];
}
