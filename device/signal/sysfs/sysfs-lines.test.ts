import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type AtalayaError, explain, isAtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import type { LineEdge } from '../lines.ts';
import { linesContract } from '../lines-contract.ts';
import { findPin } from './find-pin.ts';
import type { OpenPin, PinWish } from './onoff-pins.ts';
import { SysfsLines } from './sysfs-lines.ts';

interface FakeWire {
  high: boolean;
  wish: PinWish;
  closed: 'release' | 'keep' | undefined;
  onEdge: ((level: boolean | Error) => void) | undefined;
}

/** Wires behind the pins' port, by their numbers in sysfs. */
function fakeWires() {
  const wires = new Map<number, FakeWire>();
  const openPin: OpenPin = (wish) => {
    const wire: FakeWire = { high: wish.direction === 'high', wish, closed: undefined, onEdge: undefined };
    wires.set(wish.number, wire);
    return {
      read: () => wire.high !== wish.activeLow,
      write: (level) => {
        wire.high = level !== wish.activeLow;
      },
      watch: (onEdge) => {
        wire.onEdge = onEdge;
      },
      close: (then) => {
        wire.closed = then;
      },
    };
  };
  const wire = (number: number) => wires.get(number) as FakeWire;
  /** Drives a wire from outside; the edge is told unless the kernel is to miss it. */
  const drive = (number: number, high: boolean, seen = true) => {
    const one = wire(number);
    const moved = one.high !== high;
    one.high = high;
    if (moved && seen && one.closed === undefined) one.onEdge?.(high !== one.wish.activeLow);
  };
  return { wires, wire, openPin, drive };
}

async function tree(
  t: ExecutionContext,
  chips: readonly [folder: string, label: string, base: number, lines: number][],
) {
  const root = await mkdtemp(join(tmpdir(), 'atalaya-sysfs-'));
  t.teardown(() => rm(root, { recursive: true }));
  for (const [folder, label, base, lines] of chips) {
    await mkdir(join(root, folder));
    await writeFile(join(root, folder, 'label'), `${label}\n`);
    await writeFile(join(root, folder, 'base'), `${base}\n`);
    await writeFile(join(root, folder, 'ngpio'), `${lines}\n`);
  }
  return root;
}

const board = [
  ['gpiochip512', 'pinctrl-bcm2711', 512, 58],
  ['gpiochip570', 'raspberrypi-exp-gpio', 570, 8],
] as const;

const output = (given: Partial<OutputLine> = {}): OutputLine => ({
  name: 'beacon',
  chip: 'pinctrl-bcm2711',
  line: 17,
  activeLow: false,
  safe: false,
  drive: 'push-pull',
  ...given,
});
const input = (given: Partial<InputLine> = {}): InputLine => ({
  name: 'red',
  chip: 'raspberrypi-exp-gpio',
  line: 2,
  activeLow: false,
  bias: 'as-is',
  debounceMs: 0,
  ...given,
});

async function opened(t: ExecutionContext, outputs: OutputLine[], inputs: InputLine[]) {
  const root = await tree(
    t,
    board.map(([...chip]) => chip),
  );
  const clock = new ManualClock();
  const faults: AtalayaError[] = [];
  const bench = fakeWires();
  const onFault = (fault: AtalayaError) => faults.push(fault);
  const lines = await SysfsLines.open(
    { outputs, inputs },
    { clock, timer: clock, onFault, root, openPin: bench.openPin },
  );
  return { ...bench, lines, clock, faults };
}

for (const [safe, activeLow] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const) {
  // The contract gives no context to its assembly, and its tree is small: it is left to the system's own cleaning.
  linesContract(test, `sysfs, safe at ${safe}, active low ${activeLow}`, async () => {
    const clean: (() => Promise<void>)[] = [];
    const context = { teardown: (fn: () => Promise<void>) => clean.push(fn) } as unknown as ExecutionContext;
    const { lines, wire, drive } = await opened(context, [output({ safe, activeLow })], [input({ activeLow })]);
    return {
      lines,
      output: 'beacon',
      safeLevel: safe,
      input: 'red',
      levelOf: async () => wire(529).high !== activeLow,
      drive: async (_, level) => drive(572, level !== activeLow),
      dismantle: async () => {
        for (const fn of clean) await fn();
      },
    };
  });
}

test('the number of a line is the base of its chip and the offset, wherever the base is', async (t) => {
  const root = await tree(t, [
    ['gpiochip0', 'first', 0, 8],
    ['gpiochip8', 'second', 8, 8],
    ['gpiochip1016', 'third', 1016, 8],
  ]);
  t.is(findPin(root, 'first', 3), 3);
  t.is(findPin(root, 'third', 7), 1023);
  t.is(findPin(root, 'gpiochip8', 0), 8);
});

test('what cannot be found is refused with what there is', async (t) => {
  const root = await tree(t, [...board.map(([...chip]) => chip), ['gpiochip600', 'pinctrl-bcm2711', 600, 4]]);
  const refusal = (chip: string, line: number | string, where = root) => {
    const error = t.throws(() => findPin(where, chip, line));
    t.true(isAtalayaError(error, 'lines-unavailable'));
    return explain(error);
  };
  t.regex(refusal('pinctrl-rp1', 1), /there is gpiochip512 \(pinctrl-bcm2711, 58 lines\), gpiochip570 /);
  t.regex(refusal('pinctrl-bcm2711', 1), /2 GPIO chips are labelled/);
  t.regex(refusal('raspberrypi-exp-gpio', 8), /has no line 8\n {2}Name an offset from 0 to 7/);
  t.regex(refusal('raspberrypi-exp-gpio', 'GPIO2'), /knows no line by its name/);
  t.regex(refusal('any', 0, join(root, 'nowhere')), /there is none\n {2}Run on a kernel with CONFIG_GPIO_SYSFS/);
});

test('an output begins at its safe voltage, and a line that is let go is not left to itself', async (t) => {
  const { lines, wire } = await opened(t, [output({ activeLow: true })], [input()]);
  t.is(wire(529).wish.direction, 'high', 'off, for a lamp that is on at a low voltage');
  await lines.close();
  t.is(wire(529).closed, 'keep');
  t.is(wire(572).closed, 'release');
});

test('two edges that come as one leave a gap in the numbers', async (t) => {
  const { lines, wire, drive } = await opened(t, [], [input()]);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  drive(572, true);
  wire(572).onEdge?.(true);
  drive(572, false);
  t.deepEqual(
    edges.map(({ sequence, level }) => [sequence, level]),
    [
      [1, true],
      [4, false],
    ],
  );
});

test('an edge that never came is found by reading, and told with a gap', async (t) => {
  const { lines, clock, drive } = await opened(t, [], [input()]);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  drive(572, true, false);
  const reading = lines.read('red');
  await clock.advance(100);
  t.true(await reading);
  t.deepEqual(
    edges.map(({ sequence, level }) => [sequence, level]),
    [[2, true]],
  );
});

test('contacts that bounce are debounced here', async (t) => {
  const { lines, clock, drive } = await opened(t, [], [input({ debounceMs: 10 })]);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  for (const high of [true, false, true, false, true]) {
    await clock.advance(3);
    drive(572, high);
  }
  t.false(await lines.read('red'));
  await clock.advance(20);
  t.true(await lines.read('red'));
  t.deepEqual(
    edges.map(({ at, level, sequence }) => [at, level, sequence]),
    [[15, true, 1]],
  );
});

test('what sysfs cannot do is refused, and a line that fails is a fault', async (t) => {
  await t.throwsAsync(opened(t, [output({ drive: 'open-drain' })], []), {
    message: /beacon: .* cannot be driven as open-drain/,
  });
  await t.throwsAsync(opened(t, [], [input({ bias: 'pull-up' })]), { message: /red: .* resistor pull-up/ });
  const { faults, wire } = await opened(t, [], [input()]);
  wire(572).onEdge?.(Object.assign(new Error('gone'), { code: 'ENODEV' }));
  t.regex(faults.map(explain).join(), /red: the kernel does not serve the line any more \(ENODEV\)/);
});
