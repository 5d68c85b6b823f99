import { randomUUID } from 'node:crypto';
import { type Desired, trustSchemaId } from '../../../../cloud-bridge/contract/acts.ts';
import { openTrust, type People } from '../../../../cloud-bridge/contract/people.ts';
import { makePersonKey, signerOf } from '../../../../cloud-bridge/contract/person-key.ts';
import { type Role, roles } from '../../../../cloud-bridge/contract/roles.ts';
import type { JsonValue } from '../../../kernel/canonical-json.ts';
import { publicKeyOf } from '../../../kernel/signed/key-id.ts';
import { type DocumentSigner, signDocument } from '../../../kernel/signed/sign-document.ts';
import { utcMilliseconds } from '../../../kernel/units.ts';
import { type Config, configSchema } from '../../config-schema.ts';
import type { DesiredContext } from '../judge-desired.ts';
import type { Settings } from '../settings.ts';
import type { UnitFacts } from '../unit-facts.ts';

/** The day on which everything here happens. */
export const today = Date.parse('2026-03-01T12:00:00Z');

/** One of each role, as the root key says, and somebody whom it does not know. */
export interface Cast {
  readonly people: People;
  readonly signers: Readonly<Record<Role | 'stranger', DocumentSigner>>;
}

export async function makeCast(): Promise<Cast> {
  const root = makePersonKey();
  const keys = { ...Object.fromEntries(roles.map((role) => [role, makePersonKey()])), stranger: makePersonKey() };
  const named = keys as Record<Role | 'stranger', ReturnType<typeof makePersonKey>>;
  const trust = await signDocument(
    {
      schema: trustSchemaId,
      version: 1,
      issued: '2026-01-01T00:00:00Z',
      people: roles.map((role) => ({ name: `the ${role}`, role, publicKey: named[role].publicPem })),
    },
    signerOf(root.privatePem),
  );
  const at = { utc: utcMilliseconds(today), reliable: true };
  const signers = Object.fromEntries(Object.entries(named).map(([who, key]) => [who, signerOf(key.privatePem)]));
  return {
    people: openTrust(JSON.stringify(trust), publicKeyOf(root.publicPem, 'root'), at),
    signers: signers as Cast['signers'],
  };
}

export const facts: UnitFacts = {
  unit: 'unit-7',
  bundles: [
    'ssdlite-mobilenet-v2-int8',
    'ssdlite-mobilenet-v2-float',
    'plate-finder-ppocr-v4-int8',
    'plate-reader-atalaya-float',
    'plate-reader-ppocr-v4-int8',
  ],
  rules: ['speeding', 'red-light', 'stopping'],
  outputs: ['beacon', 'strobe', 'relay'],
  sceneFormats: true,
  memoryBytes: 2e9,
  diskBytes: 32e9,
  cores: 4,
  hasFile: (path) => !path.includes('missing'),
};

/** An age recipient that is known to be one. */
export const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

/** The unit's own file. */
export function baseConfig(): Config {
  return configSchema.parse({
    unit: { id: 'unit-7' },
    evidence: { data: '/var/lib/atalaya', authority: [recipient] },
    plates: { listKey: '/etc/atalaya/lists.pem' },
    cloud: { broker: 'mqtts://broker.example', cert: '/etc/atalaya/unit.pem', key: '/etc/atalaya/unit.key' },
  });
}

export function contextOf({ people }: Cast, changes: Partial<DesiredContext> = {}): DesiredContext {
  const base = baseConfig();
  return {
    unit: 'unit-7',
    people,
    base,
    current: base,
    highest: undefined,
    facts,
    now: { utc: utcMilliseconds(today), reliable: true },
    ...changes,
  };
}

/** A good document, but for what is changed; undefined takes a field out. */
export function draft(settings: Settings, changes: Readonly<Record<string, JsonValue | undefined>> = {}): Body {
  return {
    schema: 'atalaya/config/1',
    unit: 'unit-7',
    version: 8,
    issued: '2026-03-01T11:00:00Z',
    probationMinutes: 10,
    settings,
    ...changes,
  };
}

export type Body = { readonly schema: string; readonly [field: string]: JsonValue | undefined };

export async function signedText(body: Body, signer: DocumentSigner): Promise<Buffer> {
  return Buffer.from(JSON.stringify(await signDocument(body, signer)));
}

export async function signedDesired(
  settings: Settings,
  version: number,
  signer: DocumentSigner,
  changes: Partial<Desired> = {},
): Promise<Buffer> {
  return signedText(draft(settings, { version, note: randomUUID(), ...(changes as Settings) }), signer);
}
