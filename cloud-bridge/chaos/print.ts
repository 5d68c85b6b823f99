import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { sha256 } from '../../device/kernel/hash.ts';

/** What an event says, as a digest: two events of one print are one, byte for byte, in RFC 8785. */
export function printOf({
  kind,
  time,
  data,
}: {
  readonly kind: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly data: JsonValue;
}): string {
  return printOfText(kind, time, canonicalJson(data));
}

/** The same of data whose canonical text is known. */
export const printOfText = (kind: string, time: string, text: string): string => sha256(`${kind} ${time} ${text}`);
