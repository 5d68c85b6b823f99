import { AtalayaError } from '../../../device/kernel/errors.ts';

/** A key in a token, as RFC 7512 names it: `pkcs11:token=LABEL;id=%01?module-path=/usr/lib/...so&pin-source=file:/path`. */
export interface TokenKey {
  /** Label of the token. */
  readonly token: string;
  /** CKA_ID, hexadecimal. */
  readonly id: string;
  /** Of a key that is made: its label. */
  readonly object: string | undefined;
  /** Path of the library that speaks to the token. */
  readonly module: string;
  /** Path of a file with the PIN. */
  readonly pinFile: string | undefined;
}

export const isTokenKey = (text: string): boolean => text.startsWith('pkcs11:');

/** Throws `usage-invalid`. A PIN in the URI itself is refused: it would stand in the list of processes. */
export function readTokenKey(uri: string): TokenKey {
  const [path = '', query = ''] = uri.slice('pkcs11:'.length).split('?');
  const of = attributes(path.split(';'), uri);
  const options = attributes(query.split('&'), uri);
  for (const name of [...of.keys(), ...options.keys()]) {
    if (!['token', 'id', 'object', 'type', 'module-path', 'pin-source'].includes(name)) {
      throw invalid(`${name} is not known in a key's URI`);
    }
  }
  const token = text(of.get('token'));
  const id = of.get('id')?.toString('hex') ?? '';
  const module = text(options.get('module-path'));
  // By its label a token may give any key: pkcs11-tool of OpenSC 0.23 signs with the first one where no label fits.
  if (token === '' || id === '' || module === '') throw invalid("a key's URI names token, id and module-path");
  const source = text(options.get('pin-source'));
  const pinFile = source === '' ? undefined : source.replace(/^file:(\/\/(?=\/))?/, '');
  return { token, id, object: of.has('object') ? text(of.get('object')) : undefined, module, pinFile };
}

const text = (value: Buffer | undefined): string => value?.toString('utf8') ?? '';

function attributes(parts: readonly string[], uri: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const part of parts.filter((one) => one !== '')) {
    const [, name = '', value = ''] = /^([a-z-]+)=(.*)$/s.exec(part) ?? [];
    if (name === '' || found.has(name)) throw invalid(`${uri.slice(0, 200)} is no URI of a key in a token`);
    found.set(name, unescaped(value));
  }
  return found;
}

function unescaped(value: string): Buffer {
  const bytes: number[] = [];
  for (const piece of value.match(/%[0-9A-Fa-f]{2}|[^%]+|%/gs) ?? []) {
    if (piece === '%') throw invalid('a % is followed by two hexadecimal digits');
    bytes.push(...(piece.startsWith('%') ? [Number.parseInt(piece.slice(1), 16)] : Buffer.from(piece)));
  }
  return Buffer.from(bytes);
}

const invalid = (what: string): AtalayaError =>
  new AtalayaError('usage-invalid', what, {
    hint: 'Write pkcs11:token=LABEL;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so, and &pin-source=file:/PATH where nobody types the PIN.',
  });
