import type { ExecutionContext, TestFn } from 'ava';
import { milliseconds } from '../../device/kernel/units.ts';
import type { LinkOptions } from '../link/mqtt-link.ts';
import { type LinkClient, makeLinkClient } from './link-client.ts';
import type { Pki } from './make-pki.ts';
import { openTestLink } from './mqtt-harness.ts';
import type { StartedBroker } from './start-mosquitto.ts';

/** A broker with the recommended configuration, and what it is known to do otherwise than others. */
export interface SecuritySetup {
  readonly broker: StartedBroker;
  readonly pki: Pki;
  readonly protocol: LinkOptions['protocol'];
  /** Who comes with another one's client id throws that one off, though it gets nothing of it. RabbitMQ 3.10: see broker/README.md. */
  readonly throwsOff: boolean;
  /** A SUBSCRIBE that is not allowed is granted and stays silent, or ends the connection. */
  readonly forbiddenSubscribe: 'silent' | 'ends';
}

/** Names that the suite connects with; a broker that has to know its users beforehand is given these. */
export const securityNames = {
  units: Array.from({ length: 40 }, (_, at) => `unit-${at}`),
  bridges: Array.from({ length: 10 }, (_, at) => `bridge-${at}`),
};

export interface SecurityCase {
  readonly t: ExecutionContext;
  readonly setup: SecuritySetup;
  /** Two units and a bridge that no other test has. */
  readonly own: string;
  readonly other: string;
  readonly bridge: string;
  /** As the certificate of `cn`. */
  readonly open: (cn: string, options?: Partial<LinkOptions>) => Promise<LinkClient>;
}

export type MakeSecurityCase = (title: string, body: (given: SecurityCase) => Promise<void>) => void;

export async function online(client: Promise<LinkClient>): Promise<LinkClient> {
  const opened = await client;
  await opened.online();
  return opened;
}

/** Declares cases as tests that run one after the other, and closes what each has opened. */
export function securityCases(test: TestFn, name: string, setup: () => SecuritySetup | undefined): MakeSecurityCase {
  let number = 0;
  return (title, body) =>
    void test.serial(`${name}: ${title}`, async (t) => {
      const given = setup();
      if (given === undefined) {
        t.log('the broker is not installed: passed over');
        t.pass();
        return;
      }
      const clients: LinkClient[] = [];
      const open = async (cn: string, options: Partial<LinkOptions> = {}) => {
        const { url } = given.broker;
        const backoff = { first: milliseconds(5), most: milliseconds(40) };
        const base = { url, clientId: cn, protocol: given.protocol, backoff, ...(await given.pki.issue(cn)) };
        const client = makeLinkClient((handlers) => openTestLink({ ...base, ...options }, handlers));
        clients.push(client);
        return client;
      };
      const [own, other] = [`unit-${2 * number}`, `unit-${2 * number + 1}`];
      const bridge = `bridge-${number % securityNames.bridges.length}`;
      number += 1;
      try {
        await body({ t, setup: given, own, other, bridge, open });
      } finally {
        await Promise.all(clients.map(({ link }) => link.close()));
      }
    });
}
