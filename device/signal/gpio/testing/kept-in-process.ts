import { Buffer } from 'node:buffer';
import type { OpenKeeperLink } from '../keeper-link.ts';
import { LineKeeper } from '../line-keeper.ts';
import { type FakeKernel, UNIT_INPUT, UNIT_OUTPUT } from './fake-kernel.ts';

export interface InProcess {
  readonly openLink: OpenKeeperLink;
  /** Lets the keeper do what there is to do. */
  pump(): void;
  /** The keeper dies without a word, its lines as they are. */
  crash(): void;
  /** How many keepers have been started. */
  readonly started: number;
}

/** The keeper's own code on a fake kernel, in this process: it does its steps when the unit speaks and when it is pumped. */
export function inProcess(kernel: FakeKernel): InProcess {
  let keeper: LineKeeper | undefined;
  let finish: ((why: string) => void) | undefined;
  let deliver: (bytes: Buffer) => void = () => undefined;
  let started = 0;
  const hand = () => {
    if (kernel.toUnit.length === 0) return;
    const bytes = kernel.toUnit;
    kernel.toUnit = Buffer.alloc(0);
    deliver(bytes);
  };
  const pump = () => {
    for (let i = 0; i < 50 && keeper !== undefined; i += 1) {
      if (!keeper.step(0)) {
        keeper.flush();
        hand();
        keeper = undefined;
        finish?.('it ended with 0');
      } else hand();
    }
  };
  return {
    get started() {
      return started;
    },
    pump,
    crash: () => {
      keeper = undefined;
      finish?.('it was ended by SIGKILL');
    },
    openLink: (onBytes) => {
      started += 1;
      kernel.unitGone = false;
      kernel.fromUnit = Buffer.alloc(0);
      deliver = onBytes;
      keeper = new LineKeeper({
        calls: kernel,
        devices: kernel.devices,
        input: UNIT_INPUT,
        output: UNIT_OUTPUT,
        now: () => Number(kernel.now) / 1e6,
      });
      const ended = new Promise<string>((resolve) => {
        finish = resolve;
      });
      return {
        send: (text) => {
          kernel.fromUnit = Buffer.concat([kernel.fromUnit, Buffer.from(text)]);
          setImmediate(pump);
        },
        end: () => {
          kernel.unitGone = true;
          setImmediate(pump);
        },
        kill: () => finish?.('it was ended by SIGKILL'),
        ended,
      };
    },
  };
}
