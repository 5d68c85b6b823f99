import { encode, renderSVG, renderUnicodeCompact } from 'uqr';
import type { UnitIdentity } from '../contract/enrolment.ts';

/** What the QR code of a unit says: who it is, and which key it has. */
export function enrolmentUri({ serial, fingerprint }: Pick<UnitIdentity, 'serial' | 'fingerprint'>): string {
  return `atalaya:enrol?serial=${encodeURIComponent(serial)}&fp=${fingerprint}`;
}

/** Reads what a QR scanner gave; undefined for anything else. */
export function readEnrolmentUri(text: string): { readonly serial: string; readonly fingerprint: string } | undefined {
  const found = /^atalaya:enrol\?serial=([^&\s]{1,200})&fp=([0-9a-f]{64})$/.exec(text.trim());
  if (found === null) return undefined;
  try {
    return { serial: decodeURIComponent(found[1] as string), fingerprint: found[2] as string };
  } catch {
    return undefined;
  }
}

/** Half-blocks for a terminal or an HDMI console with light letters on dark ground, as they are: two modules a character. */
export function enrolmentCodeText(identity: Pick<UnitIdentity, 'serial' | 'fingerprint'>): string {
  return renderUnicodeCompact(enrolmentUri(identity), { ecc: 'M', border: 2 });
}

/** An SVG picture for a page. */
export function enrolmentCodeSvg(identity: Pick<UnitIdentity, 'serial' | 'fingerprint'>): string {
  return renderSVG(enrolmentUri(identity), { ecc: 'M', border: 4 });
}

/** Modules of a side, without the border; for whoever draws it otherwise. */
export function enrolmentCodeModules(
  identity: Pick<UnitIdentity, 'serial' | 'fingerprint'>,
): readonly (readonly boolean[])[] {
  return encode(enrolmentUri(identity), { ecc: 'M', border: 0 }).data;
}
