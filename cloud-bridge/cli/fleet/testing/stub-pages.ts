import { type acts, infractions } from './stub-figures.ts';

export interface InfractionQuery {
  readonly unit?: string;
  readonly before?: string;
  readonly limit: number;
}

/** A page of three infractions of two units; `files` are those of the first. */
export function infractionPage(
  files: readonly { readonly state: string }[],
  { unit, before, limit }: InfractionQuery,
): { readonly infractions: readonly unknown[]; readonly next?: string } {
  const here = files.filter(({ state }) => state === 'finished').length;
  const all = infractions.map((one, i) =>
    i === 0 ? { ...one, files: { here, all: files.length, state: here === 0 ? 'not-asked' : 'finished' } } : one,
  );
  const asked = all.filter((one) => unit === undefined || one.unit === unit);
  const begin = before === undefined ? 0 : Number(before.split('.')[1]);
  const next = begin + limit < asked.length ? { next: `0.${begin + limit}` } : {};
  return { infractions: asked.slice(begin, begin + limit), ...next };
}

export interface ActQuery {
  readonly from: number;
  readonly before?: number;
  readonly order: string;
  readonly limit: number;
}

/** Acts in the order of their chain, or the newest first. */
export function actPage(all: ReturnType<typeof acts>, { from, before, order, limit }: ActQuery) {
  const asked =
    order === 'chain'
      ? all.filter(({ number }) => number >= from)
      : all.filter(({ number }) => before === undefined || number < before).reverse();
  return { acts: asked.slice(0, limit) };
}
