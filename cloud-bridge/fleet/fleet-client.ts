import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../../device/kernel/clock.ts';
import { AtalayaError, type ErrorCode, isAtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type DocumentSigner, signDocument } from '../../device/kernel/signed/sign-document.ts';
import { type Milliseconds, toIso } from '../../device/kernel/units.ts';
import { type Act, actSchemaId } from '../contract/acts.ts';
import {
  actHeader,
  encodeAct,
  errorBody,
  pathOf,
  type RouteBodyInput,
  type RouteName,
  type RouteParameters,
  type RouteQueryInput,
  type RouteResponse,
  type Routes,
  routes,
} from '../contract/api.ts';
import { faultsOf, readJson } from '../contract/read-json.ts';
import type { BridgeAddress } from './bridge-address.ts';
import { Exchange } from './exchange.ts';
import { fleetProgram } from './program-name.ts';

export interface FleetClientOptions {
  readonly address: BridgeAddress;
  /** Whose acts these are. */
  readonly signer: DocumentSigner;
  readonly clock: Clock;
  /** A new id for each act, 8 to 64 letters, digits and dashes; never one twice. */
  readonly newId: () => string;
  /** How long the bridge may say nothing. */
  readonly quiet: Milliseconds;
  /** PEM of the authority of its certificate; the system's authorities where it is absent. */
  readonly ca?: Buffer;
}

export interface FleetRequest<N extends RouteName> {
  readonly parameters: RouteParameters<N>;
  readonly query?: RouteQueryInput<N>;
  readonly body?: RouteBodyInput<N>;
}

type Answering<Form> = {
  [N in RouteName]: Routes[N]['response'] extends Form ? N : never;
}[RouteName];
export type JsonRoute = Answering<z.ZodType>;
export type BytesRoute = Answering<'bytes'>;
export type LinesRoute = Answering<'lines'>;

/** Characters of the longest line, and bytes of the longest answer, that are read. */
const longestLine = 1024 * 1024;
const longestAnswer = 256 * 1024 * 1024;

/**
 * What a person may ask of the centre, typed by the table of routes; each request is an act that is signed with the person's key.
 *
 * Throws `bridge-unavailable` where the bridge or what it needs cannot be reached (the act may or may not have been done), `act-refused`
 * with the centre's own words where it will not do it, `message-refused` for an answer that is not of this contract.
 */
export class FleetClient {
  readonly #options: FleetClientOptions;
  readonly #exchange: Exchange;

  constructor(options: FleetClientOptions) {
    const { address, quiet, ca } = options;
    this.#options = options;
    this.#exchange = new Exchange(address, { quiet, ...(ca === undefined ? {} : { ca }) });
  }

  async call<N extends JsonRoute>(name: N, asked: FleetRequest<N>, signal?: AbortSignal): Promise<RouteResponse<N>> {
    return this.#read(name, await this.#ask(name, asked, signal));
  }

  /** As `call`; undefined where the centre has no such thing. */
  async find<N extends JsonRoute>(
    name: N,
    asked: FleetRequest<N>,
    signal?: AbortSignal,
  ): Promise<RouteResponse<N> | undefined> {
    const answer = await this.#send(name, asked, signal);
    if (isServed(answer)) return this.#read(name, answer);
    const body = await this.#whole(answer);
    if (answer.statusCode === 404) return undefined;
    throw refusal(answer.statusCode ?? 0, body);
  }

  async #read<N extends JsonRoute>(name: N, answer: IncomingMessage): Promise<RouteResponse<N>> {
    const json = readJson(await this.#whole(answer));
    if (json.kind === 'refused') throw strange(`what the bridge answered cannot be read: ${json.detail}`);
    const schema: z.ZodType = routes[name].response;
    const read = schema.safeParse(json.value);
    if (!read.success) throw strange(`the bridge answered something else: ${faultsOf(read.error)}`);
    return read.data as RouteResponse<N>;
  }

  /** A stream of bytes, to be read to its end. */
  async *bytes<N extends BytesRoute>(name: N, asked: FleetRequest<N>, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const answer = await this.#ask(name, asked, signal);
    try {
      for await (const chunk of answer) yield chunk as Buffer;
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : this.#exchange.fault(error);
    }
  }

  /** JSON, one line after the other, until the bridge ends it or the signal is aborted. */
  async *lines<N extends LinesRoute>(name: N, asked: FleetRequest<N>, signal: AbortSignal): AsyncGenerator<LiveLine> {
    const answer = await this.#ask(name, asked, signal);
    // A quiet fleet is no fault.
    answer.socket.setTimeout(0);
    answer.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of answer) {
        const lines = `${rest}${chunk as string}`.split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > longestLine) throw strange('the bridge sent a line without an end');
        for (const line of lines) if (line.trim() !== '') yield lineOf(name, line);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw isAtalayaError(error) ? error : this.#exchange.fault(error);
    }
  }

  close(): void {
    this.#exchange.close();
  }

  async #ask<N extends RouteName>(name: N, asked: FleetRequest<N>, signal?: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#send(name, asked, signal);
    if (isServed(answer)) return answer;
    throw refusal(answer.statusCode ?? 0, await this.#whole(answer));
  }

  async #send<N extends RouteName>(name: N, asked: FleetRequest<N>, signal?: AbortSignal): Promise<IncomingMessage> {
    const { signer, clock, newId } = this.#options;
    const { method } = routes[name];
    const path = pathOf(name, asked.parameters, asked.query);
    const body = asked.body === undefined ? undefined : Buffer.from(JSON.stringify(asked.body));
    const act = {
      schema: actSchemaId,
      id: newId(),
      issued: toIso(clock.utc()),
      method,
      path,
      bodySha256: sha256(body ?? ''),
    } as const satisfies Act;
    const headers = {
      [actHeader]: encodeAct(await signDocument(act, signer)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return this.#exchange.ask({ method, path, headers, body, ...(signal === undefined ? {} : { signal }) });
  }

  async #whole(answer: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of answer) {
        bytes += (chunk as Buffer).byteLength;
        if (bytes > longestAnswer) throw strange('the bridge answered more than can be read');
        chunks.push(chunk as Buffer);
      }
    } catch (error) {
      throw this.#exchange.fault(error);
    }
    return Buffer.concat(chunks);
  }
}

/** An event as it is archived, or how many this reader was too slow for. */
export type LiveLine =
  | { readonly kind: 'event'; readonly event: z.output<(typeof routes)['live']['line']> }
  | { readonly kind: 'missed'; readonly count: number };

const missedLine = z.strictObject({ missed: z.int().min(1) });

function lineOf(name: LinesRoute, line: string): LiveLine {
  const json = readJson(line);
  if (json.kind === 'refused') throw strange(`a line of the bridge cannot be read: ${json.detail}`);
  const { value } = json;
  const missed = missedLine.safeParse(value);
  if (missed.success) return { kind: 'missed', count: missed.data.missed };
  const read = routes[name].line.safeParse(value);
  if (!read.success) throw strange(`a line of the bridge is something else: ${faultsOf(read.error)}`);
  return { kind: 'event', event: read.data };
}

const served: ReadonlySet<number | undefined> = new Set([200, 201, 202]);
const isServed = ({ statusCode }: IncomingMessage): boolean => served.has(statusCode);

/** What the centre would not do. Its code is `bridge-unavailable` where the centre could not, else `act-refused`. */
export class CentreRefusal extends AtalayaError {
  /** The centre's own word for why: `trust-expired`, `changed-meanwhile`. */
  readonly reason: string;

  constructor(code: ErrorCode, message: string, reason: string, hint: string | undefined) {
    super(code, message, hint === undefined ? {} : { hint });
    this.reason = reason;
  }
}

/** What the centre says of a request that it did not serve. */
function refusal(status: number, body: Buffer): CentreRefusal {
  const json = readJson(body);
  const read = errorBody.safeParse(json.kind === 'json' ? json.value : undefined);
  const { code, message, reason, hint } = read.success
    ? read.data.error
    : { code: `status ${status}`, message: 'it does not say why', reason: undefined, hint: undefined };
  const what = status >= 500 ? 'bridge-unavailable' : 'act-refused';
  const why = reason ?? code;
  const words = message.startsWith(`${why}: `) ? message : `${why}: ${message}`;
  const advice = hint ?? (Object.hasOwn(hintsOfReasons, why) ? hintsOfReasons[why] : hints[status]);
  return new CentreRefusal(what, `the centre says ${words}`, why, advice);
}

const nextTrust = `Whoever holds the root key signs the next trust document, and a supervisor whom it names presents it: ${fleetProgram} trust push --file FILE`;
const setClock = 'Set the clock of this machine, and try again.';
const hintsOfReasons: Readonly<Record<string, string>> = {
  'trust-expired': nextTrust,
  'no-trust': nextTrust,
  old: setClock,
  early: setClock,
};

const hints: Readonly<Record<number, string>> = {
  401: `Look at --key (ATALAYA_KEY), at the clock of this machine, and have somebody see whether the centre knows your key: ${fleetProgram} trust list`,
  403: `Have somebody do it whose role allows it. Who that is: ${fleetProgram} trust list`,
  404: `Look at the names. The units: ${fleetProgram} status`,
  409: 'Look at what it is now, and do it again on that.',
  503: 'Look at the health of the bridge, and try again.',
};

function strange(why: string): AtalayaError {
  return new AtalayaError('message-refused', why, {
    hint: 'Look whether the bridge and this program are of versions that belong together.',
  });
}
