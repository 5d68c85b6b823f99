import { Buffer } from 'node:buffer';
import { ioctlBoth, ioctlRead } from '../../kernel/linux/ioctl-number.ts';

/**
 * The GPIO character device, second version of its interface (`include/uapi/linux/gpio.h`, Linux 5.10 and later): requests, sizes and
 * structures as bytes. The header aligns every field for 32 and 64 bits alike, so there is one layout.
 */
const LETTER = 0xb4;
/** `GPIO_MAX_NAME_SIZE`, `GPIO_V2_LINES_MAX`, `GPIO_V2_LINE_NUM_ATTRS_MAX`. */
const NAME_SIZE = 32;
const LINES_MAX = 64;
const ATTRIBUTES_MAX = 10;
const ATTRIBUTE_SIZE = 24;

/** `gpiochip_info`: name, label, number of lines. */
export const CHIP_INFO_SIZE = 2 * NAME_SIZE + 4;
/** `gpio_v2_line_info`: name, consumer, offset, number of attributes, flags, attributes of 16 bytes, padding. */
export const LINE_INFO_SIZE = 2 * NAME_SIZE + 4 + 4 + 8 + ATTRIBUTES_MAX * 16 + 16;
/** `gpio_v2_line_request`: offsets, consumer, configuration, number of lines, size of the event buffer, padding, descriptor. */
const CONSUMER = LINES_MAX * 4;
const CONFIG = CONSUMER + NAME_SIZE;
const CONFIG_COUNT = CONFIG + 8;
const CONFIG_ATTRIBUTES = CONFIG + 8 + 4 + 20;
const LINE_COUNT = CONFIG_ATTRIBUTES + ATTRIBUTES_MAX * ATTRIBUTE_SIZE;
const BUFFER_SIZE = LINE_COUNT + 4;
const DESCRIPTOR = BUFFER_SIZE + 4 + 20;
export const LINE_REQUEST_SIZE = DESCRIPTOR + 4;
/** `gpio_v2_line_values`: bits, mask. */
export const VALUES_SIZE = 16;
/** `gpio_v2_line_event`: time in ns (u64), id, offset, sequence of the request, sequence of the line (u32 each), padding. */
export const EVENT_SIZE = 48;
/** `gpio_v2_line_config`: flags, number of attributes, padding, attributes. */
const LINE_CONFIG_SIZE = LINE_COUNT - CONFIG;

export const gpioRequests = {
  chipInfo: ioctlRead(LETTER, 0x01, CHIP_INFO_SIZE),
  lineInfo: ioctlBoth(LETTER, 0x05, LINE_INFO_SIZE),
  line: ioctlBoth(LETTER, 0x07, LINE_REQUEST_SIZE),
  setConfig: ioctlBoth(LETTER, 0x0d, LINE_CONFIG_SIZE),
  getValues: ioctlBoth(LETTER, 0x0e, VALUES_SIZE),
  setValues: ioctlBoth(LETTER, 0x0f, VALUES_SIZE),
} as const;

export const lineFlags = {
  used: 1n << 0n,
  activeLow: 1n << 1n,
  input: 1n << 2n,
  output: 1n << 3n,
  edgeRising: 1n << 4n,
  edgeFalling: 1n << 5n,
  openDrain: 1n << 6n,
  openSource: 1n << 7n,
  biasPullUp: 1n << 8n,
  biasPullDown: 1n << 9n,
  biasDisabled: 1n << 10n,
} as const;

const ATTRIBUTE_OUTPUT_VALUES = 2;
const ATTRIBUTE_DEBOUNCE = 3;
const RISING = 1;
const FALLING = 2;

export interface ChipInfo {
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

export interface LineInfo {
  readonly name: string;
  readonly consumer: string;
  readonly offset: number;
  readonly flags: bigint;
}

/** One line, asked for alone. */
export interface LineRequest {
  readonly offset: number;
  /** At most 31 bytes; shown by `gpioinfo`. */
  readonly consumer: string;
  readonly flags: bigint;
  /** Of an output: whether it is on from the start. */
  readonly value?: boolean;
  /** Of an input, in microseconds. */
  readonly debounce?: number;
  /** Edges that the kernel keeps until they are read; it takes at most 1024 (16 for each of 64 lines). */
  readonly buffer?: number;
}

export interface LineEvent {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly time: bigint;
  /** On after the edge: active, so with `activeLow` a low voltage. */
  readonly level: boolean;
  /** From 1, rises by one with each edge that the kernel noticed on this line; 32 bits. */
  readonly sequence: number;
}

export function readChipInfo(bytes: Buffer): ChipInfo {
  return { name: textAt(bytes, 0), label: textAt(bytes, NAME_SIZE), lines: bytes.readUInt32LE(2 * NAME_SIZE) };
}

export function writeChipInfo(bytes: Buffer, { name, label, lines }: ChipInfo): void {
  bytes.write(name, 0);
  bytes.write(label, NAME_SIZE);
  bytes.writeUInt32LE(lines, 2 * NAME_SIZE);
}

export function lineInfoRequest(offset: number): Buffer {
  const bytes = Buffer.alloc(LINE_INFO_SIZE);
  bytes.writeUInt32LE(offset, 2 * NAME_SIZE);
  return bytes;
}

export function readLineInfo(bytes: Buffer): LineInfo {
  return {
    name: textAt(bytes, 0),
    consumer: textAt(bytes, NAME_SIZE),
    offset: bytes.readUInt32LE(2 * NAME_SIZE),
    flags: bytes.readBigUInt64LE(2 * NAME_SIZE + 8),
  };
}

export function writeLineInfo(bytes: Buffer, { name, consumer, offset, flags }: LineInfo): void {
  bytes.write(name, 0);
  bytes.write(consumer, NAME_SIZE);
  bytes.writeUInt32LE(offset, 2 * NAME_SIZE);
  bytes.writeBigUInt64LE(flags, 2 * NAME_SIZE + 8);
}

export function writeLineRequest({ offset, consumer, flags, value, debounce, buffer }: LineRequest): Buffer {
  const bytes = Buffer.alloc(LINE_REQUEST_SIZE);
  bytes.writeUInt32LE(offset, 0);
  bytes.write(consumer, CONSUMER, NAME_SIZE - 1, 'utf8');
  bytes.writeBigUInt64LE(flags, CONFIG);
  let attributes = 0;
  const attribute = (id: number) => {
    const at = CONFIG_ATTRIBUTES + attributes * ATTRIBUTE_SIZE;
    attributes += 1;
    bytes.writeUInt32LE(id, at);
    // It is about the request's first line, which is its only one.
    bytes.writeBigUInt64LE(1n, at + 16);
    return at + 8;
  };
  if (value !== undefined) bytes.writeBigUInt64LE(value ? 1n : 0n, attribute(ATTRIBUTE_OUTPUT_VALUES));
  if (debounce !== undefined) bytes.writeUInt32LE(debounce, attribute(ATTRIBUTE_DEBOUNCE));
  bytes.writeUInt32LE(attributes, CONFIG_COUNT);
  bytes.writeUInt32LE(1, LINE_COUNT);
  bytes.writeUInt32LE(buffer ?? 0, BUFFER_SIZE);
  return bytes;
}

/** What a request asks for, as the kernel reads it. */
export function readLineRequest(bytes: Buffer): LineRequest {
  let value: boolean | undefined;
  let debounce: number | undefined;
  for (let i = 0; i < bytes.readUInt32LE(CONFIG_COUNT); i += 1) {
    const at = CONFIG_ATTRIBUTES + i * ATTRIBUTE_SIZE;
    const id = bytes.readUInt32LE(at);
    if (id === ATTRIBUTE_OUTPUT_VALUES) value = (bytes.readBigUInt64LE(at + 8) & 1n) === 1n;
    if (id === ATTRIBUTE_DEBOUNCE) debounce = bytes.readUInt32LE(at + 8);
  }
  return {
    offset: bytes.readUInt32LE(0),
    consumer: textAt(bytes, CONSUMER),
    flags: bytes.readBigUInt64LE(CONFIG),
    buffer: bytes.readUInt32LE(BUFFER_SIZE),
    ...(value === undefined ? {} : { value }),
    ...(debounce === undefined ? {} : { debounce }),
  };
}

/** The descriptor of the requested line, which the kernel wrote into the request. */
export const grantedDescriptor = (bytes: Buffer): number => bytes.readInt32LE(DESCRIPTOR);
export const grantDescriptor = (bytes: Buffer, descriptor: number): number =>
  bytes.writeInt32LE(descriptor, DESCRIPTOR);

/** The value of a request's only line; `level` is written, and read back. */
export function valuesRequest(level: boolean): Buffer {
  const bytes = Buffer.alloc(VALUES_SIZE);
  bytes.writeBigUInt64LE(level ? 1n : 0n, 0);
  bytes.writeBigUInt64LE(1n, 8);
  return bytes;
}

export const readValue = (bytes: Buffer): boolean => (bytes.readBigUInt64LE(0) & 1n) === 1n;
export const writeValue = (bytes: Buffer, level: boolean): number => bytes.writeBigUInt64LE(level ? 1n : 0n, 0);

/** The events in the first `size` bytes. */
export function readEvents(bytes: Buffer, size: number): LineEvent[] {
  const events: LineEvent[] = [];
  for (let at = 0; at + EVENT_SIZE <= size; at += EVENT_SIZE) {
    events.push({
      time: bytes.readBigUInt64LE(at),
      level: bytes.readUInt32LE(at + 8) === RISING,
      sequence: bytes.readUInt32LE(at + 20),
    });
  }
  return events;
}

export function writeEvent(bytes: Buffer, { time, level, sequence }: LineEvent, offset: number): void {
  bytes.writeBigUInt64LE(time, 0);
  bytes.writeUInt32LE(level ? RISING : FALLING, 8);
  bytes.writeUInt32LE(offset, 12);
  bytes.writeUInt32LE(sequence, 16);
  bytes.writeUInt32LE(sequence, 20);
}

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end < 0 || end > at + NAME_SIZE ? at + NAME_SIZE : end);
}
