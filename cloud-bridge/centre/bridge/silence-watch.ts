import type { Clock } from '../../../device/kernel/clock.ts';
import { type Milliseconds, milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { AlertKeeper } from './alert-keeper.ts';
import type { Duty } from './duty.ts';
import type { Twin, Twins } from './twins.ts';

export interface SilenceOptions {
  readonly twins: Pick<Twins, 'known' | 'twin'>;
  readonly alerts: Pick<AlertKeeper, 'stand' | 'close' | 'list'>;
  readonly duty: Pick<Duty, 'take' | 'leave'>;
  /** Units that this bridge takes; of those that are shared it takes all. */
  readonly isOurs: (unit: string) => boolean;
  /** Absence after which it is raised; of a unit that is there by what the broker says, silence has to last longer (`quietFor`). */
  readonly raisedAfter: Milliseconds;
  readonly clock: Clock;
}

const criticalAfter = milliseconds(24 * 3600 * 1000);
/** After a connection the broker first says what it has: units that came back while we were away are not silent. */
const settling = milliseconds(120_000);
/** Figures that are thinned on a metered link lie ten minutes apart, and no alarm is to come of that. */
const usualQuiet = milliseconds(25 * 60_000);
/** Of a unit that has not shown yet how often it sends figures: the longest interval that it may be given. */
const longestQuiet = milliseconds(24 * 3600 * 1000);

interface Standing {
  readonly state: 'raised' | 'critical';
  readonly since: number;
}

/**
 * Says of units that have fallen silent. The broker holds a session against its keepalive, and says that a unit is gone by its last will:
 * raised when that has lasted `raisedAfter`. A unit that is there by that, and yet says nothing, may have lost its last will with a broker:
 * raised when nothing was heard of it for twice the interval at which it sends figures, at least 25 minutes, and a day where that interval
 * is not known yet. Critical after a day, closed when the unit is back. What the centre did not hear while it was away itself is no silence of a unit; an alert that stands
 * stays over a new start until the unit is heard.
 *
 * Of bridges side by side, one at a time does this for all.
 */
export class SilenceWatch {
  readonly #options: SilenceOptions;
  /** UTC milliseconds; undefined while there is no broker. */
  #listeningSince: number | undefined;
  /** Alerts that stand, by unit; undefined while another bridge sees to them. */
  #standing: Map<string, Standing> | undefined;

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  online(): void {
    this.#listeningSince = this.#options.clock.utc();
  }

  offline(): void {
    this.#listeningSince = undefined;
  }

  /** To be called about once a minute. Throws what the archive throws. */
  async round(): Promise<void> {
    const { twins, alerts, duty, isOurs, raisedAfter, clock } = this.#options;
    const listening = this.#listeningSince;
    const now = clock.utc();
    if (listening === undefined || now - listening < Math.min(settling, raisedAfter)) return;
    if (!(await duty.take())) {
      this.#standing = undefined;
      return;
    }
    this.#standing ??= standingOf(await alerts.list({}));
    for (const known of twins.known()) {
      if (!isOurs(known.unit)) continue;
      const isStanding = this.#standing.has(known.unit);
      // Another bridge may have heard of it, and may know how often it sends figures.
      const least = isGone(known) ? raisedAfter : Math.max(raisedAfter, usualQuiet);
      if (!isStanding && now - silentSince(known, listening) < least) continue;
      const twin = await twins.twin(known.unit);
      if (twin !== undefined) await this.#judge(twin, listening, now);
    }
  }

  /** The next bridge need not wait for the lease to end. */
  async leave(): Promise<void> {
    if (this.#standing !== undefined) await this.#options.duty.leave();
  }

  async #judge(twin: Twin, listening: number, now: number): Promise<void> {
    const { alerts, raisedAfter } = this.#options;
    const { unit } = twin;
    const standing = this.#standing?.get(unit);
    const patience = quietFor(twin, raisedAfter);
    if (standing !== undefined && now - lastSign(twin) < patience) {
      await alerts.close(unit, 'unit-silent');
      this.#standing?.delete(unit);
      return;
    }
    const since = standing?.since ?? silentSince(twin, listening);
    if (now - since < patience) return;
    const state = now - since >= criticalAfter ? 'critical' : 'raised';
    if (standing?.state === state || standing?.state === 'critical') return;
    const detail = isGone(twin)
      ? `the broker says since ${iso(since)} that it is not there`
      : `nothing was heard of it since ${iso(since)}, and no last will came`;
    const began = state === 'critical' ? since + criticalAfter : since;
    await alerts.stand(unit, 'unit-silent', { state, since: iso(began), detail, figures: { silentSince: iso(since) } });
    this.#standing?.set(unit, { state, since });
  }
}

/** When it last gave a sign of itself, or the broker said that it is gone. */
function lastSign({ lastSeen, stateAt }: Twin): number {
  return Math.max(Date.parse(lastSeen), stateAt === undefined ? 0 : Date.parse(stateAt));
}

/** By its last will, or because it took leave. */
const isGone = ({ online, state }: Twin): boolean => !online && state !== undefined;

/** Of a unit that is there according to the broker, only silence counts that was listened to; one that sends no telemetry may be silent. */
function silentSince(twin: Twin, listening: number): number {
  if (isGone(twin)) return lastSign(twin);
  const { sendTelemetry } = twin.state?.flags ?? {};
  if (sendTelemetry === false) return Number.POSITIVE_INFINITY;
  return Math.max(lastSign(twin), listening);
}

/** How long a unit may be away, or be there and say nothing. */
function quietFor(twin: Twin, raisedAfter: Milliseconds): number {
  if (isGone(twin)) return raisedAfter;
  const { everyS } = twin.telemetry ?? {};
  return Math.max(raisedAfter, everyS === undefined ? longestQuiet : Math.max(usualQuiet, 2 * everyS * 1000));
}

function standingOf(alerts: Awaited<ReturnType<AlertKeeper['list']>>): Map<string, Standing> {
  const ours = alerts.filter(({ name, from }) => name === 'unit-silent' && from === 'centre');
  return new Map(
    ours.map(({ unit, state, since, figures }) => {
      const { silentSince: began = since } = figures ?? {};
      return [unit, { state: state === 'critical' ? state : 'raised', since: Date.parse(String(began)) }];
    }),
  );
}

const iso = (ms: number): string => toIso(utcMilliseconds(ms));
