import { AtalayaError } from '../../../device/kernel/errors.ts';
import { WorkerClient } from '../../../device/kernel/worker-client.ts';
import type { SqliteEngine } from './sqlite-engine.ts';
import type { Call, Start } from './sqlite-thread.ts';

type Engine = Omit<SqliteEngine, 'close'>;
type Client = WorkerClient<null, Call, unknown>;

/** A connection to an archive's file on a thread of its own. One that dies is started anew by the next call. */
export class SqliteConnection {
  readonly #path: string;
  readonly #program: URL;
  readonly #asked = new Set<Promise<unknown>>();
  #client: Promise<Client> | undefined;
  #closed = false;

  constructor(path: string, program: URL = new URL('./sqlite-thread.ts', import.meta.url)) {
    this.#path = path;
    this.#program = program;
  }

  async start(): Promise<void> {
    try {
      await this.#started();
    } catch (error) {
      throw threadFault(error);
    }
  }

  async call<Name extends keyof Engine>(
    name: Name,
    ...values: Parameters<Engine[Name]>
  ): Promise<ReturnType<Engine[Name]>> {
    if (this.#closed) throw new AtalayaError('store-closed', `${this.#path} is closed`);
    const answer = this.#ask({ name, values } as Call);
    this.#asked.add(answer);
    try {
      return (await answer) as ReturnType<Engine[Name]>;
    } finally {
      this.#asked.delete(answer);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#asked);
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    await (await client).close();
  }

  async #ask(call: Call): Promise<unknown> {
    try {
      return await (await this.#started()).ask(call);
    } catch (error) {
      throw threadFault(error);
    }
  }

  #started(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const forget = () => {
      if (this.#client === client) this.#client = undefined;
    };
    const client: Promise<Client> = WorkerClient.open<Start, null, Call, unknown>({
      program: this.#program,
      name: 'the archive',
      start: { path: this.#path },
      handOver: [],
      onDeath: forget,
    });
    this.#client = client;
    client.catch(forget);
    return client;
  }
}

/** Threads have faults of engines; this one is a store. */
function threadFault(error: unknown): unknown {
  return error instanceof AtalayaError && error.code.startsWith('engine-')
    ? new AtalayaError('store-failed', error.message, { cause: error })
    : error;
}
