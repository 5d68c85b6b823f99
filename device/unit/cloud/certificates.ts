import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkClientCertificate } from '../../../cloud-bridge/link/certificate-check.ts';
import type { LinkCredentials } from '../../../cloud-bridge/link/link-options.ts';
import type { Config } from '../../config/config-schema.ts';
import type { HealthFacts } from '../../health/health-facts.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../kernel/units.ts';

/** What a unit connects with, and what a person should see to. */
export interface UnitCredentials {
  readonly credentials: LinkCredentials;
  /** A sentence each: dates that have passed or will soon. A unit works on without its centre. */
  readonly warnings: readonly string[];
}

/**
 * The files of `cloud.ca`, `cloud.cert` and `cloud.key`, read now.
 *
 * Throws `config-invalid` where one cannot be read, or with them no broker would ever take this unit for itself: the certificate is of
 * another name, the key is of another certificate, the authority's file has no certificate. What is a matter of dates is a warning only: a
 * unit whose certificate has expired, or whose clock was lost with the power, has to watch all the same, and the files are read again at
 * every connection.
 */
export async function credentialsOf(
  { cloud: { ca, cert, key }, unit }: Pick<Config, 'cloud' | 'unit'>,
  now: UtcMilliseconds,
): Promise<UnitCredentials> {
  const [caPem, certPem, keyPem] = [await pemOf(ca, 'ca'), await pemOf(cert, 'cert'), await pemOf(key, 'key')];
  const credentials = {
    ...(caPem === undefined ? {} : { ca: caPem }),
    ...(certPem === undefined ? {} : { cert: certPem }),
    ...(keyPem === undefined ? {} : { key: keyPem }),
  };
  if (certPem === undefined || keyPem === undefined) return { credentials, warnings: [] };
  const given = { certificate: certPem.toString(), key: keyPem.toString(), ca: caPem?.toString() };
  // On its first day nothing has expired: what is a problem then is one for ever.
  const lasting = checkClientCertificate(given, unit.id, firstDayOf(given.certificate) ?? now).problems;
  if (lasting.length > 0) {
    throw new AtalayaError('config-invalid', `the certificate of the unit, ${cert}: ${lasting.join('; ')}`, {
      hint: `Put the files in place that were issued to ${unit.id}: cloud.cert, cloud.key of that certificate, and cloud.ca of the broker's authority; or correct unit.id.`,
    });
  }
  const { problems, warnings } = checkClientCertificate(given, unit.id, now);
  return { credentials, warnings: [...problems, ...warnings].map((one) => `the certificate of the unit: ${one}`) };
}

async function pemOf(path: string | undefined, field: string): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  return await readFile(path).catch((cause: unknown) => {
    throw new AtalayaError('config-invalid', `${path} of cloud.${field} cannot be read`, {
      hint: 'Put the file there, readable for this user.',
      cause,
    });
  });
}

/** When the certificates of the link end; a file that cannot be read is the link's to tell. */
export async function certificatesOf({
  cloud: { ca, cert },
}: Pick<Config, 'cloud'>): Promise<NonNullable<HealthFacts['certificates']>> {
  const named = [
    ['the certificate of the unit', cert],
    ["the authority's certificate", ca],
  ] as const;
  const found = await Promise.all(
    named.map(async ([name, path]) => {
      if (path === undefined) return [];
      try {
        const { validTo } = new X509Certificate(await readFile(path));
        return [{ name, expires: utcMilliseconds(Date.parse(validTo)) }];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

function firstDayOf(pem: string): UtcMilliseconds | undefined {
  try {
    return utcMilliseconds(Date.parse(new X509Certificate(pem).validFrom));
  } catch {
    return undefined;
  }
}
