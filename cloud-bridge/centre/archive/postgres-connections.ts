import { Pool, type PoolClient, type PoolConfig, type QueryResultRow } from 'pg';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { isCollision, postgresFault } from './postgres-faults.ts';

/** Milliseconds. */
const connectDeadline = 5_000;
const statementDeadline = 30_000;
const mostConnections = 8;
/** How often a transaction is run that others collide with. */
const mostRuns = 5;

export type Query = <Row extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

/** Connections to one server, each made when it is wanted and thrown away when it has failed: so the archive comes back by itself. */
export class Connections {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  static to(server: string | PoolConfig): Connections {
    const pool = new Pool({
      max: mostConnections,
      connectionTimeoutMillis: connectDeadline,
      statement_timeout: statementDeadline,
      query_timeout: statementDeadline + 1_000,
      keepAlive: true,
      application_name: 'atalaya',
      ...(typeof server === 'string' ? { connectionString: server } : server),
    });
    // A connection that fails while nobody uses it is gone from the pool already; whoever wants one gets another.
    pool.on('error', () => undefined);
    return new Connections(pool);
  }

  /** Work on one connection. Throws faults of ours only. */
  async use<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let bad = true;
    try {
      client = await this.#pool.connect();
      // While it is ours nobody else listens; the call that waits on it is rejected as well.
      client.on('error', ignore);
      const result = await work(client);
      bad = false;
      return result;
    } catch (error) {
      throw postgresFault(error);
    } finally {
      client?.off('error', ignore);
      client?.release(bad);
    }
  }

  query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.use(async (client) => (await client.query<Row>(text, [...values])).rows);
  }

  /** One transaction, run again where another stood in its way. `first`: statements at its begin, without parameters. */
  async transaction<T>(first: string, work: (query: Query) => Promise<T>): Promise<T> {
    for (let run = 1; ; run += 1) {
      try {
        return await this.use(async (client) => {
          await client.query(`begin; ${first}`);
          try {
            const result = await work(queryOn(client));
            await client.query('commit');
            return result;
          } catch (error) {
            await client.query('rollback').catch(() => undefined);
            throw error;
          }
        });
      } catch (error) {
        if (run >= mostRuns || !isAtalayaError(error) || !isCollision(error.cause)) throw error;
      }
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

function queryOn(client: PoolClient): Query {
  return async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    (await client.query<Row>(text, [...values])).rows;
}

function ignore(): void {}
