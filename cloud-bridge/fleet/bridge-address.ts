import { AtalayaError } from '../../device/kernel/errors.ts';

/** Where a bridge listens to people. */
export type BridgeAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly secure: boolean; readonly host: string; readonly port: number };

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Reads `unix:PATH`, `https://HOST[:PORT]`, or `http://` where it stays on this machine: requests are signed, answers are not, and
 * neither is anybody else's business. Throws `usage-invalid`.
 */
export function parseBridgeAddress(text: string): BridgeAddress {
  const refused = (why: string): AtalayaError =>
    new AtalayaError('usage-invalid', `the bridge's address ${why}`, {
      hint: 'Give --bridge, or ATALAYA_BRIDGE, as unix:/var/lib/atalaya/api.sock or https://HOST:PORT.',
    });
  if (text === '') throw refused('is empty');
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '') throw refused('names no socket');
    return { kind: 'unix', path };
  }
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw refused(`is none: ${text}`);
  if (url.username !== '' || url.password !== '')
    throw refused('holds a password, and the centre takes signed requests');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw refused('has more than a host and a port');
  const secure = url.protocol === 'https:';
  if (!secure && !loopback.has(url.hostname)) throw refused('is http:// and leads away from this machine');
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  return { kind: 'tcp', secure, host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

export function addressWords(address: BridgeAddress): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}
