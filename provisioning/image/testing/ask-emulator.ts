import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

interface Said {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** One request to a running QEMU, by its socket for programs (https://www.qemu.org/docs/master/interop/qmp-spec.html). Throws what it refuses. */
export async function askEmulator(socket: string, execute: string, words: unknown): Promise<void> {
  const connection = createConnection(socket);
  try {
    await once(connection, 'connect', { signal: AbortSignal.timeout(10_000) });
    const lines = createInterface({ input: connection })[Symbol.asyncIterator]();
    const ask = async (request: unknown): Promise<void> => {
      connection.write(`${JSON.stringify(request)}\n`);
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`${execute}: the emulator has gone`);
        const said = JSON.parse(value) as Said;
        if (said.error !== undefined) throw new Error(`${execute}: ${said.error.desc}`);
        // Greeting and events come in between.
        if ('return' in said) return;
      }
    };
    await ask({ execute: 'qmp_capabilities' });
    await ask({ execute, arguments: words });
  } finally {
    connection.destroy();
  }
}
