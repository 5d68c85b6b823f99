import { systemClock } from '../../device/kernel/clock.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../device/kernel/units.ts';
import type { Link, LinkHandlers } from '../link/link.ts';
import { type LinkCredentials, type LinkOptions, openMqttLink } from '../link/mqtt-link.ts';
import { type CutProxy, startProxy } from './cut-proxy.ts';
import type { LinkHarness, LinkSetup } from './link-contract.ts';
import type { Pki } from './make-pki.ts';
import type { StartedBroker } from './start-mosquitto.ts';

/** A link with short waits, for tests. */
export function openTestLink(
  options: Pick<LinkOptions, 'url' | 'clientId'> & Partial<LinkOptions>,
  handlers: LinkHandlers,
): Link {
  return openMqttLink(
    {
      protocol: 'auto',
      keepAlive: seconds(30),
      sessionExpiry: seconds(0),
      backoff: { first: milliseconds(20), most: milliseconds(300) },
      connectDeadline: milliseconds(5000),
      clock: systemClock,
      timer: systemTimer,
      random: seededRandom(5),
      ...options,
    },
    handlers,
  );
}

/** The suite's harness on a broker of the real world; each client goes through a way of its own, so that it alone can be cut. */
export async function mqttHarness(
  broker: StartedBroker,
  facts: {
    readonly protocol: LinkOptions['protocol'];
    readonly pki?: Pki;
    readonly shared: boolean;
  },
  most = 40,
): Promise<LinkHarness> {
  const { pki, protocol, shared } = facts;
  const ways: CutProxy[] = [];
  for (let at = 0; at < most; at += 1) ways.push(await startProxy(broker.port));
  const taken = new Map<string, CutProxy[]>();
  const issued = new Map<string, Promise<LinkCredentials>>();
  let next = 0;
  return {
    open: ({ clientId, will, sessionKept = false }: LinkSetup, handlers) => {
      const way = ways[next % most];
      next += 1;
      if (way === undefined) throw new Error('no way is left');
      taken.set(clientId, [...(taken.get(clientId) ?? []), way]);
      const credentials = () => {
        const known = issued.get(clientId) ?? pki?.issue(clientId) ?? Promise.resolve({});
        issued.set(clientId, known);
        return known;
      };
      return openTestLink(
        {
          url: `${pki === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${way.port}`,
          clientId,
          protocol,
          sessionExpiry: seconds(sessionKept ? 3600 : 0),
          credentials,
          ...(will === undefined ? {} : { will }),
        },
        handlers,
      );
    },
    cut: (clientId) => {
      for (const way of taken.get(clientId) ?? []) way.cut();
    },
    stopBroker: () => broker.kill(),
    startBroker: () => broker.restart(),
    shared,
    close: async () => {
      await Promise.all(ways.map((way) => way.close()));
    },
  };
}
