import { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import { StreamServer, type StreamServerOptions } from '../../../centre/updates/stream-server.ts';
import { StreamClient, type StreamClientOptions } from '../stream-client.ts';
import { type LineShape, ShapedLine } from './shaped-line.ts';

/** A centre's end and a unit's end with a line between them, in the time of a manual clock. */
export interface Streamed {
  readonly clock: ManualClock;
  readonly client: StreamClient;
  readonly server: StreamServer;
  readonly line: ShapedLine;
  /** Breaks the connection; it stands again so many milliseconds later. */
  cut(forMs: number): void;
  /** A unit that was started anew, on the same line. */
  restart(): StreamClient;
  /** Lets time pass until the work is done; at most so many milliseconds. */
  finish<T>(work: Promise<T>, mostMs?: number): Promise<T>;
}

export function streamed(
  files: ReadonlyMap<string, Buffer>,
  shape: LineShape,
  more: {
    readonly seed?: number;
    readonly client?: Partial<StreamClientOptions>;
    readonly server?: Partial<StreamServerOptions>;
  } = {},
): Streamed {
  const clock = new ManualClock();
  const random = seededRandom(more.seed ?? 1);
  const line = new ShapedLine(clock, random, shape);
  let online = true;
  const server = new StreamServer({
    files: memoryFiles(files),
    answer: async (_, answer) => {
      if (online) line.send('down', 100, () => client.answered(answer));
    },
    block: async (_, id, block, bytes) => {
      if (online) line.send('down', bytes.byteLength, () => client.data(id, block, bytes));
    },
    clock,
    ...more.server,
  });
  const make = () =>
    new StreamClient({
      publish: async (get) => {
        if (!online) throw new Error('link-down');
        line.send('up', 250, () => server.asked('unit-7', get));
      },
      clock,
      timer: clock,
      random,
      ...more.client,
    });
  let client = make();
  client.online();
  return {
    clock,
    server,
    line,
    get client() {
      return client;
    },
    cut: (forMs) => {
      line.cut();
      online = false;
      client.offline();
      void clock.sleep(forMs as Parameters<typeof clock.sleep>[0]).then(() => {
        online = true;
        client.online();
      });
    },
    restart: () => {
      client = make();
      if (online) client.online();
      return client;
    },
    finish: async (work, mostMs = 3_600_000) => {
      let done = false;
      const over = work.finally(() => {
        done = true;
      });
      over.catch(() => undefined);
      const end = clock.monotonic() + mostMs;
      while (!done && clock.monotonic() < end) await clock.advance(50);
      if (!done) throw new Error(`not done after ${mostMs} ms`);
      return over;
    },
  };
}

export const memoryFiles = (files: ReadonlyMap<string, Buffer>): StreamServerOptions['files'] => ({
  open: async (_, path) => {
    const content = files.get(path);
    return content === undefined
      ? undefined
      : {
          length: content.byteLength,
          read: async (from, length) => content.subarray(from, from + length),
          close: async () => undefined,
        };
  },
});
