import { Buffer } from 'node:buffer';
import type { SystemCalls } from '../../kernel/linux/system-calls.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import { findLine, type GpioSystem, lineRefusal, unavailable, withChip } from './find-line.ts';
import {
  EVENT_SIZE,
  gpioRequests,
  grantedDescriptor,
  type LineEvent,
  type LineRequest,
  lineFlags,
  readEvents,
  readValue,
  valuesRequest,
  writeLineRequest,
} from './gpio-abi.ts';

/** What `gpioinfo` shows as the holder of our lines. */
export const CONSUMER = 'atalaya';
/** Edges that wait in the kernel for us: the most that it takes. A second and more of a detector that chatters. */
const EVENT_BUFFER = 1024;
const EVENTS_A_READ = 64;

const drives = { 'push-pull': 0n, 'open-drain': lineFlags.openDrain, 'open-source': lineFlags.openSource } as const;
const biases = {
  'as-is': 0n,
  disabled: lineFlags.biasDisabled,
  'pull-up': lineFlags.biasPullUp,
  'pull-down': lineFlags.biasPullDown,
} as const;

/**
 * Asks the kernel for one line, an output at its safe level from the first moment; the answer is its descriptor. Each line has a
 * request of its own: one that is taken or gone is told by name and takes no other with it, and its edges are numbered alone.
 * Throws `lines-unavailable`.
 */
export function requestOutput(system: GpioSystem, { chip, line, activeLow, drive, safe }: OutputLine): number {
  const flags = lineFlags.output | drives[drive] | (activeLow ? lineFlags.activeLow : 0n);
  return request(system, chip, line, { flags, value: safe });
}

/** As above. The kernel itself debounces: in the chip where that can, else by a timer of its own. */
export function requestInput(system: GpioSystem, { chip, line, activeLow, bias, debounceMs }: InputLine): number {
  const flags =
    lineFlags.input |
    lineFlags.edgeRising |
    lineFlags.edgeFalling |
    biases[bias] |
    (activeLow ? lineFlags.activeLow : 0n);
  const debounce = Math.round(debounceMs * 1000);
  return request(system, chip, line, { flags, buffer: EVENT_BUFFER, ...(debounce > 0 ? { debounce } : {}) });
}

function request(
  system: GpioSystem,
  wanted: string,
  place: number | string,
  asked: Omit<LineRequest, 'offset' | 'consumer'>,
): number {
  return withChip(system, wanted, (chip, descriptor) => {
    const line = findLine(system, chip, descriptor, place);
    const bytes = writeLineRequest({ ...asked, offset: line.offset, consumer: CONSUMER });
    try {
      system.calls.ioctl(descriptor, gpioRequests.line, bytes);
    } catch (error) {
      throw lineRefusal(system, chip, descriptor, line, error);
    }
    const granted = grantedDescriptor(bytes);
    if (granted <= 0) throw unavailable(`the GPIO chip ${wanted} gave no descriptor for the line ${place}`, undefined);
    return granted;
  });
}

export function setLine(calls: SystemCalls, descriptor: number, level: boolean): void {
  calls.ioctl(descriptor, gpioRequests.setValues, valuesRequest(level));
}

export function getLine(calls: SystemCalls, descriptor: number): boolean {
  const values = valuesRequest(false);
  calls.ioctl(descriptor, gpioRequests.getValues, values);
  return readValue(values);
}

/** What waits on a line that is ready: up to 64 events. A line that is not ready would block. */
export function takeEvents(calls: SystemCalls, descriptor: number): LineEvent[] {
  const bytes = Buffer.alloc(EVENTS_A_READ * EVENT_SIZE);
  return readEvents(bytes, calls.read(descriptor, bytes));
}
