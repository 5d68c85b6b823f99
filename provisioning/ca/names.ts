import { isIP } from 'node:net';
import { bridgePrefix, clientName } from '../../cloud-bridge/contract/names.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';

/** What a certificate is for. */
export const holderKinds = ['unit', 'bridge', 'broker', 'api'] as const;
export type HolderKind = (typeof holderKinds)[number];

/** What a holder of this kind is called in a sentence. */
export const holderWords: Readonly<Record<HolderKind, string>> = {
  unit: 'unit',
  bridge: 'bridge',
  broker: 'broker',
  api: 'HTTPS server of the centre (api)',
};

/** Servers are known by host names and addresses, and never sign in anywhere with their certificate. */
export const isServer = (kind: HolderKind): boolean => kind === 'broker' || kind === 'api';

const hostForm = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Throws `usage-invalid` for a name that no holder of this kind can have. */
export function checkHolderName(kind: HolderKind, name: string): void {
  if (isServer(kind)) {
    if (!hostForm.test(name) && isIP(name) === 0)
      throw wrong(name, 'no host name and no address', 'Give the name that is connected to.');
    return;
  }
  if (!clientName.safeParse(name).success) {
    throw wrong(name, 'not 1 to 63 lower-case letters, digits and dashes', 'Give a name such as north-1.');
  }
  if (name.startsWith(bridgePrefix) === (kind === 'bridge')) return;
  throw kind === 'unit'
    ? wrong(
        name,
        `a name of a bridge: brokers give ${bridgePrefix}... the rights over all units`,
        'Choose another name for the unit.',
      )
    : wrong(name, 'no name that brokers know as a bridge', `Name it ${bridgePrefix}1, ${bridgePrefix}2 and so on.`);
}

/** The URI that stands in the certificate of a unit or a bridge. */
export const holderUri = (kind: HolderKind, name: string): string => `atalaya:${kind}:${name}`;

function wrong(name: string, why: string, hint: string): AtalayaError {
  return new AtalayaError('usage-invalid', `${JSON.stringify(name.slice(0, 80))} is ${why}`, { hint });
}
