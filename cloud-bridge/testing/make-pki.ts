import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../device/kernel/clock.ts';
import { DemoAuthority } from '../simulate/pki/pki.ts';

export interface IssueFaults {
  readonly expired?: boolean;
  readonly notYet?: boolean;
  /** Signed by an authority that nobody knows; the broker's authority is trusted all the same. */
  readonly otherCa?: boolean;
}

/** What a client connects with; `ca` is the authority of the server. */
export interface IssuedCredentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Keys and certificates of one test, in a folder. */
export interface Pki {
  readonly folder: string;
  /** Paths. */
  readonly ca: string;
  readonly crl: string;
  /** Of a server on this machine: 127.0.0.1, localhost. */
  readonly server: { readonly cert: string; readonly key: string };
  /** What a client with this common name connects with. */
  issue(cn: string, faults?: IssueFaults): Promise<IssuedCredentials>;
  /** PEM of an authority that the server knows nothing of. */
  readonly otherCa: Buffer;
  /** Writes a list that has every certificate issued to that name; whoever reads the list has to be told. */
  revoke(cn: string): Promise<void>;
  /** Writes the list again, good for so many days; a negative number makes it out of date. */
  renewCrl(days: number): Promise<void>;
}

export async function makePki(folder: string): Promise<Pki> {
  await mkdir(folder, { recursive: true });
  const [authority, other] = await Promise.all([
    DemoAuthority.create(systemClock),
    DemoAuthority.create(systemClock, 'An unknown authority'),
  ]);
  const path = (name: string) => join(folder, name);
  const server = await authority.issue('broker', { server: ['127.0.0.1', 'localhost'] });
  const issued = new Map<string, string[]>();
  const renewCrl = async (days: number) => {
    await writeFile(path('crl.part'), await authority.crlPem(days));
    await rename(path('crl.part'), path('crl.pem'));
  };
  await writeFile(path('ca.pem'), authority.certPem);
  await writeFile(path('server.pem'), server.certPem);
  await writeFile(path('server.key'), server.keyPem);
  await renewCrl(30);
  return {
    folder,
    ca: path('ca.pem'),
    crl: path('crl.pem'),
    server: { cert: path('server.pem'), key: path('server.key') },
    issue: async (cn, faults = {}) => {
      const { certPem, keyPem } = await (faults.otherCa === true ? other : authority).issue(cn, {
        ...(faults.expired === true ? { fromDays: -20, days: -10 } : {}),
        ...(faults.notYet === true ? { fromDays: 10, days: 20 } : {}),
      });
      issued.set(cn, [...(issued.get(cn) ?? []), certPem]);
      return { ca: Buffer.from(authority.certPem), cert: Buffer.from(certPem), key: Buffer.from(keyPem) };
    },
    revoke: async (cn) => {
      for (const certPem of issued.get(cn) ?? []) authority.revoke(certPem);
      await renewCrl(30);
    },
    otherCa: Buffer.from(other.certPem),
    renewCrl,
  };
}
