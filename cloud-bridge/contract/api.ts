import { z } from 'zod';
import type { Act } from './acts.ts';
import { routes } from './api-routes.ts';

export { layerName, type Route, type RouteParameter, routeParameters, routes } from './api-routes.ts';

/**
 * What people ask of the centre: every route once, typed.
 *
 * Every request bears a signed act (`acts.ts`) in the header `atalaya-act`: over method, path with query, and the SHA-256 of the body
 * (of nothing where there is none). Its id serves once, its time lies within `actWindowMs` of the centre's clock. The answer to a request
 * that failed is `errorBody`: 400 malformed, 401 the act is not believed, 403 not for this role or not signed for, 404, 409 the thing has
 * changed meanwhile, 413 too long, 503 the archive or the broker cannot be reached.
 */

/** Base64 of the act's JSON, signature included. */
export const actHeader = 'atalaya-act';
export const actWindowMs = 5 * 60 * 1000;
/** Bytes of the longest body: the documents of a rollout over a fleet. */
export const longestBody = 64 * 1024 * 1024;

export const errorBody = z.looseObject({
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    /** Of `act-refused`: why, in one word, with which the message begins. */
    reason: z.string().optional(),
    hint: z.string().optional(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;

export type Routes = typeof routes;
export type RouteName = keyof Routes;

type ParametersOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParametersOf<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;
export type RouteParameters<N extends RouteName> = { readonly [P in ParametersOf<Routes[N]['path']>]: string };
export type RouteQuery<N extends RouteName> = Routes[N] extends { readonly query: infer Q extends z.ZodType }
  ? z.output<Q>
  : undefined;
/** As it is asked: every field may be absent that has a default. */
export type RouteQueryInput<N extends RouteName> = Routes[N] extends { readonly query: infer Q extends z.ZodType }
  ? { readonly [F in keyof z.input<Q>]?: string | number | undefined }
  : Record<string, never>;
export type RouteBody<N extends RouteName> = Routes[N] extends { readonly body: infer B extends z.ZodType }
  ? z.output<B>
  : undefined;
export type RouteBodyInput<N extends RouteName> = Routes[N] extends { readonly body: infer B extends z.ZodType }
  ? z.input<B>
  : undefined;
export type RouteResponse<N extends RouteName> = Routes[N]['response'] extends z.ZodType
  ? z.output<Routes[N]['response']>
  : Routes[N]['response'];

/** Path and query of a request, as they are signed and sent. Parameters are of the forms of `routeParameters`, so none needs escaping. */
export function pathOf<N extends RouteName>(
  name: N,
  parameters: RouteParameters<N>,
  query: RouteQueryInput<N> | undefined = undefined,
): string {
  const given: Readonly<Record<string, string>> = parameters;
  const path = routes[name].path.replaceAll(/:([a-z]+)/g, (_, parameter: string) => given[parameter] ?? '');
  const search = new URLSearchParams();
  for (const [field, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(field, String(value));
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

/** An act as it stands in the header. */
export function encodeAct(signed: Act): string {
  return Buffer.from(JSON.stringify(signed)).toString('base64');
}
