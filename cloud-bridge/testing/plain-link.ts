import { systemClock } from '../../device/kernel/clock.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../device/kernel/units.ts';
import type { Link, LinkHandlers } from '../link/link.ts';
import { openMqttLink } from '../link/mqtt-link.ts';

/** A link to a broker without TLS, by a session that ends with the connection. */
export const openPlainLink = (url: string, clientId: string, handlers: LinkHandlers): Link =>
  openMqttLink(
    {
      url,
      clientId,
      protocol: 'auto',
      keepAlive: seconds(20),
      sessionExpiry: seconds(0),
      backoff: { first: milliseconds(300), most: milliseconds(3000) },
      connectDeadline: milliseconds(15_000),
      clock: systemClock,
      timer: systemTimer,
      random: Math.random,
    },
    handlers,
  );
