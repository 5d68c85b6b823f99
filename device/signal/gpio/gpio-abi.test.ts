import { Buffer } from 'node:buffer';
import test from 'ava';
import { watchdogRequests } from '../../kernel/linux/hardware-watchdog.ts';
import {
  CHIP_INFO_SIZE,
  EVENT_SIZE,
  gpioRequests,
  grantedDescriptor,
  LINE_INFO_SIZE,
  LINE_REQUEST_SIZE,
  lineFlags,
  readChipInfo,
  readEvents,
  readLineRequest,
  valuesRequest,
  writeLineRequest,
} from './gpio-abi.ts';

// The figures are what a C compiler makes of linux/gpio.h and linux/watchdog.h (kernel 6.1), printed by a program of `sizeof` and
// `offsetof`.
test("sizes and requests are those of the kernel's headers", (t) => {
  t.deepEqual(
    [CHIP_INFO_SIZE, LINE_INFO_SIZE, LINE_REQUEST_SIZE, EVENT_SIZE, valuesRequest(true).length],
    [68, 256, 592, 48, 16],
  );
  t.deepEqual(gpioRequests, {
    chipInfo: 2151986177,
    lineInfo: 3238048773,
    line: 3260068871,
    setConfig: 3239097357,
    getValues: 3222320142,
    setValues: 3222320143,
  });
  t.deepEqual(watchdogRequests, {
    support: 2150127360,
    bootStatus: 2147768066,
    keepAlive: 2147768069,
    setTimeout: 3221509894,
    getTimeout: 2147768071,
  });
});

test('a request lies in the bytes as the header lays it out', (t) => {
  const bytes = writeLineRequest({
    offset: 17,
    consumer: 'atalaya',
    flags: lineFlags.input | lineFlags.edgeRising | lineFlags.edgeFalling | lineFlags.biasPullUp,
    debounce: 5000,
    buffer: 1024,
  });
  t.is(bytes.readUInt32LE(0), 17);
  t.is(bytes.toString('latin1', 256, 264), 'atalaya\0');
  t.is(bytes.readBigUInt64LE(288), 0b1_0011_0100n);
  t.is(bytes.readUInt32LE(296), 1, 'one attribute');
  t.is(bytes.readUInt32LE(320), 3, 'which is the debounce period');
  t.is(bytes.readUInt32LE(328), 5000);
  t.is(bytes.readBigUInt64LE(336), 1n, 'of the first line');
  t.is(bytes.readUInt32LE(560), 1, 'of one');
  t.is(bytes.readUInt32LE(564), 1024);
  bytes.writeInt32LE(12, 588);
  t.is(grantedDescriptor(bytes), 12);
  const rest = Buffer.from(bytes);
  for (const [from, to] of [
    [0, 4],
    [256, 263],
    [288, 300],
    [320, 344],
    [560, 568],
    [588, 592],
  ] as const)
    rest.fill(0, from, to);
  t.true(
    rest.every((byte) => byte === 0),
    'the kernel refuses a request whose padding is not zero',
  );
});

test('a consumer that is too long is cut, and its closing zero stays', (t) => {
  const bytes = writeLineRequest({ offset: 0, consumer: 'x'.repeat(50), flags: 0n });
  t.is(bytes[287], 0);
  t.is(readLineRequest(bytes).consumer, 'x'.repeat(31));
});

test('events and names are read from the bytes as the kernel writes them', (t) => {
  const event = Buffer.alloc(EVENT_SIZE);
  event.writeBigUInt64LE(123_456_789_012n, 0);
  event.writeUInt32LE(2, 8);
  event.writeUInt32LE(17, 12);
  event.writeUInt32LE(99, 16);
  event.writeUInt32LE(7, 20);
  t.deepEqual(readEvents(Buffer.concat([event, Buffer.alloc(EVENT_SIZE)]), EVENT_SIZE), [
    { time: 123_456_789_012n, level: false, sequence: 7 },
  ]);
  const chip = Buffer.alloc(CHIP_INFO_SIZE);
  chip.write('gpiochip0', 0);
  chip.write('l'.repeat(32), 32);
  chip.writeUInt32LE(58, 64);
  t.deepEqual(readChipInfo(chip), { name: 'gpiochip0', label: 'l'.repeat(32), lines: 58 });
});
