/** Packages that state no licence as SPDX writes it, by `NAME@VERSION`: another version is looked at anew. */
export const licenceExceptions: ReadonlyMap<string, { readonly licence: string; readonly reason: string }> = new Map([
  [
    'png-js@2.0.0',
    { licence: 'MIT', reason: 'its LICENSE is the text of the MIT licence; its package.json has no field' },
  ],
]);

/** The licence of a package as its author states it, or as the table does. */
export const licenceOf = (
  { name, version, licence }: { readonly name: string; readonly version: string; readonly licence: string | undefined },
  exceptions = licenceExceptions,
): string | undefined => licence ?? exceptions.get(`${name}@${version}`)?.licence;
