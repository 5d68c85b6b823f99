import type { z } from 'zod';
import type { RouteBody, RouteName, RouteParameters, RouteQuery, Routes } from '../../contract/api.ts';
import type { Person } from '../../contract/people.ts';

/** A request whose act holds. */
export interface Asked<N extends RouteName> {
  readonly person: Person;
  readonly parameters: RouteParameters<N>;
  readonly query: RouteQuery<N>;
  /** As the schema has it, defaults filled in. */
  readonly body: RouteBody<N>;
  /** As it was sent: what is signed in it is to be held against this. */
  readonly raw: unknown;
  /** Aborted when the reader goes, or may no longer read. */
  readonly signal: AbortSignal;
}

/** What is said in return. */
export type Said<N extends RouteName> = Routes[N]['response'] extends z.ZodType
  ? { readonly kind: 'json'; readonly value: z.input<Routes[N]['response']> }
  : Routes[N]['response'] extends 'bytes'
    ? { readonly kind: 'bytes'; readonly content: AsyncIterable<Uint8Array>; readonly bytes: number | undefined }
    : { readonly kind: 'lines'; readonly lines: AsyncIterable<unknown> };

export interface Refusal {
  readonly kind: 'refused';
  readonly status: 400 | 403 | 404 | 409 | 503;
  readonly code: string;
  readonly message: string;
  /** What to do; without it the reader is told what the status alone suggests. */
  readonly hint?: string;
}

export type Handler<N extends RouteName> = (asked: Asked<N>) => Promise<Said<N> | Refusal>;
export type Handlers = { readonly [N in RouteName]: Handler<N> };

export const json = <T>(value: T): { readonly kind: 'json'; readonly value: T } => ({ kind: 'json', value });
export const refuse = (status: Refusal['status'], code: string, message: string, hint?: string): Refusal => ({
  kind: 'refused',
  status,
  code,
  message,
  ...(hint === undefined ? {} : { hint }),
});
export const unknown = (what: string): Refusal => refuse(404, 'unknown', `there is no ${what}`);
