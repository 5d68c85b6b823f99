import type { AddressInfo } from 'node:net';

/** What a server is bound to, as an address: `0.0.0.0` and `::` are every address of this machine, and are told as they are. */
export function boundAddress(scheme: 'http' | 'https', [first]: readonly (string | AddressInfo)[]): string {
  if (first === undefined || typeof first === 'string') return `${scheme}://${first ?? ''}`;
  const { address, port } = first;
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
