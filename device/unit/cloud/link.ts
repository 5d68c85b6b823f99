import { type Heard, heardLink } from '../../../cloud-bridge/link/heard-link.ts';
import type { Link, LinkHandlers } from '../../../cloud-bridge/link/link.ts';
import type { LinkCredentials } from '../../../cloud-bridge/link/link-options.ts';
import { openMqttLink } from '../../../cloud-bridge/link/mqtt-link.ts';
import type { LastWill } from '../../../cloud-bridge/unit-end/unit-end.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds, seconds, toMilliseconds } from '../../kernel/units.ts';
import { credentialsOf } from './certificates.ts';

export interface UnitLinkParts {
  /** Asked before each connection; absent: the files that the configuration names. */
  readonly credentials?: () => Promise<LinkCredentials>;
  readonly heard: Heard;
}

export const BACKOFF = { first: milliseconds(1000), most: toMilliseconds(seconds(60)) };
const CONNECT_DEADLINE = toMilliseconds(seconds(20));
/** A program that is told to end has some seconds for everything. */
const LEAVE_DEADLINE = milliseconds(1000);
/** Commands and documents wait so long at the broker for a unit that is away. */
const SESSION = seconds(7 * 24 * 3600);

/** Opens a unit's link to the broker that its configuration names. */
export function openUnitLink(
  config: Config,
  clock: Clock,
  handlers: LinkHandlers,
  will: LastWill,
  { credentials = async () => (await credentialsOf(config, clock.utc())).credentials, heard }: UnitLinkParts,
): Link {
  const { broker = '', protocol, keepAliveS, cert, sessionSecret } = config.cloud;
  const options = {
    url: broker,
    clientId: sessionSecret === undefined ? config.unit.id : `${config.unit.id}.${sessionSecret}`,
    protocol,
    keepAlive: seconds(keepAliveS),
    sessionExpiry: SESSION,
    will,
    backoff: BACKOFF,
    connectDeadline: CONNECT_DEADLINE,
    leaveDeadline: LEAVE_DEADLINE,
    clock,
    timer: systemTimer,
    random: Math.random,
    ...(cert === undefined ? {} : { credentials }),
  };
  return heardLink((told) => openMqttLink(options, told), handlers, clock, heard);
}
