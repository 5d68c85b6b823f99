import { type FastifyInstance, fastify } from 'fastify';
import { boundAddress } from './bound-address.ts';

/** How a part of the bridge is. */
export interface PartHealth {
  readonly state: 'good' | 'degraded' | 'failed';
  readonly detail: string;
}

export interface BridgeHealth {
  /** `degraded`: it archives, and a person has to do something. */
  readonly state: 'good' | 'degraded' | 'failed';
  readonly parts: Readonly<Record<string, PartHealth>>;
}

export interface OpsOptions {
  readonly host: string;
  readonly port: number;
  readonly health: () => Promise<BridgeHealth>;
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
}

/** For watchdogs and Prometheus, without an act: `GET /healthz` (200, also where it is degraded, or 503 with what is wrong) and `GET /metrics`. */
export class OpsServer {
  readonly #options: OpsOptions;
  readonly #app: FastifyInstance;

  constructor(options: OpsOptions) {
    this.#options = options;
    this.#app = fastify({
      bodyLimit: 1024,
      exposeHeadRoutes: false,
      forceCloseConnections: true,
      requestTimeout: 30_000,
    });
  }

  /** Resolves with what it is bound to. Throws the system's errors. */
  async listen(): Promise<string> {
    const { host, port, health, metrics } = this.#options;
    this.#app.get('/healthz', async (_, reply) => {
      const now = await health();
      return reply.code(now.state === 'failed' ? 503 : 200).send(now);
    });
    this.#app.get('/metrics', async (_, reply) => {
      const { text, contentType } = await metrics();
      return reply.header('content-type', contentType).send(text);
    });
    await this.#app.listen({ host, port });
    return boundAddress('http', this.#app.addresses());
  }

  close(): Promise<void> {
    return this.#app.close();
  }
}
