import type { ExecutionContext, TestFn } from 'ava';
import type { Link, LinkHandlers } from '../link/link.ts';
import type { LinkWill } from '../link/link-options.ts';
import { type LinkClient, makeLinkClient } from './link-client.ts';

export interface LinkSetup {
  readonly clientId: string;
  readonly will?: LinkWill;
  readonly sessionKept?: boolean;
}

/** One broker, and links to it, for the suite. */
export interface LinkHarness {
  open(setup: LinkSetup, handlers: LinkHandlers): Link;
  /** Breaks the connection of a client without a leave-taking. */
  cut(clientId: string): void;
  stopBroker(): Promise<void>;
  startBroker(): Promise<void>;
  /** `$share` works. */
  readonly shared: boolean;
  close(): Promise<void>;
}

type Also = Parameters<typeof makeLinkClient>[1];

/** What one case of the suite works with: client ids that no other case has. */
export interface LinkCase {
  readonly t: ExecutionContext;
  readonly broker: LinkHarness;
  readonly open: (setup: LinkSetup, also?: Also) => LinkClient;
  readonly unit: string;
  readonly bridge: string;
}

export type MakeLinkCase = (title: string, body: (given: LinkCase) => Promise<void>) => void;

export const up = (unit: string, path: string) => `atalaya/v1/${unit}/${path}`;

/** Declares cases as tests that run one after the other, and closes what each has opened. */
export function linkCases(test: TestFn, name: string, harness: () => LinkHarness | undefined): MakeLinkCase {
  let number = 0;
  return (title, body) =>
    void test.serial(`${name}: ${title}`, async (t) => {
      const broker = harness();
      if (broker === undefined) {
        t.log('the broker is not installed: passed over');
        t.pass();
        return;
      }
      number += 1;
      const clients: LinkClient[] = [];
      const open = (setup: LinkSetup, also: Also = {}) => {
        const client = makeLinkClient((handlers) => broker.open(setup, handlers), also);
        clients.push(client);
        return client;
      };
      try {
        await body({ t, broker, open, unit: `unit-${number}`, bridge: `bridge-${number}` });
      } finally {
        await Promise.all(clients.map(({ link }) => link.close()));
      }
    });
}
