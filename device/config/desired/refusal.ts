/** Why a configuration is refused, or given back: a closed list, so that whoever reads `config/reported` decides by the code. */
export const refusalCodes = {
  // What cannot be read.
  oversized: 'longer than a packet',
  'not-json': 'no JSON, or no UTF-8',
  malformed: 'JSON that two readers may take for two things, or not the form of a document',
  'other-schema': 'a document of another kind or version',
  // Who says so.
  'no-trust': 'this unit trusts nobody: it has no trust document',
  'not-signed': 'no signature',
  'signature-malformed': 'no Ed25519 signature in its one spelling',
  'unknown-key': 'signed by a key that is not trusted here',
  altered: 'not what was signed',
  'not-allowed': 'signed by somebody who may not configure units',
  // For whom and when.
  'other-unit': 'for another unit',
  'older-version': 'a version below the newest that was ever accepted',
  'version-taken': 'the version of the newest that was ever accepted, with other content',
  expired: 'past its expiry',
  'issued-later': 'issued in the future',
  'expires-first': 'expires before it is issued',
  // What it sets.
  'field-unknown': 'no such field',
  'field-unit-only': 'a field that is set at the unit only',
  'field-missing': 'a required field is absent',
  'wrong-type': 'of the wrong type',
  'out-of-bounds': 'beyond the bounds of the field',
  'form-wrong': 'a text that has not the form of the field',
  'not-a-choice': 'none of the values that the field may have',
  'lists-without-key': 'watch lists and no key to believe them by',
  'certificate-without-key': 'a certificate without its key, or the other way round',
  'broker-without-certificate': 'a broker that asks for a certificate, and none is there',
  'broker-not-mqtts': 'a broker without TLS',
  'trust-without-root': 'a trust document and no root key',
  contradiction: 'fields that contradict one another',
  // Whether this unit can.
  'authority-emptied': 'nobody could open the pictures any more',
  'recipient-malformed': 'no age recipient',
  'witness-malformed': 'no verifier key of a witness',
  'bundle-not-here': 'a model bundle that this unit does not have',
  'path-relative': 'a path that does not begin at /',
  'list-not-here': 'a watch list that this unit does not have',
  'output-not-here': 'an output line that this unit does not have',
  'output-twice': 'one output line for two lamps',
  'rule-unknown': 'a rule that this unit does not know',
  'retention-idle': 'a policy that never erases anything',
  'retention-name-twice': 'two policies of one name',
  'retention-unreachable': 'a policy behind one that is about everything',
  'reserve-above-free': 'evidence would be refused before any is erased to make room',
  'scene-without-formats': 'plates are to be read in a scene that names no plate formats',
  'threads-beyond-cores': 'more threads than processor cores',
  'memory-short': 'more memory than the unit can give',
  'disk-short': 'more disk than the unit has',
  // What became of it on trial, and afterwards.
  'apply-failed': 'the unit could not apply it',
  'broker-not-reached': 'on trial the broker was not reached',
  'frames-not-seen': 'on trial no frame was seen',
  'evidence-not-sealed': 'on trial no evidence could be sealed',
  'not-started': 'the unit did not start with it',
  'boots-used-up': 'the unit started too often while it was on trial',
  'no-longer-fits': 'it does not fit the unit any more',
  'document-lost': 'it can no longer be read from the disk',
  'state-lost': 'what was in force can no longer be read from the disk',
  'not-durable': 'the disk did not take it',
  'audit-behind': 'too many earlier acts wait for the audit log',
  'by-hand': 'a person at the unit went back',
} as const;

export type RefusalCode = keyof typeof refusalCodes;

export interface Refusal {
  readonly code: RefusalCode;
  /** For a person; begins with the field's path where it is about one. Holds no value of the document. */
  readonly words: string;
}

/** So many reasons are told, each so long: together they fit a packet. */
const most = { reasons: 50, characters: 400 } as const;

/** `code: words`, as reports and the audit log have it. */
export function spoken({ code, words }: Refusal): string {
  return `${code}: ${words}`.slice(0, most.characters);
}

export function spokenAll(refusals: readonly Refusal[]): readonly string[] {
  const said = refusals.slice(0, most.reasons).map(spoken);
  const more = refusals.length - most.reasons;
  return more > 0 ? [...said.slice(0, -1), `${refusals[most.reasons - 1]?.code}: and ${more} reasons more`] : said;
}
