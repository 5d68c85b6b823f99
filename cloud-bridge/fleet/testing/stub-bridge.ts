import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { keyId, publicKeyOf } from '../../../device/kernel/signed/key-id.ts';
import { verifyDocument } from '../../../device/kernel/signed/verify-document.ts';
import { act } from '../../contract/acts.ts';
import { actHeader, type Route, type RouteName, routes } from '../../contract/api.ts';

export interface StubRequest {
  readonly name: RouteName;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  /** As it was sent, before defaults. */
  readonly raw: JsonValue | undefined;
  readonly key: string;
}

/** JSON is held against the route's schema; lines and bytes are sent as they are. */
export type StubAnswer =
  | { readonly json: unknown }
  | { readonly content: readonly (string | Uint8Array)[]; readonly stay?: boolean }
  | {
      readonly status: number;
      readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
    }
  | { readonly text: string; readonly status?: number };

export type StubHandler = (request: StubRequest) => StubAnswer;

/** A centre made of the table of routes: believes acts as the real one does, and answers what a test says. */
export class StubBridge {
  readonly requests: StubRequest[] = [];
  readonly #used = new Set<string>();
  readonly #handler: StubHandler;
  readonly #keys: ReadonlyMap<string, ReturnType<typeof publicKeyOf>>;
  readonly #now: () => number;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(publicPems: readonly string[], now: () => number, handler: StubHandler) {
    const keys = publicPems.map((pem) => publicKeyOf(pem, 'a key'));
    this.#keys = new Map(keys.map((key) => [keyId(key), key]));
    this.#now = now;
    this.#handler = handler;
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => this.#server.listen(path, () => resolve()));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = this.#answer(request, Buffer.concat(chunks));
    if ('content' in answer) {
      for (const part of answer.content) response.write(part);
      if (answer.stay !== true) response.end();
      return;
    }
    if ('text' in answer) response.writeHead(answer.status ?? 200).end(answer.text);
    else if ('json' in answer) response.writeHead(200).end(JSON.stringify(answer.json));
    else response.writeHead(answer.status).end(JSON.stringify({ error: answer.error }));
  }

  #answer(request: IncomingMessage, body: Buffer): StubAnswer {
    const { method = '', url = '', headers } = request;
    const refuse = (status: number, code: string, message: string): StubAnswer => ({
      status,
      error: { code, message },
    });
    const found = match(method, url);
    if (found === undefined) return refuse(404, 'unknown', 'there is no such route');
    const header = headers[actHeader];
    const said = JSON.parse(Buffer.from(String(header), 'base64').toString());
    const read = act.safeParse(said);
    if (!read.success) return refuse(401, 'act-malformed', 'the act is malformed');
    const verified = verifyDocument(said, this.#keys);
    if (verified.kind === 'refused') return refuse(401, verified.reason, verified.detail);
    if (this.#used.has(read.data.id)) return refuse(401, 'replayed', 'this act was done before');
    this.#used.add(read.data.id);
    if (Math.abs(Date.parse(read.data.issued) - this.#now()) > 300_000)
      return refuse(401, 'old', 'the act is not of now');
    const same = read.data.method === method && read.data.path === url && read.data.bodySha256 === sha256(body);
    if (!same) return refuse(401, 'other-request', 'the act is of another request');
    const route: Route = routes[found.name];
    const query = route.query?.safeParse(Object.fromEntries(new URL(url, 'http://x').searchParams));
    if (query?.success === false) return refuse(400, 'malformed', `query: ${query.error.message}`);
    const raw = body.byteLength === 0 ? undefined : (JSON.parse(body.toString()) as JsonValue);
    const content = route.body?.safeParse(raw);
    if (content?.success === false) return refuse(400, 'malformed', `body: ${content.error.message}`);
    const asked = { ...found, query: query?.data, body: content?.data, raw, key: verified.key };
    this.requests.push(asked);
    const answer = this.#handler(asked);
    if ('json' in answer && typeof route.response !== 'string') {
      const fits = route.response.safeParse(answer.json);
      if (!fits.success)
        return refuse(500, 'stub', `${found.name} answers what its route does not: ${fits.error.message}`);
    }
    return answer;
  }
}

function match(method: string, url: string): Pick<StubRequest, 'name' | 'parameters'> | undefined {
  const path = url.split('?')[0] ?? '';
  for (const name of Object.keys(routes) as RouteName[]) {
    const route: Route = routes[name];
    if (route.method !== method) continue;
    const form = new RegExp(`^${route.path.replaceAll(/:([a-z]+)/g, '(?<$1>[^/]+)')}$`);
    const found = form.exec(path);
    if (found !== null) return { name, parameters: { ...found.groups } };
  }
  return undefined;
}
