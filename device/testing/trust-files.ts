import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchemaId, trustSchemaId } from '../../cloud-bridge/contract/acts.ts';
import { makePersonKey, type PersonKey, signerOf } from '../../cloud-bridge/contract/person-key.ts';
import { type Config, configSchema } from '../config/config-schema.ts';
import type { Settings } from '../config/desired/settings.ts';
import { signDocument } from '../kernel/signed/sign-document.ts';

/** A folder in which a unit finds whom to trust, and whoever signs for it. */
export interface TrustFiles {
  readonly root: PersonKey;
  readonly supervisor: PersonKey;
  /** Paths, as a configuration has them. */
  readonly cloud: { readonly trust: string; readonly rootKey: string };
  /** Puts a trust document in the place of the present one. */
  writeTrust(version: number, changes?: TrustChanges): Promise<void>;
  /** A configuration for the unit, signed by the supervisor. */
  desired(version: number, settings: Settings, unit?: string): Promise<Buffer>;
}

export interface TrustChanges {
  /** Who signs in the place of the root key; `nobody`: no signature. */
  readonly signer?: PersonKey | 'nobody';
  readonly name?: string;
}

export async function makeTrustFiles(folder: string): Promise<TrustFiles> {
  const [root, supervisor] = [makePersonKey(), makePersonKey()];
  const cloud = { trust: join(folder, 'trust.json'), rootKey: join(folder, 'root.public.pem') };
  await writeFile(cloud.rootKey, root.publicPem);
  const writeTrust = async (version: number, { signer = root, name = 'Ana' }: TrustChanges = {}) => {
    const body = {
      schema: trustSchemaId,
      version,
      issued: '2026-01-01T00:00:00Z',
      people: [{ name, role: 'supervisor', publicKey: supervisor.publicPem }],
    };
    const document = signer === 'nobody' ? body : await signDocument(body, signerOf(signer.privatePem));
    await writeFile(cloud.trust, JSON.stringify(document));
  };
  await writeTrust(1);
  return {
    root,
    supervisor,
    cloud,
    writeTrust,
    desired: async (version, settings, unit = 'unit-7') => {
      const issued = '2026-01-02T00:00:00Z';
      const body = { schema: configSchemaId, unit, version, issued, probationMinutes: 10, settings };
      return Buffer.from(JSON.stringify(await signDocument(body, signerOf(supervisor.privatePem))));
    },
  };
}

/** A unit's own file: `unit-7` with its data in `data`, and whatever is given besides. */
export function unitConfig(data: string, more: Readonly<Record<string, unknown>> = {}): Config {
  return configSchema.parse({ unit: { id: 'unit-7' }, evidence: { data }, ...more });
}
