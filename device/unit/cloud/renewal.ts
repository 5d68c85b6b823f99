import { X509Certificate } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { LinkCredentials } from '../../../cloud-bridge/link/link-options.ts';
import { CertificateChoice, type GivenCertificate } from '../../../cloud-bridge/unit-end/renewal/certificate-choice.ts';
import type { RenewableIdentity } from '../../../cloud-bridge/unit-end/renewal/renewable-identity.ts';
import { UnitEnrolment } from '../../../provisioning/enrol/unit-enrolment.ts';
import { readBoardSerial } from '../../../provisioning/identity/board-serial.ts';
import { secretFolders } from '../../../provisioning/identity/folder-files.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import { readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError, systemCode } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { FolderLock } from '../../kernel/folder-lock.ts';
import { utcMilliseconds } from '../../kernel/units.ts';
import { credentialsOf } from './certificates.ts';

type LinkConfig = Pick<Config, 'cloud' | 'unit' | 'evidence'>;

/** A unit that renews its certificate by itself: what it renews, and what it connects with. */
export interface UnitRenewal {
  readonly identity: RenewableIdentity;
  readonly choice: CertificateChoice;
}

export interface UnitRenewalParts {
  readonly clock: Clock;
  readonly notice: (fault: AtalayaError) => void;
}

/** The link to the generation in force, in a unit's folder of keys and certificate. */
const inForce = 'current';
const provenFile = 'certificate.json';
const proven = z.object({ proven: z.string() });

/**
 * The renewal of a unit that was enrolled: `cloud.cert` and `cloud.key` lie in the generation in force of its identity folder. Undefined
 * where they lie elsewhere: whoever put them there renews them; and, with a notice, where what lies there cannot be read: a unit watches all
 * the same. Does not throw.
 */
export async function openRenewal(config: LinkConfig, parts: UnitRenewalParts): Promise<UnitRenewal | undefined> {
  const { clock, notice } = parts;
  const folder = identityFolderOf(config);
  if (folder === undefined) return undefined;
  const identity = new UnitEnrolment({
    folder,
    files: secretFolders,
    clock,
    serial: () => readBoardSerial(),
    // A first grant is taken by the local page alone.
    claim: { isOpen: () => false },
    data: config.evidence.data,
    lock: (path) => FolderLock.take(path),
  });
  const enrolled = await identity.certificate().catch((error: unknown) => {
    if (!(error instanceof AtalayaError)) throw error;
    notice(error);
    return undefined;
  });
  if (enrolled === undefined) return undefined;
  const path = join(config.evidence.data, 'outbox', provenFile);
  const choice = new CertificateChoice({
    newest: () => givenBy(config, clock),
    before: async () => {
      const generation = await identity.generationBefore();
      return generation === undefined ? undefined : givenBy(within(config, generation), clock);
    },
    proven: await readProven(path),
    prove: (serial) => {
      const content = Buffer.from(`${JSON.stringify({ proven: serial })}\n`);
      writeWholeFile(systemFiles, path, content).catch((error: unknown) => {
        if (isAtalayaError(error)) notice(error);
      });
    },
    clock,
  });
  return { identity, choice };
}

function identityFolderOf({ cloud: { cert, key } }: LinkConfig): string | undefined {
  if (cert === undefined || key === undefined) return undefined;
  const folder = dirname(cert);
  return basename(folder) === inForce && dirname(key) === folder ? dirname(folder) : undefined;
}

/** The same, with the files of another generation in place of those of the one in force. */
function within(config: LinkConfig, generation: string): LinkConfig {
  const { cloud } = config;
  const current = dirname(cloud.cert ?? '');
  const there = (path: string | undefined) =>
    path === undefined || dirname(path) !== current ? path : join(generation, basename(path));
  const [ca, cert, key] = [there(cloud.ca), there(cloud.cert), there(cloud.key)];
  return { ...config, cloud: { ...cloud, ca, cert, key } as Config['cloud'] };
}

async function givenBy(config: LinkConfig, clock: Clock): Promise<GivenCertificate> {
  const { credentials } = await credentialsOf(config, clock.utc());
  return { credentials, ...factsOf(credentials) };
}

function factsOf({ cert }: LinkCredentials): Pick<GivenCertificate, 'serial' | 'until'> {
  const { serialNumber, validTo } = new X509Certificate(cert ?? Buffer.alloc(0));
  return { serial: serialNumber.toLowerCase(), until: utcMilliseconds(Date.parse(validTo)) };
}

/** A file that cannot be read proves nothing. */
async function readProven(path: string): Promise<string | undefined> {
  try {
    const content = await readWholeFile(systemFiles, path);
    return proven.parse(JSON.parse(content?.toString() ?? '')).proven;
  } catch {
    return undefined;
  }
}

/** What whoever reads that the broker is not reached is to do, where the unit's own certificate is why. */
const cures: readonly (readonly [code: RegExp, cure: string])[] = [
  [
    /ALERT_CERTIFICATE_REVOKED$/,
    'if that is not meant, somebody goes to the unit and enrols it again (atalaya-provision enrol); where its key was revoked as stolen it is wiped first (atalaya-provision unit wipe; one without login: switch it off and flash its card anew)',
  ],
  [
    /ALERT_CERTIFICATE_EXPIRED$/,
    'where the certificate has not expired, the list of the broker has: give it a new one (atalaya-provision ca crl); else somebody goes to the unit and enrols it again (atalaya-provision enrol)',
  ],
  [
    /ALERT_UNKNOWN_CA$/,
    'give the broker the ca.pem of the authority that this unit is enrolled under, or enrol the unit again (atalaya-provision enrol)',
  ],
];

/** Why the broker is not reached, and where the certificate is the reason what is to be done. */
export function offlineWords(fault: AtalayaError): string {
  const code = systemCode(fault.cause) ?? '';
  const cure = cures.find(([form]) => form.test(code))?.[1];
  return cure === undefined ? fault.message : `${fault.message}: ${cure}`;
}
