import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { RepositoryKeys } from '../../repository/begin-repository.ts';
import { keyIdOf, type PublicMetadataKey } from '../../repository/signers/metadata-signer.ts';
import { short } from '../../repository/summary.ts';

/** Keys of both repositories; of one that is not known undefined. */
export interface AllKeys {
  readonly image: RepositoryKeys | undefined;
  readonly director: RepositoryKeys | undefined;
}

/**
 * Throws `usage-invalid` for a key that stands in roles which have to be apart: holders, office and director are three places, and who breaks into
 * one has that one only. `only`: ids of the keys that are looked at; all of them unless said otherwise.
 */
export function checkApart({ image, director }: AllKeys, only?: readonly string[]): void {
  const idsOf = (...some: readonly ({ readonly keys: readonly PublicMetadataKey[] } | undefined)[]) =>
    new Set(some.flatMap((one) => one?.keys ?? []).map(keyIdOf));
  const places = [
    { whose: "a holder's", ids: idsOf(image?.root, image?.targets, director?.root) },
    { whose: "the office's", ids: idsOf(image?.snapshot, image?.timestamp) },
    { whose: "the director's", ids: idsOf(director?.targets, director?.snapshot, director?.timestamp) },
  ];
  for (const id of only ?? new Set(places.flatMap(({ ids }) => [...ids]))) {
    const found = places.filter(({ ids }) => ids.has(id)).map(({ whose }) => whose);
    if (found.length < 2) continue;
    throw new AtalayaError('usage-invalid', `the key ${short(id)} is ${found.join(' and ')}`, {
      hint: 'Each role has a key of its own (ota/repository/README.md).',
    });
  }
}
