import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import { explain, isAtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import type { BrokerFacts, CertificateFacts, CertificatesFacts, NetworkFacts } from '../../selftest/facts.ts';
import { measureNetwork } from '../../selftest/measure-network.ts';
import { brokerAddress, probeBroker } from '../../selftest/probe-broker.ts';
import { credentialsOf } from '../cloud/certificates.ts';
import type { CloudView } from '../cloud/connected-cloud.ts';

/** What the link of a running unit tells of its broker. */
export function linkFacts(
  { cloud }: Pick<Config, 'cloud'>,
  { offlineSince, offlineWhy, heardAt, roundTrip }: CloudView,
  clock: Pick<Clock, 'monotonic'>,
): BrokerFacts {
  if (cloud.broker === undefined) return { kind: 'none' };
  const now = clock.monotonic();
  if (offlineSince !== undefined) {
    return { kind: 'offline', forMs: now - offlineSince, ...(offlineWhy === undefined ? {} : { says: offlineWhy }) };
  }
  return {
    kind: 'connected',
    ...(heardAt === undefined ? {} : { heardAgoMs: now - heardAt }),
    ...(roundTrip === undefined ? {} : { roundTripMs: roundTrip }),
  };
}

/** The same without a link: reached or not, and the unit's session left alone. Never rejects. */
export async function probeLink(
  config: Pick<Config, 'cloud' | 'unit'>,
  clock: Clock,
  timer: Timer,
): Promise<BrokerFacts> {
  const { broker } = config.cloud;
  if (broker === undefined) return { kind: 'none' };
  try {
    const { credentials } = await credentialsOf(config, clock.utc());
    return await probeBroker({ url: broker, ...credentials, clock, timer });
  } catch (error) {
    return { kind: 'offline', forMs: 0, says: isAtalayaError(error) ? error.message : explain(error) };
  }
}

/** Addresses, route, and the name of the broker. Never rejects. */
export function networkFacts({ cloud }: Pick<Config, 'cloud'>, timer: Timer): Promise<NetworkFacts> {
  const host = cloud.broker === undefined ? undefined : (brokerAddress(cloud.broker)?.host ?? cloud.broker);
  return measureNetwork({ host, timer });
}

/** The certificates of the link, as they lie on the disk now. Never rejects. */
export async function certificatesFacts(
  config: Pick<Config, 'cloud' | 'unit'>,
  clock: Clock,
): Promise<CertificatesFacts> {
  const { ca, cert } = config.cloud;
  if (cert === undefined && ca === undefined) return { kind: 'none' };
  try {
    await credentialsOf(config, clock.utc());
    const certificates = [
      ...(cert === undefined ? [] : [await certificateOf('of the unit', cert)]),
      ...(ca === undefined ? [] : [await certificateOf('of the authority', ca)]),
    ];
    return { kind: 'read', utc: clock.utc(), certificates };
  } catch (error) {
    return { kind: 'unusable', says: isAtalayaError(error) ? error.message : explain(error) };
  }
}

async function certificateOf(name: string, path: string): Promise<CertificateFacts> {
  const { validFrom, validTo } = new X509Certificate(await readFile(path));
  return { name, from: Date.parse(validFrom), until: Date.parse(validTo) };
}
