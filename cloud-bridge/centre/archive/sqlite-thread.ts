import { parentPort } from 'node:worker_threads';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type Service, serveThread } from '../../../device/kernel/worker-server.ts';
import type { ArrivedPart } from './archive.ts';
import { SqliteEngine } from './sqlite-engine.ts';

/** A call of the engine and its arguments; an answer is what the call gives. */
export type Call = {
  [Name in Exclude<keyof SqliteEngine, 'close'>]: {
    readonly name: Name;
    readonly values: Parameters<SqliteEngine[Name]>;
  };
}[Exclude<keyof SqliteEngine, 'close'>];

export interface Start {
  readonly path: string;
}

if (parentPort !== null) {
  await serveThread<Start, null, Call, unknown>(parentPort, async ({ path }) => serviceOf(SqliteEngine.open(path)));
}

function serviceOf(engine: SqliteEngine): Service<null, Call, unknown> {
  return {
    ready: null,
    answer: async (call) => {
      // Each call comes with the arguments that its own name has; the type system does not follow one name into the other.
      const method = engine[call.name] as (...values: readonly unknown[]) => unknown;
      try {
        return method.apply(engine, whole(call).values);
      } catch (error) {
        if (error instanceof AtalayaError) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        throw new AtalayaError('internal', `${call.name} failed: ${reason}`, { cause: error });
      }
    },
    close: async () => engine.close(),
  };
}

/** Buffers lose their class on their way between threads. */
function whole(call: Call): Call {
  if (call.name !== 'gather') return call;
  const [parts, mostBytes, now] = call.values;
  return { name: 'gather', values: [parts.map(withBuffer), mostBytes, now] };
}

function withBuffer(part: ArrivedPart): ArrivedPart {
  return { ...part, content: Buffer.from(part.content) };
}
