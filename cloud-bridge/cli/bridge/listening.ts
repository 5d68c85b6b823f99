import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import type { ApiListener } from '../../centre/api/server.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { needed } from './needed-file.ts';

/** Where people are listened to. Throws `key-missing`, and `key-invalid` for a certificate that cannot serve. */
export async function listenerOf({ data, api: { socket, tls } }: BridgeConfig): Promise<ApiListener> {
  return {
    socket: socket === null ? undefined : (socket ?? join(data, 'api.sock')),
    tls: tls === undefined ? undefined : await tlsOf(tls),
  };
}

async function tlsOf(tls: NonNullable<BridgeConfig['api']['tls']>) {
  const { host, port } = tls;
  const [cert, key] = [await needed(tls.cert, 'api.tls.cert'), await needed(tls.key, 'api.tls.key')];
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const mismatch = systemCode(error) === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    const why = mismatch
      ? `${tls.key} is not the key of ${tls.cert}`
      : `${tls.cert} and ${tls.key} are no certificate and private key in PEM`;
    throw new AtalayaError('key-invalid', `the API cannot serve TLS: ${why}`, {
      hint: 'They are named by api.tls.cert and api.tls.key.',
      cause: error,
    });
  }
  return { host, port, cert, key };
}

/** What is listened on, for whoever has to put it right. */
export interface ListeningPlace {
  /** `the API`, `health and metrics`. */
  readonly what: string;
  readonly at: string;
  /** The fields of the configuration that say so. */
  readonly field: string;
}

/** Calls `listen`, and says in words of the configuration why it could not. */
export async function listening<T>(places: readonly ListeningPlace[], listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    throw listenFault(error, places);
  }
}

/** The places of the API, the socket first. */
export function apiPlaces({ socket, tls }: ApiListener): readonly ListeningPlace[] {
  return [
    ...(socket === undefined ? [] : [{ what: 'the API', at: socket, field: 'api.socket' }]),
    ...(tls === undefined ? [] : [{ what: 'the API', at: `${tls.host}:${tls.port}`, field: 'api.tls' }]),
  ];
}

export function opsPlace({ host, port }: NonNullable<BridgeConfig['ops']>): ListeningPlace {
  return { what: 'health and metrics', at: `${host}:${port}`, field: 'ops' };
}

const words: Readonly<Record<string, readonly [string, (field: string) => string]>> = {
  EADDRINUSE: ['another program listens there', (field) => `End that program, or name another port in ${field}.port.`],
  EACCES: ['this user may not', (field) => `Name a place in ${field} that this user may listen at.`],
  EADDRNOTAVAIL: ['this machine has no such address', (field) => `Name an address of this machine in ${field}.host.`],
  ENOTFOUND: ['that name is not known', (field) => `Name an address of this machine in ${field}.host.`],
};

const folderFault = [
  'its folder does not exist, or this user may not write there',
  (field: string) => `Make the folder for this user, or name another path in ${field}.`,
] as const;
const wordsOfPaths: typeof words = {
  EACCES: folderFault,
  ENOENT: folderFault,
  EINVAL: ['the path is too long for a socket', (field) => `Name a shorter path in ${field}.`],
};

/** Throws nothing; what is no fault of listening is given back as it is. */
function listenFault(error: unknown, places: readonly ListeningPlace[]): unknown {
  if (isAtalayaError(error) || places.length === 0) return error;
  const code = systemCode(error) ?? '';
  const { what, at, field } = placeOf(error, places);
  // Of a socket the system says the same of a folder that is missing and of one that is closed to us.
  const [why, hint] = (at.startsWith('/') ? wordsOfPaths : words)[code] ?? [];
  if (why === undefined || hint === undefined) return error;
  return new AtalayaError('config-invalid', `cannot listen on ${at} for ${what}: ${why}`, {
    hint: hint(field),
    cause: error,
  });
}

/** The one that the error names by its port or path; the only one otherwise. */
function placeOf(error: unknown, places: readonly ListeningPlace[]): ListeningPlace {
  const { port, address, path } = error as { port?: unknown; address?: unknown; path?: unknown };
  const named = places.find(({ at }) => at === path || at === address || at.endsWith(`:${String(port)}`));
  return named ?? (places[0] as ListeningPlace);
}
