import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { Line } from '../chaos/line.ts';
import type { WireFigures, WireOrder, WireShape } from './packet-wire.ts';
import { endOf, openRelay } from './sync-relay-process.ts';

/** Milliseconds that a cut lasts. The broker's end is reset, and the unit's packets fall into the dark; so does the reset. */
const darkMs = 2000;

/** A way from the unit to the broker. */
export interface Way {
  readonly url: string;
  /** In front of the unit's own. */
  readonly command: readonly string[];
  cut(): void;
  figures(): Promise<WireFigures | undefined>;
  close(): Promise<void>;
}

export async function openRelayed(port: number, roundTripMs: number): Promise<Way> {
  const relay = roundTripMs === 0 ? undefined : await openRelay(port, roundTripMs);
  const line = relay === undefined ? undefined : await Line.open('127.0.0.1', relay.port);
  return {
    url: `mqtt://127.0.0.1:${line?.port ?? port}`,
    command: [],
    cut: () => line?.cut(),
    figures: async () => undefined,
    close: async () => {
      await line?.close();
      await relay?.stop();
    },
  };
}

/** 198.18.0.0/15 is set apart for tests of networks (RFC 2544, appendix C.2.2). */
export async function openShaped(
  port: number,
  how: Pick<WireShape, 'rateKbit' | 'delayMs' | 'lossPercent'>,
): Promise<Way> {
  const net = `198.19.${process.pid % 250}`;
  const shape: WireShape = { ...how, namespace: `awire-${process.pid}`, here: `${net}.1`, there: `${net}.2` };
  const wire = fork(fileURLToPath(new URL('./packet-wire.ts', import.meta.url)), [JSON.stringify(shape)]);
  await told<'ready'>(wire);
  const line = await Line.open(shape.here, port);
  return {
    url: `mqtt://${shape.here}:${line.port}`,
    command: ['ip', 'netns', 'exec', shape.namespace],
    cut: () => {
      wire.send({ kind: 'dark', ms: darkMs } satisfies WireOrder);
      line.cut();
    },
    figures: () => {
      const answer = told<WireFigures>(wire);
      wire.send({ kind: 'figures' } satisfies WireOrder);
      return answer;
    },
    close: async () => {
      await line.close();
      await endOf(wire);
    },
  };
}

/** The next message of a process. Throws `internal` where it ends without one. */
function told<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new AtalayaError('internal', `the wire has ended with ${code}`)));
  });
}
