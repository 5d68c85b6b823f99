import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import { parse } from '../../device/kernel/schema.ts';
import { type DocumentSigner, signDocument } from '../../device/kernel/signed/sign-document.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import { configSchemaId, type Desired, desired } from '../contract/acts.ts';

export interface ConfigDraft {
  readonly unit: string;
  readonly version: number;
  readonly settings: Readonly<Record<string, JsonValue>>;
  readonly probationMinutes: number;
  readonly note?: string;
  /** ISO 8601. */
  readonly expires?: string;
}

/** A configuration that its unit takes from whoever holds this key, if the role allows it. Throws `usage-invalid` for what is no document. */
export async function signConfig(draft: ConfigDraft, signer: DocumentSigner, now: UtcMilliseconds): Promise<Desired> {
  const { settings, ...rest } = draft;
  const body = { schema: configSchemaId, ...rest, issued: toIso(now), settings: { ...settings } };
  return parse(desired, await signDocument(body, signer), `the document for ${draft.unit}`, 'usage-invalid');
}
