import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Config } from './config/config-schema.ts';
import type { HealthFacts } from './health/health-facts.ts';
import { utcMilliseconds } from './kernel/units.ts';

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
