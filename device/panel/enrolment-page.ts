import type { UnitIdentity } from '../../provisioning/contract/enrolment.ts';
import { grouped } from '../../provisioning/contract/fingerprint.ts';
import { html, Markup } from '../kernel/html.ts';

export interface EnrolmentPage {
  readonly identity: UnitIdentity;
  /** The QR code of the identity, an SVG of our own making. */
  readonly codeSvg: string;
  /** Whole minutes in which a first grant is taken; 0: none is. */
  readonly minutesLeft: number;
}

const places = { tpm: 'in the TPM', file: 'in a file' } as const;

/** What a technician compares, for a phone in the sun: dark on light, large digits. It is made anew each time it is asked for. */
export function enrolmentPage({ identity, codeSvg, minutesLeft }: EnrolmentPage): string {
  const { serial, serialFrom, fingerprint, keptIn, signing, enrolled } = identity;
  const claim =
    minutesLeft > 0
      ? html`A first grant is taken for ${minutesLeft} more ${minutesLeft === 1 ? 'minute' : 'minutes'}.`
      : html`No first grant is taken any more: start the unit again, and this page with it.`;
  const state =
    enrolled === undefined
      ? html`<h2>Not enrolled</h2><p>${claim}</p>`
      : html`<h2>Enrolled as ${enrolled.unit}</h2>
<p>Grant ${enrolled.version}, until ${enrolled.expires.slice(0, 10)}. Compare the authority with what the laptop shows:</p>
<p class="digits">${grouped(enrolled.authority)}</p>`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="5"><title>Unit ${serial}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;margin:1rem auto;max-width:34rem;padding:0 .8rem;color:#111;background:#fff}
.digits{font:700 1.35rem/1.6 ui-monospace,monospace;word-spacing:.2em;overflow-wrap:anywhere}
svg{display:block;width:min(100%,18rem);height:auto}</style></head><body>
<h1>Unit ${serial}</h1>
${new Markup(codeSvg)}
<p>Key, ${places[keptIn]}; its last eight digits are what the laptop asks for:</p>
<p class="digits">${grouped(fingerprint)}</p>
${signing === undefined ? undefined : html`<p>Evidence key, ${places[signing.keptIn]}:</p><p class="digits">${grouped(signing.fingerprint)}</p>`}
${state}
<p>The serial is from ${serialFrom === 'device-tree' ? 'the board' : serialFrom === 'dmi' ? 'the firmware' : 'the installation, not the board'}.</p>
</body></html>
`.text;
}
