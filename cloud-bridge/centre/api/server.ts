import { chmod, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { explain, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import {
  actHeader,
  longestBody,
  type Route,
  type RouteName,
  type RouteParameter,
  routeParameters,
  routes,
} from '../../contract/api.ts';
import type { Person } from '../../contract/people.ts';
import { faultsOf, readJson } from '../../contract/read-json.ts';
import type { RefusedAct } from './act-check.ts';
import { type Asked, type Handler, type Refusal, refuse } from './answer.ts';
import { boundAddress } from './bound-address.ts';
import { Gate, type Signed } from './gate.ts';
import { handlersOf } from './handlers.ts';
import type { Services } from './services.ts';

/** Where people are listened to. */
export interface ApiListener {
  /** Path of a socket; its folder decides who reaches it. */
  readonly socket?: string | undefined;
  /** TLS; nothing is told over a bare network. */
  readonly tls?:
    | { readonly host: string; readonly port: number; readonly cert: Buffer; readonly key: Buffer }
    | undefined;
}

export interface ApiFigures {
  readonly requests: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** Bytes of a body, but for plans of rollouts. */
const longestSmallBody = 1024 * 1024;
/** How often it is looked whether a reader of a stream may still read. */
const lookAgain = milliseconds(5000);

/** What people ask of the centre, over HTTP. */
export class ApiServer {
  readonly #services: Services;
  readonly #gate: Gate;
  readonly #timer: Timer;
  readonly #log: Log;
  readonly #servers: FastifyInstance[] = [];
  readonly #stop = new AbortController();
  readonly #refused = new Map<string, number>();
  #requests = 0;

  constructor(services: Services, timer: Timer, log: Log) {
    this.#services = services;
    this.#gate = new Gate(services);
    this.#timer = timer;
    this.#log = log;
  }

  get figures(): ApiFigures {
    return { requests: this.#requests, refused: Object.fromEntries(this.#refused) };
  }

  /** Resolves with what it is bound to. Throws the system's errors. */
  async listen({ socket, tls }: ApiListener): Promise<readonly string[]> {
    const addresses: string[] = [];
    if (socket !== undefined) {
      // Whoever holds the lock of the data folder is alone with it: what is there was left by one that died.
      await unlink(socket).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOENT') throw error;
      });
      addresses.push(await this.#app(undefined).listen({ path: socket }));
      await chmod(socket, 0o660);
    }
    if (tls !== undefined) {
      const { host, port, cert, key } = tls;
      const app = this.#app({ cert, key });
      await app.listen({ host, port });
      addresses.push(boundAddress('https', app.addresses()));
    }
    return addresses;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  #app(https: { readonly cert: Buffer; readonly key: Buffer } | undefined): FastifyInstance {
    const options = {
      bodyLimit: longestSmallBody,
      exposeHeadRoutes: false,
      forceCloseConnections: true,
      requestTimeout: 60_000,
    } as const;
    const app = (https === undefined
      ? fastify(options)
      : fastify({ ...options, https: { ...https, minVersion: 'TLSv1.2' } })) as unknown as FastifyInstance;
    this.#servers.push(app);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
    app.setNotFoundHandler((_, reply) => this.#refuse(reply, refuse(404, 'unknown', 'there is no such route')));
    app.setErrorHandler((error, _, reply) => this.#failed(reply, error));
    const handlers = handlersOf(this.#services);
    for (const name of Object.keys(routes) as RouteName[]) this.#route(app, name, handlers[name] as Handler<RouteName>);
    return app;
  }

  #route<N extends RouteName>(app: FastifyInstance, name: N, handler: Handler<N>): void {
    const { method, path }: Route = routes[name];
    const people = new WeakMap<FastifyRequest, Signed>();
    app.route({
      method,
      url: path,
      bodyLimit: name === 'startRollout' ? longestBody : longestSmallBody,
      // Before the body: a stranger sends a header and no more.
      onRequest: async (request, reply) => {
        this.#requests += 1;
        const signed = await this.#gate.person(name, request.headers[actHeader], requestOf(request));
        if (signed.kind === 'refused') return this.#refuseAct(reply, signed);
        people.set(request, signed);
        return undefined;
      },
      handler: async (request, reply) => {
        const signed = people.get(request);
        if (signed === undefined) return this.#refuse(reply, refuse(503, 'internal', 'the request was not looked at'));
        const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const read = readRequest(name, request, content);
        if (read.kind === 'refused') return this.#refuse(reply, read);
        const passed = await this.#gate.pass(name, signed, content, read, requestOf(request));
        if (passed.kind === 'refused') return this.#refuseAct(reply, passed);
        return this.#answer(name, handler, read as never, passed.person, reply);
      },
    });
  }

  async #answer<N extends RouteName>(
    name: N,
    handler: Handler<N>,
    read: Omit<Asked<N>, 'person' | 'signal'>,
    person: Person,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#stop.signal]);
    if (routes[name].response === 'lines') void this.#watch(person, gone, signal);
    const said = await handler({ ...read, person, signal });
    switch (said.kind) {
      case 'refused':
        return this.#refuse(reply, said);
      case 'json':
        return reply.header('content-type', 'application/json').send(JSON.stringify(said.value));
      case 'bytes': {
        if (said.bytes !== undefined) reply.header('content-length', said.bytes);
        return reply.header('content-type', 'application/octet-stream').send(Readable.from(said.content));
      }
      case 'lines':
        return reply.header('content-type', 'application/x-ndjson').send(Readable.from(linesOf(said.lines)));
    }
  }

  /** Ends a stream of somebody who may read no more. */
  async #watch(person: Person, gone: AbortController, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#timer.sleep(lookAgain, signal);
      if (!signal.aborted && !(await this.#gate.stillKnown(person).catch(() => true))) gone.abort();
    }
  }

  #refuseAct(reply: FastifyReply, { status, reason, detail }: RefusedAct): FastifyReply {
    this.#count(reason);
    this.#log.warn({ part: 'api', reason, address: reply.request.ip }, `request refused: ${reason}: ${detail}`);
    return reply
      .code(status)
      .header('content-type', 'application/json')
      .send(JSON.stringify({ error: { code: 'act-refused', reason, message: `${reason}: ${detail}` } }));
  }

  #refuse(reply: FastifyReply, { status, code, message, hint }: Refusal): FastifyReply {
    this.#count(code);
    return reply
      .code(status)
      .header('content-type', 'application/json')
      .send(JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }));
  }

  #failed(reply: FastifyReply, error: unknown): FastifyReply {
    const status = httpStatus(error);
    if (status !== undefined) {
      return reply
        .code(status)
        .header('content-type', 'application/json')
        .send(
          JSON.stringify({
            error: {
              code: 'malformed',
              message: status === 413 ? 'the body is too long' : 'the request cannot be read',
            },
          }),
        );
    }
    this.#log.error({ part: 'api', error }, 'a request failed');
    const code = isAtalayaError(error) ? error.code : 'internal';
    const message = isAtalayaError(error) ? explain(error) : 'internal: the bridge has logged what went wrong';
    this.#count(code);
    return reply
      .code(503)
      .header('content-type', 'application/json')
      .send(JSON.stringify({ error: { code, message } }));
  }

  #count(reason: string): void {
    const known = this.#refused.size < 100 || this.#refused.has(reason) ? reason : 'other';
    this.#refused.set(known, (this.#refused.get(known) ?? 0) + 1);
  }
}

const requestOf = ({ method, url }: FastifyRequest) => ({ method, path: url });

type ReadRequest =
  | {
      readonly kind: 'read';
      readonly parameters: Readonly<Record<string, string>>;
      readonly query: unknown;
      readonly body: unknown;
      readonly raw: unknown;
    }
  | Refusal;

/** Every part of a request against the table. */
function readRequest(name: RouteName, request: FastifyRequest, content: Buffer): ReadRequest {
  const route: Route = routes[name];
  const parameters = request.params as Readonly<Record<string, string>>;
  for (const [parameter, value] of Object.entries(parameters)) {
    const checked = routeParameters[parameter as RouteParameter].safeParse(value);
    if (!checked.success) return refuse(400, 'malformed', faultsOf(checked.error));
  }
  const query = route.query?.safeParse(request.query);
  if (query?.success === false) return refuse(400, 'malformed', `query: ${faultsOf(query.error)}`);
  if (route.body === undefined)
    return { kind: 'read', parameters, query: query?.data, body: undefined, raw: undefined };
  const json = readJson(content);
  if (json.kind === 'refused') return refuse(400, 'malformed', `body: ${json.detail}`);
  const body = route.body.safeParse(json.value);
  if (!body.success) return refuse(400, 'malformed', `body: ${faultsOf(body.error)}`);
  return { kind: 'read', parameters, query: query?.data, body: body.data, raw: json.value };
}

/** An empty line says that nothing has happened, and that we are still there. */
async function* linesOf(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  // The first one at once, so that the reader knows that it is let in.
  yield '\n';
  for await (const value of values) yield value === undefined ? '\n' : `${JSON.stringify(value)}\n`;
}

/** Of what the server itself refuses. */
function httpStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
