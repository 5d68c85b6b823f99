import type { Clock } from '../../../device/kernel/clock.ts';
import { toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import { centreItself } from '../../contract/api-views.ts';
import type { AlertKeeper } from '../bridge/alert-keeper.ts';
import type { PeopleKeeper } from './people-keeper.ts';

/** How long before its expiry a trust document is told of: as long as certificates of units are. */
const day = 24 * 3600 * 1000;
const raisedBefore = 30 * day;
const criticalBefore = 7 * day;

export interface TrustWatchOptions {
  readonly people: Pick<PeopleKeeper, 'standing'>;
  readonly alerts: Pick<AlertKeeper, 'stand' | 'close' | 'list'>;
  readonly clock: Pick<Clock, 'utc'>;
}

/** How it stood at the last look. */
export interface TrustFigures {
  readonly inForce: boolean;
  /** Seconds until it expires, negative once it has; infinite where it does not. */
  readonly leftS: number;
}

export interface TrustHealth {
  readonly state: 'good' | 'degraded';
  readonly detail: string;
}

/**
 * Says in time that the trust document expires: the alert `trust-expiring` of the centre itself, raised 30 days before, critical 7 days
 * before, closed when a newer document is in force. Bridges side by side find the same, and write it once.
 */
export class TrustWatch {
  readonly #options: TrustWatchOptions;
  #figures: TrustFigures = { inForce: false, leftS: Number.POSITIVE_INFINITY };

  constructor(options: TrustWatchOptions) {
    this.#options = options;
  }

  get figures(): TrustFigures {
    return this.#figures;
  }

  /** To be called about once a minute. Throws what the archive throws. */
  async round(): Promise<void> {
    const { alerts } = this.#options;
    const { found, left } = await this.#look();
    this.#figures = { inForce: found.kind === 'in-force', leftS: left / 1000 };
    const level = left <= criticalBefore ? 'critical' : left <= raisedBefore ? 'raised' : undefined;
    const standing = (await alerts.list({ unit: centreItself })).find(({ name }) => name === 'trust-expiring');
    const expires = level === undefined ? undefined : toIso(utcMilliseconds(expiryOf(found)));
    // Another document: what was said of the one before is over, and nobody has acknowledged this.
    const { expires: said } = standing?.figures ?? {};
    if (standing !== undefined && said !== expires) await alerts.close(centreItself, 'trust-expiring');
    if (level === undefined || expires === undefined) return;
    const since = Date.parse(expires) - (level === 'critical' ? criticalBefore : raisedBefore);
    await alerts.stand(centreItself, 'trust-expiring', {
      state: level,
      since: toIso(utcMilliseconds(since)),
      detail: `the trust document ends at ${expires}: from then on nobody may ask anything of this centre, until a newer one, signed with the root key, is presented`,
      figures: { expires },
    });
  }

  /** In words, now. Throws what the archive throws. */
  async health(): Promise<TrustHealth> {
    const { found, left } = await this.#look();
    if (found.kind !== 'in-force')
      return { state: found.kind === 'expired' ? 'degraded' : 'good', detail: found.detail };
    const { version, expires } = found.people;
    const detail = `version ${version}${expires === undefined ? '' : `, until ${toIso(expires)}`}`;
    return { state: left <= raisedBefore ? 'degraded' : 'good', detail };
  }

  async #look() {
    const found = await this.#options.people.standing();
    return { found, left: expiryOf(found) - this.#options.clock.utc() };
  }
}

/** UTC milliseconds; infinite where nothing expires. */
function expiryOf(found: Awaited<ReturnType<PeopleKeeper['standing']>>): number {
  if (found.kind === 'none') return Number.POSITIVE_INFINITY;
  return found.kind === 'expired' ? found.at : (found.people.expires ?? Number.POSITIVE_INFINITY);
}
