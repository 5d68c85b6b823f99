import { Buffer } from 'node:buffer';
import { type PollAnswer, type PollWish, type SystemCalls, SystemFault } from '../../../kernel/linux/system-calls.ts';
import {
  EVENT_SIZE,
  gpioRequests,
  grantDescriptor,
  type LineEvent,
  type LineRequest,
  lineFlags,
  readLineInfo,
  readLineRequest,
  readValue,
  writeChipInfo,
  writeEvent,
  writeLineInfo,
  writeValue,
} from '../gpio-abi.ts';

export interface FakeChip {
  readonly path: string;
  readonly name: string;
  readonly label: string;
  /** Names of its lines, '' for none. */
  readonly lines: readonly string[];
}

interface Requested {
  readonly chip: FakeChip;
  readonly request: LineRequest;
  readonly events: LineEvent[];
  sequence: number;
}

/** Ends of the pipes to the unit. */
export const UNIT_INPUT = 0;
export const UNIT_OUTPUT = 1;

const ranOver = 1024;

/** A kernel with GPIO chips and two pipes that lives in the test: it speaks the bytes of the real one, and its wires are driven by hand. */
export class FakeKernel implements SystemCalls {
  /** Nanoseconds of its monotonic clock. */
  now = 5_000_000_000n;
  /** What the unit has said and is not read; `undefined` when its end is closed and all is read. */
  fromUnit: Buffer = Buffer.alloc(0);
  unitGone = false;
  /** What was said to the unit. */
  toUnit: Buffer = Buffer.alloc(0);
  /** The unit does not read. */
  unitStalls = false;
  readonly denied = new Set<string>();
  readonly opened: LineRequest[] = [];
  readonly #chips = new Map<string, FakeChip>();
  readonly #gone = new Set<FakeChip>();
  readonly #open = new Map<number, FakeChip | Requested>();
  /** Voltages, by chip and offset. */
  readonly #wires = new Map<string, boolean>();
  readonly #foreign = new Map<string, string>();
  #next = 3;

  constructor(chips: readonly FakeChip[]) {
    for (const chip of chips) this.#chips.set(chip.path, chip);
  }

  readonly devices = (): string[] => [...this.#chips].filter(([, chip]) => !this.#gone.has(chip)).map(([path]) => path);

  /** The voltage at a wire. */
  voltage(name: string, offset: number): boolean {
    return this.#wires.get(`${name}:${offset}`) ?? false;
  }

  /** Drives a wire from outside; its edge is queued where somebody follows it. `silently`: the kernel does not notice. */
  drive(name: string, offset: number, high: boolean, silently = false): void {
    const before = this.voltage(name, offset);
    this.#wires.set(`${name}:${offset}`, high);
    if (before === high || silently) return;
    for (const one of this.#open.values()) {
      if (!('request' in one) || one.chip.name !== name || one.request.offset !== offset) continue;
      if ((one.request.flags & lineFlags.edgeRising) === 0n) continue;
      one.sequence = (one.sequence + 1) >>> 0;
      if (one.events.length >= ranOver) one.events.shift();
      one.events.push({ time: this.now, level: high !== activeLow(one.request), sequence: one.sequence });
    }
  }

  /** Sets the number of the newest edge of a line. */
  count(name: string, offset: number, sequence: number): void {
    for (const one of this.#open.values())
      if ('request' in one && one.chip.name === name && one.request.offset === offset) one.sequence = sequence;
  }

  /** Takes a chip away. */
  unplug(name: string): void {
    for (const chip of this.#chips.values()) if (chip.name === name) this.#gone.add(chip);
  }

  plug(name: string): void {
    for (const chip of this.#gone) if (chip.name === name) this.#gone.delete(chip);
  }

  /** Another program holds a line. */
  hold(name: string, offset: number, consumer: string): void {
    this.#foreign.set(`${name}:${offset}`, consumer);
  }

  get openDescriptors(): number {
    return this.#open.size;
  }

  open(path: string): number {
    const chip = this.#chips.get(path);
    if (chip === undefined || this.#gone.has(chip)) throw new SystemFault('ENOENT', 'open', path);
    if (this.denied.has(path)) throw new SystemFault('EACCES', 'open', path);
    return this.#grant(chip);
  }

  close(descriptor: number): void {
    if (!this.#open.delete(descriptor)) throw new SystemFault('EBADF', 'close');
  }

  read(descriptor: number, into: Uint8Array): number {
    if (descriptor === UNIT_INPUT) {
      const size = this.fromUnit.copy(into);
      this.fromUnit = this.fromUnit.subarray(size);
      return size;
    }
    const line = this.#line(descriptor, 'read');
    const events = line.events.splice(0, Math.floor(into.byteLength / EVENT_SIZE));
    if (events.length === 0) throw new Error('a read that blocks for ever');
    for (const [i, event] of events.entries()) {
      const bytes = Buffer.alloc(EVENT_SIZE);
      writeEvent(bytes, event, line.request.offset);
      into.set(bytes, i * EVENT_SIZE);
    }
    return events.length * EVENT_SIZE;
  }

  write(descriptor: number, from: Uint8Array): number {
    if (descriptor !== UNIT_OUTPUT) throw new SystemFault('EBADF', 'write');
    if (this.unitGone) throw new SystemFault('EPIPE', 'write');
    this.toUnit = Buffer.concat([this.toUnit, from]);
    return from.byteLength;
  }

  ioctl(descriptor: number, request: number, argument: Uint8Array): number {
    const bytes = Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
    const open = this.#open.get(descriptor);
    if (open === undefined) throw new SystemFault('EBADF', 'ioctl');
    if ('request' in open) {
      const line = this.#line(descriptor, 'ioctl');
      const wire = `${line.chip.name}:${line.request.offset}`;
      const invert = activeLow(line.request);
      if (request === gpioRequests.getValues) writeValue(bytes, (this.#wires.get(wire) ?? false) !== invert);
      else if (request === gpioRequests.setValues) this.#wires.set(wire, readValue(bytes) !== invert);
      else throw new SystemFault('EINVAL', 'ioctl');
      return 0;
    }
    if (this.#gone.has(open)) throw new SystemFault('ENODEV', 'ioctl');
    if (request === gpioRequests.chipInfo) {
      writeChipInfo(bytes, { name: open.name, label: open.label, lines: open.lines.length });
    } else if (request === gpioRequests.lineInfo) {
      const { offset } = readLineInfo(bytes);
      const name = open.lines[offset];
      if (name === undefined) throw new SystemFault('EINVAL', 'ioctl');
      const consumer = this.#foreign.get(`${open.name}:${offset}`) ?? '';
      writeLineInfo(bytes, { name, consumer, offset, flags: consumer === '' ? 0n : lineFlags.used });
    } else if (request === gpioRequests.line) this.#request(open, bytes);
    else throw new SystemFault('EINVAL', 'ioctl');
    return 0;
  }

  poll(wanted: readonly PollWish[], _wait: number): PollAnswer[] {
    return wanted.flatMap(({ descriptor, readable, writable }) => {
      const answer = { descriptor, readable: false, writable: false, gone: false };
      if (descriptor === UNIT_INPUT) {
        if (this.fromUnit.length > 0) return [{ ...answer, readable: readable }];
        return this.unitGone ? [{ ...answer, gone: true }] : [];
      }
      if (descriptor === UNIT_OUTPUT) {
        if (this.unitGone) return [{ ...answer, gone: true }];
        return writable && !this.unitStalls ? [{ ...answer, writable: true }] : [];
      }
      const open = this.#open.get(descriptor);
      if (open === undefined || !('request' in open)) return [{ ...answer, gone: true }];
      if (this.#gone.has(open.chip)) return [{ ...answer, gone: true }];
      return readable && open.events.length > 0 ? [{ ...answer, readable: true }] : [];
    });
  }

  datagramSocket(): number {
    throw new SystemFault('EAFNOSUPPORT', 'socket');
  }

  sendTo(): void {
    throw new SystemFault('EAFNOSUPPORT', 'sendto');
  }

  adjustTime(): number {
    throw new SystemFault('ENOSYS', 'ntp_adjtime');
  }

  #request(chip: FakeChip, bytes: Buffer): void {
    const request = readLineRequest(bytes);
    const wire = `${chip.name}:${request.offset}`;
    const ours = [...this.#open.values()].some(
      (one) => 'request' in one && one.chip === chip && one.request.offset === request.offset,
    );
    if (ours || this.#foreign.has(wire)) throw new SystemFault('EBUSY', 'ioctl');
    this.opened.push(request);
    if (request.value !== undefined) this.#wires.set(wire, request.value !== activeLow(request));
    grantDescriptor(bytes, this.#grant({ chip, request, events: [], sequence: 0 }));
  }

  #grant(what: FakeChip | Requested): number {
    const descriptor = this.#next;
    this.#next += 1;
    this.#open.set(descriptor, what);
    return descriptor;
  }

  #line(descriptor: number, call: string): Requested {
    const open = this.#open.get(descriptor);
    if (open === undefined || !('request' in open)) throw new SystemFault('EBADF', call);
    if (this.#gone.has(open.chip)) throw new SystemFault('ENODEV', call);
    return open;
  }
}

function activeLow({ flags }: LineRequest): boolean {
  return (flags & lineFlags.activeLow) !== 0n;
}
