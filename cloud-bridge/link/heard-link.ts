import type { Clock } from '../../device/kernel/clock.ts';
import { type Milliseconds, milliseconds } from '../../device/kernel/units.ts';
import type { Link, LinkHandlers } from './link.ts';

/** The other end gave a sign of life at `at`, of the monotonic clock; `roundTrip` where it was an acknowledgement. */
export type Heard = (at: Milliseconds, roundTrip?: Milliseconds) => void;

/**
 * The link that `open` opens, with `heard` told of every sign of life. What the broker acknowledges is one, too: over a quiet link nothing
 * else may come for hours.
 */
export function heardLink(
  open: (handlers: LinkHandlers) => Link,
  handlers: LinkHandlers,
  clock: Pick<Clock, 'monotonic'>,
  heard: Heard,
): Link {
  const link = open({
    ...handlers,
    arrived: (arrival) => {
      heard(clock.monotonic());
      return handlers.arrived(arrival);
    },
  });
  return {
    get state() {
      return link.state;
    },
    get inFlight() {
      return link.inFlight;
    },
    publish: async (topic, payload, options) => {
      const begun = clock.monotonic();
      await link.publish(topic, payload, options);
      if (options.qos === 0) return;
      const at = clock.monotonic();
      heard(at, milliseconds(at - begun));
    },
    subscribe: (filters) => link.subscribe(filters),
    unsubscribe: (filters) => link.unsubscribe(filters),
    close: (last) => link.close(last),
  };
}
