import type { AtalayaError } from '../../device/kernel/errors.ts';
import type { Arrival, Link, LinkHandlers, LinkSession } from '../link/link.ts';

/** A link, and what it told: for tests. */
export interface LinkClient {
  readonly link: Link;
  readonly sessions: readonly LinkSession[];
  readonly faults: readonly (AtalayaError | undefined)[];
  readonly arrivals: readonly Arrival[];
  /** Payloads as text. */
  readonly texts: readonly string[];
  /** Resolves when `what` holds, looked at after each thing that is told; rejects after `time` ms. */
  until(what: () => boolean, time?: number): Promise<void>;
  online(time?: number): Promise<LinkSession>;
}

/** `arrived` is called behind the recording of an arrival, `announced` in `online`. */
export function makeLinkClient(
  open: (handlers: LinkHandlers) => Link,
  also: {
    readonly arrived?: (arrival: Arrival, link: Link) => void | Promise<void>;
    readonly announced?: (session: LinkSession) => void | Promise<void>;
  } = {},
): LinkClient {
  const sessions: LinkSession[] = [];
  const faults: (AtalayaError | undefined)[] = [];
  const arrivals: Arrival[] = [];
  const waiting = new Set<() => void>();
  const look = () => {
    for (const waiter of [...waiting]) waiter();
  };
  const link = open({
    online: async (session) => {
      sessions.push(session);
      queueMicrotask(look);
      await also.announced?.(session);
    },
    offline: (fault) => {
      faults.push(fault);
      queueMicrotask(look);
    },
    arrived: async (arrival) => {
      arrivals.push(arrival);
      queueMicrotask(look);
      await also.arrived?.(arrival, link);
    },
  });
  const until = (what: () => boolean, time = 10_000): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (!what()) return;
        clearTimeout(timer);
        waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(check);
        const told = faults.map((fault) => fault?.message).join('; ');
        const heard = arrivals.slice(-5).map(({ topic }) => topic);
        reject(new Error(`waited ${time} ms in vain for ${what}; faults: ${told}; last arrivals: ${heard.join(', ')}`));
      }, time);
      waiting.add(check);
      check();
    });
  return {
    link,
    sessions,
    faults,
    arrivals,
    get texts() {
      return arrivals.map(({ payload }) => payload.toString());
    },
    until,
    online: async (time) => {
      await until(() => link.state.kind === 'online', time);
      const { state } = link;
      if (state.kind !== 'online') throw new Error('went offline again at once');
      return state.session;
    },
  };
}
