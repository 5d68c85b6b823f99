import type { Clock } from '../../device/kernel/clock.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../device/kernel/units.ts';
import type { JobUpdate } from '../../ota/contract/job.ts';
import type { VersionReport } from '../../ota/contract/version-report.ts';
import type { Reported } from '../contract/state.ts';
import { heardLink } from '../link/heard-link.ts';
import type { Link, LinkHandlers, LinkSession } from '../link/link.ts';
import { type LastWill, UnitEnd, type UnitEndParts } from '../unit-end/unit-end.ts';

export interface UnitSessionParts extends Pick<UnitEndParts, 'unit' | 'inboxes' | 'state' | 'checkpoint'> {
  readonly openLink: (handlers: LinkHandlers, will: LastWill) => Link;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly online: (session: LinkSession) => void;
  readonly offline: () => void;
  /** What else a start does, while there is no link. Does not reject. */
  readonly restarted: () => Promise<void>;
  readonly onFault: (fault: AtalayaError) => void;
}

/** What was being said gets out before the unit leaves; then it is away for as long as a program takes to start. */
const leavesAfter = milliseconds(500);
const awayFor = milliseconds(1000);

/**
 * The session of a simulated unit: that of a real one, which can be left and begun anew as by a program that starts again. To whoever
 * publishes it is one link.
 */
export class UnitSession implements Pick<Link, 'publish' | 'inFlight'> {
  readonly #parts: UnitSessionParts;
  readonly #closing = new AbortController();
  #end: UnitEnd | undefined;
  #link: Link | undefined;
  #reported: Reported | undefined;
  #update: JobUpdate | undefined;
  #versions: VersionReport | undefined;
  #connections = 0;
  /** Messages that the sessions before did not take. */
  #refused = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #restarting: Promise<void> | undefined;

  constructor(parts: UnitSessionParts) {
    this.#parts = parts;
  }

  /** Opens the link; it connects by itself. */
  open(): void {
    const { unit, inboxes, state, checkpoint, clock, openLink, online, offline, onFault } = this.#parts;
    const end = new UnitEnd({
      ...{ unit, inboxes, state, checkpoint, clock, onFault },
      openLink: (handlers, will) => this.#hearing(openLink, handlers, will),
      online: (session) => {
        this.#connections += 1;
        this.#heardAt = clock.monotonic();
        online(session);
      },
      offline,
      refused: () => {},
      jobUpdate: () => this.#update,
      versions: () => this.#versions,
    });
    this.#end = end;
    if (this.#reported !== undefined) end.report(this.#reported);
    this.#link = end.open();
  }

  get isOnline(): boolean {
    return this.#end?.session !== undefined;
  }

  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  get refusedMessages(): number {
    return this.#refused + (this.#end?.counts.refused ?? 0);
  }

  /** Whether the broker has said or acknowledged anything since this moment of the monotonic clock, and is there. */
  heard(since: Milliseconds): boolean {
    return this.isOnline && this.#heardAt >= since;
  }

  get inFlight(): number {
    return this.#link?.inFlight ?? 0;
  }

  async publish(...[topic, payload, options]: Parameters<Link['publish']>): Promise<void> {
    await this.#up(this.#link).publish(topic, payload, options);
  }

  report(reported: Reported): void {
    this.#reported = reported;
    this.#end?.report(reported);
  }

  updateSaid(update: JobUpdate): void {
    this.#update = update;
    this.#end?.jobChanged();
  }

  versionsSaid(report: VersionReport): void {
    this.#versions = report;
    this.#end?.versionsChanged();
  }

  async reply(...[reply]: Parameters<UnitEnd['reply']>): Promise<void> {
    await this.#up(this.#end).reply(reply);
  }

  async block(...block: Parameters<UnitEnd['block']>): Promise<void> {
    await this.#up(this.#end).block(...block);
  }

  stateChanged(): void {
    this.#end?.stateChanged();
  }

  checkpointed(): void {
    this.#end?.checkpointed();
  }

  /** In a moment; not waited for. Asked again meanwhile, it is one. */
  restart(): void {
    this.#restarting ??= this.#again().finally(() => {
      this.#restarting = undefined;
    });
  }

  /** Takes leave of the broker. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#restarting;
    await this.#end?.close();
  }

  async #again(): Promise<void> {
    const { timer, offline, restarted } = this.#parts;
    const { signal } = this.#closing;
    await timer.sleep(leavesAfter, signal);
    if (signal.aborted) return;
    const end = this.#end;
    await end?.close();
    offline();
    this.#refused += end?.counts.refused ?? 0;
    this.#end = undefined;
    this.#link = undefined;
    await timer.sleep(awayFor, signal);
    if (signal.aborted) return;
    await restarted();
    this.open();
  }

  #up<T>(there: T | undefined): T {
    if (there === undefined) throw new AtalayaError('link-down', 'the unit is starting again');
    return there;
  }

  #hearing(openLink: UnitSessionParts['openLink'], handlers: LinkHandlers, will: LastWill): Link {
    return heardLink(
      (told) => openLink(told, will),
      handlers,
      this.#parts.clock,
      (at) => {
        this.#heardAt = at;
      },
    );
  }
}
