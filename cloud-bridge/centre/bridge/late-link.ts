import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Link, LinkHandlers, LinkState } from '../../link/link.ts';

/** The link to the broker for parts that are made before it: offline until it is opened, and after it was closed. */
export class LateLink implements Pick<Link, 'publish' | 'state' | 'subscribe'> {
  #link: Link | undefined;

  get state(): LinkState {
    return this.#link?.state ?? { kind: 'offline', fault: undefined };
  }

  open(connect: (handlers: LinkHandlers) => Link, handlers: LinkHandlers): void {
    this.#link = connect(handlers);
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
