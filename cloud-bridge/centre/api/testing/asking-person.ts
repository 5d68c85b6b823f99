import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { sha256 } from '../../../../device/kernel/hash.ts';
import { signDocument } from '../../../../device/kernel/signed/sign-document.ts';
import { type Act, actSchemaId } from '../../../contract/acts.ts';
import {
  actHeader,
  encodeAct,
  pathOf,
  type RouteBodyInput,
  type RouteName,
  type RouteParameters,
  type RouteQueryInput,
  type RouteResponse,
  routes,
} from '../../../contract/api.ts';
import { makePersonKey, type PersonKey, signerOf } from '../../../contract/person-key.ts';
import type { Role } from '../../../contract/roles.ts';

/** A request of that name. */
export interface AskedOf<N extends RouteName> {
  readonly parameters: RouteParameters<N>;
  readonly query?: RouteQueryInput<N>;
  readonly body?: RouteBodyInput<N>;
}

export interface Answer<T> {
  readonly status: number;
  readonly value: T;
  readonly error: { readonly code: string; readonly message: string; readonly reason?: string } | undefined;
}

/** What is to be otherwise than it should be. */
export interface Mischief {
  readonly act?: Partial<Act>;
  /** After it was signed. */
  readonly altered?: Partial<Act>;
  readonly header?: string | undefined;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly key?: PersonKey;
}

/** Somebody with a key who asks a bridge over its socket. */
export class AskingPerson {
  readonly name: string;
  readonly role: Role;
  readonly key = makePersonKey();
  readonly #socket: string;

  constructor(name: string, role: Role, socket: string) {
    this.name = name;
    this.role = role;
    this.#socket = socket;
  }

  get entry() {
    return { name: this.name, role: this.role, publicKey: this.key.publicPem };
  }

  async ask<N extends RouteName>(
    name: N,
    asked: AskedOf<N>,
    mischief: Mischief = {},
  ): Promise<Answer<RouteResponse<N>>> {
    const response = await this.open(name, asked, mischief);
    const text = (await contentOf(response)).toString();
    const value = text === '' ? undefined : JSON.parse(text);
    return { status: response.statusCode ?? 0, value, error: value?.error };
  }

  /** The answer with its body to be read. */
  async open<N extends RouteName>(
    name: N,
    {
      parameters,
      query,
      body,
    }: { parameters: RouteParameters<N>; query?: RouteQueryInput<N>; body?: RouteBodyInput<N> },
    mischief: Mischief = {},
  ): Promise<IncomingMessage> {
    const { method } = routes[name];
    const path = pathOf(name, parameters, query);
    const content = body === undefined ? '' : JSON.stringify(body);
    const unsigned = {
      ...{ schema: actSchemaId, id: randomUUID(), issued: new Date().toISOString(), method, path },
      ...{ bodySha256: sha256(content), ...mischief.act },
    } as const;
    const signed = {
      ...(await signDocument(unsigned, signerOf((mischief.key ?? this.key).privatePem))),
      ...mischief.altered,
    };
    const header = 'header' in mischief ? mischief.header : encodeAct(signed as Act);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socket,
          method: mischief.method ?? method,
          path: mischief.path ?? path,
          headers: { ...(header === undefined ? {} : { [actHeader]: header }), 'content-type': 'application/json' },
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(mischief.body ?? content);
    });
  }
}

export async function contentOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
