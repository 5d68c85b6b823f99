import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import type { UnsignedVersionReport } from '../contract/version-report.ts';

/** What a version report is signed over: its RFC 8785 canonical JSON without the signature. The schema in it keeps it from being anything else. */
export function reportBytes(report: UnsignedVersionReport & { readonly signature?: unknown }): Buffer {
  const { signature: _, ...body } = report;
  return Buffer.from(canonicalJson(body as unknown as JsonValue));
}
