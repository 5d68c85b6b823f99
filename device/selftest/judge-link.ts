import { bars } from './bars.ts';
import type { SelfTestFinding } from './contract/self-test-report.ts';
import type { BrokerFacts, CertificateFacts, CertificatesFacts, NetworkFacts } from './facts.ts';
import { passed, rounded, troubled, untested } from './findings.ts';
import { duration } from './judge-lines.ts';

const DAY = 24 * 3_600_000;

/** Whether there is a way out. Without a broker nobody needs one. */
export function judgeNetwork({ addresses, route, host, nameFault }: NetworkFacts): SelfTestFinding {
  const check = 'network';
  const figures = [{ name: 'addresses', value: addresses, unit: '1', least: 1 }];
  if (host === undefined) {
    return untested('network-unneeded', { check, says: 'The configuration names no broker to reach.', figures });
  }
  if (addresses === 0) {
    return troubled('failed', 'network-no-address', { check, says: 'No interface has an address.', figures });
  }
  // A broker on the same network is reached without a route, so its name decides where it has an address.
  if (nameFault !== undefined) {
    if (!route) {
      const says = `There is no default route, and ${host} has no address: ${nameFault}`;
      return troubled('failed', 'network-no-route', { check, says, figures });
    }
    return troubled('failed', 'network-no-name', { check, says: `${host} has no address: ${nameFault}`, figures });
  }
  const way = route ? '' : ' There is no default route: only this network is reached.';
  return passed('network-good', { check, says: `${host} has an address.${way}`, figures });
}

/** Whether the centre's broker takes the unit. */
export function judgeBroker(broker: BrokerFacts): SelfTestFinding {
  const check = 'broker';
  switch (broker.kind) {
    case 'none':
      return untested('broker-none', { check, says: 'The configuration names no broker.' });
    case 'offline': {
      const why = broker.says === undefined ? '' : `: ${broker.says}`;
      const says = `There is no connection for ${duration(broker.forMs)}${why}`;
      return troubled('failed', 'broker-unreachable', { check, says });
    }
    case 'reached': {
      const figures = [{ name: 'handshake', value: broker.handshakeMs, unit: 'ms', most: bars.broker.roundTripMs }];
      const says =
        "The broker answers, and the certificates agree; the unit's own session begins when the program runs.";
      if (broker.handshakeMs <= bars.broker.roundTripMs) return passed('broker-reached', { check, says, figures });
      return troubled('doubtful', 'broker-slow', {
        check,
        says: `The broker took ${rounded(broker.handshakeMs / 1000)} s.`,
        figures,
      });
    }
    case 'connected': {
      const { roundTripMs, heardAgoMs } = broker;
      const figures = [
        ...(roundTripMs === undefined
          ? []
          : [{ name: 'round trip', value: roundTripMs, unit: 'ms', most: bars.broker.roundTripMs }]),
        ...(heardAgoMs === undefined ? [] : [{ name: 'heard', value: heardAgoMs / 1000, unit: 's' }]),
      ];
      if (roundTripMs !== undefined && roundTripMs > bars.broker.roundTripMs) {
        const says = `A message takes ${rounded(roundTripMs / 1000)} s to be taken.`;
        return troubled('doubtful', 'broker-slow', { check, says, figures });
      }
      return passed('broker-good', { check, says: 'The unit is connected.', figures });
    }
  }
}

/** How long the certificates of the link hold. */
export function judgeCertificates(facts: CertificatesFacts): readonly SelfTestFinding[] {
  const check = 'certificate';
  switch (facts.kind) {
    case 'none':
      return [untested('certificate-none', { check, says: 'The configuration names no certificate.' })];
    case 'unusable':
      return [troubled('failed', 'certificate-unusable', { check, says: facts.says })];
    case 'read':
      return facts.certificates.map((one) => judgeCertificate(one, facts.utc));
  }
}

function judgeCertificate({ name: subject, from, until }: CertificateFacts, utc: number): SelfTestFinding {
  const days = Math.floor((until - utc) / DAY);
  const due = from + (until - from) * bars.certificate.renewal;
  const figures = [{ name: 'days left', value: days, unit: 'd', least: Math.ceil((until - due) / DAY) }];
  const words = { check: 'certificate', subject, figures } as const;
  if (utc >= until) {
    return troubled('failed', 'certificate-expired', { ...words, says: `It ended on ${day(until)}.` });
  }
  if (utc < from) {
    return troubled('failed', 'certificate-not-begun', {
      ...words,
      says: `It begins on ${day(from)}, and here it is ${day(utc)}.`,
    });
  }
  if (utc >= due) {
    return troubled('doubtful', 'certificate-renewal-due', {
      ...words,
      says: `It ends on ${day(until)}, in ${days} days, and was due to be renewed on ${day(due)}.`,
    });
  }
  return passed('certificate-good', { ...words, says: `It holds until ${day(until)}; renewal is due on ${day(due)}.` });
}

const day = (utc: number): string => new Date(utc).toISOString().slice(0, 10);
