import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../../device/kernel/units.ts';
import { checkClientCertificate } from '../../link/certificate-check.ts';
import type { LinkCredentials, LinkOptions } from '../../link/mqtt-link.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { needed } from './needed-file.ts';

/** The way to the broker as a configuration says. The certificate is read at each connection, so that a renewed one is used. */
export function linkOptions(
  { name, broker }: BridgeConfig,
  { clock, timer, random }: { readonly clock: Clock; readonly timer: Timer; readonly random: Random },
): LinkOptions {
  const { url, serverName, protocol, keepAliveS, sessionHours } = broker;
  return {
    ...{ url, clientId: name, protocol, clock, timer, random },
    ...(serverName === undefined ? {} : { serverName }),
    keepAlive: seconds(keepAliveS),
    sessionExpiry: seconds(Math.round(sessionHours * 3600)),
    receiveMaximum: 200,
    backoff: { first: milliseconds(500), most: milliseconds(30_000) },
    connectDeadline: milliseconds(15_000),
    credentials: () => credentialsOf(broker),
  };
}

/**
 * Looks at certificate and key before anything is opened. Throws `key-invalid` for what no broker would let in, `key-missing` for a file
 * that is not there, `config-invalid` for one without the other; what comes soon goes into the log.
 */
export async function checkCredentials({ name, broker }: BridgeConfig, clock: Clock, log: Log): Promise<void> {
  const { ca, cert, key } = await credentialsOf(broker);
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    throw new AtalayaError('config-invalid', `broker.${there} is named without broker.${missing}`, {
      hint: 'A certificate serves with its private key alone: name both.',
    });
  }
  if (cert === undefined || key === undefined) return;
  const given = {
    certificate: cert.toString(),
    key: key.toString(),
    ...(ca === undefined ? {} : { ca: ca.toString() }),
  };
  const { problems, warnings } = checkClientCertificate(given, name, clock.utc());
  if (problems.length > 0) {
    throw new AtalayaError('key-invalid', `the certificate of ${name}, ${broker.cert}: ${problems.join('; ')}`, {
      hint: 'Name the right files in broker.cert and broker.key, or have a certificate issued: cloud-bridge/broker/certificates.md.',
    });
  }
  for (const warning of warnings)
    log.warn({ part: 'bridge' }, `the certificate of ${name}, ${broker.cert}: ${warning}`);
}

async function credentialsOf({ ca, cert, key }: BridgeConfig['broker']): Promise<LinkCredentials> {
  return {
    ...(ca === undefined ? {} : { ca: await needed(ca, 'broker.ca') }),
    ...(cert === undefined ? {} : { cert: await needed(cert, 'broker.cert') }),
    ...(key === undefined ? {} : { key: await needed(key, 'broker.key') }),
  };
}
