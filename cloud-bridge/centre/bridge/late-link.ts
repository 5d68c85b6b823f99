import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Link, LinkHandlers, LinkState } from '../../link/link.ts';

/** The link to the broker for parts that are made before it: offline until it is opened, and after it was closed. */
export class LateLink implements Pick<Link, 'publish' | 'state' | 'subscribe'> {
  readonly #clock: Pick<Clock, 'utc'>;
  #link: Link | undefined;
  /** The broker is there, as it was told last. */
  #isThere = false;
  #since: string;

  constructor(clock: Pick<Clock, 'utc'>) {
    this.#clock = clock;
    this.#since = toIso(clock.utc());
  }

  /** Since when the broker is there, or is not (ISO 8601); where it never was, since this was made. */
  get since(): string {
    return this.#since;
  }

  get state(): LinkState {
    return this.#link?.state ?? { kind: 'offline', fault: undefined };
  }

  open(connect: (handlers: LinkHandlers) => Link, handlers: LinkHandlers): void {
    this.#link = connect({
      ...handlers,
      online: (session) => {
        this.#turn(true);
        return handlers.online(session);
      },
      offline: (fault) => {
        this.#turn(false);
        handlers.offline(fault);
      },
    });
  }

  /** An attempt that failed is told as well, and what is gone is gone since before it. */
  #turn(isThere: boolean): void {
    if (this.#isThere !== isThere) this.#since = toIso(this.#clock.utc());
    this.#isThere = isThere;
  }

  publish(...message: Parameters<Link['publish']>): Promise<void> {
    if (this.#link === undefined) return Promise.reject(new AtalayaError('link-down', 'the link is not open yet'));
    return this.#link.publish(...message);
  }

  async subscribe(filters: readonly string[]): Promise<void> {
    await this.#link?.subscribe(filters);
  }

  async close(): Promise<void> {
    await this.#link?.close();
  }
}
