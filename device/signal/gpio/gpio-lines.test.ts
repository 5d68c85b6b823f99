import test, { type ExecutionContext } from 'ava';
import { type AtalayaError, explain, isAtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';
import type { LineEdge } from '../lines.ts';
import { linesContract } from '../lines-contract.ts';
import { GpioLines, SILENCE } from './gpio-lines.ts';
import { FakeKernel } from './testing/fake-kernel.ts';
import { inProcess } from './testing/kept-in-process.ts';

const soc = {
  path: '/dev/gpiochip0',
  name: 'gpiochip0',
  label: 'pinctrl-bcm2711',
  lines: ['ID_SDA', 'GPIO1', 'GPIO2', ''],
};
const usb = { path: '/dev/gpiochip1', name: 'gpiochip1', label: 'usb-adapter', lines: ['', ''] };

const output = (given: Partial<OutputLine> = {}): OutputLine => ({
  name: 'beacon',
  chip: 'pinctrl-bcm2711',
  line: 'GPIO2',
  activeLow: false,
  safe: false,
  drive: 'push-pull',
  ...given,
});
const input = (given: Partial<InputLine> = {}): InputLine => ({
  name: 'red',
  chip: 'usb-adapter',
  line: 1,
  activeLow: false,
  bias: 'as-is',
  debounceMs: 0,
  ...given,
});

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

async function opened(outputs: OutputLine[], inputs: InputLine[], kernel = new FakeKernel([soc, usb])) {
  const clock = new ManualClock();
  const faults: AtalayaError[] = [];
  const back: string[] = [];
  const keeper = inProcess(kernel);
  const lines = await GpioLines.open(
    { outputs, inputs },
    {
      clock,
      timer: clock,
      random: () => 0,
      onFault: (fault) => faults.push(fault),
      onBack: (line) => back.push(line),
      openLink: keeper.openLink,
      kernelNow: () => kernel.now,
    },
  );
  const pass = async (time: number) => {
    // Both clocks go on together, as on a machine they do.
    for (let left = time; left > 0; left -= 500) {
      kernel.now += BigInt(Math.min(left, 500) * 1e6);
      await clock.advance(Math.min(left, 500));
      keeper.pump();
      await settle();
    }
  };
  return { lines, kernel, keeper, clock, faults, back, pass };
}

for (const [safe, activeLow] of [
  [false, false],
  [true, true],
] as const) {
  linesContract(test, `gpio, safe at ${safe}, active low ${activeLow}`, async () => {
    const { lines, kernel, keeper } = await opened([output({ safe, activeLow })], [input({ activeLow })]);
    return {
      lines,
      output: 'beacon',
      safeLevel: safe,
      input: 'red',
      levelOf: async () => kernel.voltage('gpiochip0', 2) !== activeLow,
      drive: async (_, level) => {
        kernel.now += 1_000_000n;
        kernel.drive('gpiochip1', 1, level !== activeLow);
        keeper.pump();
      },
      dismantle: async () => undefined,
    };
  });
}

test('lines are asked for by name of ours, with what the configuration says of them', async (t) => {
  const { lines, kernel } = await opened(
    [output({ drive: 'open-drain', safe: true })],
    [input({ bias: 'pull-up', debounceMs: 2.5, activeLow: true })],
  );
  t.deepEqual(kernel.opened, [
    { offset: 2, consumer: 'atalaya', flags: 0b100_1000n, buffer: 0, value: true },
    { offset: 1, consumer: 'atalaya', flags: 0b1_0011_0110n, buffer: 1024, debounce: 2500 },
  ]);
  await lines.close();
  t.is(kernel.openDescriptors, 0);
});

test("edges have the kernel's time on our clock, less the time that it waited for the contact", async (t) => {
  const { lines, kernel, keeper, clock } = await opened([], [input({ debounceMs: 4 })]);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  const start = clock.monotonic();
  kernel.now += 25_500_000n;
  kernel.drive('gpiochip1', 1, true);
  keeper.pump();
  t.is(edges.length, 1);
  t.true(Math.abs((edges[0] as LineEdge).at - (start + 21.5)) < 1e-6);
  await lines.close();
});

test('edges of several lines come in the order of their times', async (t) => {
  const { lines, kernel, keeper } = await opened([], [input(), input({ name: 'green', line: 0 })]);
  const told: string[] = [];
  for (const name of ['red', 'green']) lines.watch(name, (edge) => told.push(`${edge.input} ${edge.level}`));
  for (const [line, level] of [
    [0, true],
    [1, true],
    [0, false],
    [1, false],
  ] as const) {
    kernel.now += 1000n;
    kernel.drive('gpiochip1', line, level);
  }
  keeper.pump();
  t.deepEqual(told, ['green true', 'red true', 'green false', 'red false']);
  await lines.close();
});

test('what ran over in the kernel is a gap in the numbers, and the numbers go on where those of the kernel begin anew', async (t) => {
  const { lines, kernel, keeper } = await opened([], [input()]);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  for (let i = 0; i < 1030; i += 1) kernel.drive('gpiochip1', 1, i % 2 === 0);
  keeper.pump();
  t.is(edges.length, 1024);
  t.is(edges[0]?.sequence, 7);
  kernel.count('gpiochip1', 1, 0xffff_ffff);
  kernel.drive('gpiochip1', 1, true);
  kernel.drive('gpiochip1', 1, false);
  keeper.pump();
  const [last, wrapped] = edges.slice(-2) as [LineEdge, LineEdge];
  t.is(wrapped.sequence, last.sequence + 1);
  await lines.close();
});

test('an answer to read comes after the edge that made the level', async (t) => {
  const { lines, kernel } = await opened([], [input()]);
  const order: string[] = [];
  lines.watch('red', () => order.push('edge'));
  kernel.drive('gpiochip1', 1, true);
  const level = await lines.read('red');
  order.push(`read ${level}`);
  t.deepEqual(order, ['edge', 'read true']);
  await lines.close();
});

test('a unit that does not read is no reason to forget the outputs', async (t) => {
  const { lines, kernel, keeper } = await opened([output()], [input()]);
  await lines.set('beacon', true);
  kernel.unitStalls = true;
  for (let i = 0; i < 20_000; i += 1) {
    kernel.drive('gpiochip1', 1, i % 2 === 0);
    if (i % 100 === 0) keeper.pump();
  }
  t.true(kernel.voltage('gpiochip0', 2));
  kernel.unitGone = true;
  keeper.pump();
  t.false(kernel.voltage('gpiochip0', 2));
});

test('when the unit dies, whatever it was doing, the outputs are safe and let go', async (t) => {
  const { lines, kernel, keeper } = await opened([output(), output({ name: 'fan', line: 1, safe: true })], [input()]);
  await lines.set('beacon', true);
  await lines.set('fan', false);
  kernel.unitGone = true;
  keeper.pump();
  t.deepEqual([kernel.voltage('gpiochip0', 2), kernel.voltage('gpiochip0', 1)], [false, true]);
  t.is(kernel.openDescriptors, 0);
});

test('a unit that hangs is silent: its outputs become safe, and it is told of it when it goes on', async (t) => {
  const { lines, kernel, keeper, faults, pass } = await opened([output()], []);
  await lines.set('beacon', true);
  await pass(4 * SILENCE);
  t.true(kernel.voltage('gpiochip0', 2), 'it beats while it runs');
  kernel.now += BigInt((SILENCE + 1) * 1e6);
  keeper.pump();
  t.false(kernel.voltage('gpiochip0', 2));
  t.regex(faults.map(explain).join(), /stood still for 10\d\d\d ms/);
  await lines.set('beacon', true);
  t.true(kernel.voltage('gpiochip0', 2));
  await lines.close();
});

test('a chip that is unplugged takes its lines with it and no others; they come back with it, a gap in the numbers', async (t) => {
  const { lines, kernel, keeper, faults, back, pass } = await opened([output()], [input()]);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  kernel.drive('gpiochip1', 1, true);
  keeper.pump();
  kernel.unplug('gpiochip1');
  keeper.pump();
  t.regex(faults.map(explain).join(), /^lines-unavailable: red: its GPIO chip is gone\n {2}Connect its chip again/);
  const refused = await t.throwsAsync(lines.read('red'));
  t.true(isAtalayaError(refused, 'lines-unavailable'));
  await lines.set('beacon', true);
  t.true(kernel.voltage('gpiochip0', 2));
  kernel.plug('gpiochip1');
  await pass(1500);
  t.deepEqual(back, ['red']);
  kernel.drive('gpiochip1', 1, false);
  keeper.pump();
  t.deepEqual(
    edges.map(({ sequence, level }) => [sequence, level]),
    [
      [1, true],
      [3, false],
    ],
  );
  t.is(faults.length, 1, 'one fault a loss');
  await lines.close();
});

test('a keeper that dies is followed by another, which makes the outputs safe; the watchers stay', async (t) => {
  const kernel = new FakeKernel([soc, usb]);
  const { lines, keeper, faults, pass } = await opened([output({ chip: 'gpiochip0' })], [input()], kernel);
  const edges: LineEdge[] = [];
  lines.watch('red', (edge) => edges.push(edge));
  await lines.set('beacon', true);
  for (let i = 3; i < 20; i += 1) tryClose(kernel, i);
  keeper.crash();
  await settle();
  await t.throwsAsync(lines.set('beacon', true), { message: /keeper/ });
  t.true(kernel.voltage('gpiochip0', 2));
  await pass(1000);
  t.is(keeper.started, 2);
  t.false(kernel.voltage('gpiochip0', 2));
  t.regex(faults.map(explain).join(), /keeper is gone: it was ended by SIGKILL/);
  kernel.drive('gpiochip1', 1, true);
  keeper.pump();
  t.is(edges.length, 1);
  await lines.close();
});

/** The kernel closes what a process leaves open. */
function tryClose(kernel: FakeKernel, descriptor: number): void {
  try {
    kernel.close(descriptor);
  } catch {
    // It was not open.
  }
}

async function refusal(
  t: ExecutionContext,
  kernel: FakeKernel,
  wires: { outputs?: OutputLine[]; inputs?: InputLine[] },
) {
  const error = await t.throwsAsync(opened(wires.outputs ?? [], wires.inputs ?? [], kernel));
  t.true(isAtalayaError(error, 'lines-unavailable'));
  t.is(kernel.openDescriptors, 0, 'nothing is half-done');
  return explain(error);
}

test('what cannot be opened is refused with what to do about it', async (t) => {
  const kernel = () => new FakeKernel([soc, usb]);
  t.regex(
    await refusal(t, kernel(), { outputs: [output({ chip: 'pinctrl-rp1' })] }),
    /beacon: there is no GPIO chip pinctrl-rp1; there is gpiochip0 \(pinctrl-bcm2711, 4 lines\), gpiochip1 \(usb-adapter, 2 lines\)\n {2}Name one/,
  );
  t.regex(
    await refusal(t, kernel(), { outputs: [output({ line: 'GPIO9' })] }),
    /has no line named GPIO9; there is ID_SDA, GPIO1, GPIO2\n/,
  );
  t.regex(
    await refusal(t, kernel(), { inputs: [input({ line: 2 })] }),
    /has no line 2\n {2}Name an offset from 0 to 1:/,
  );
  t.regex(await refusal(t, kernel(), { inputs: [input({ line: 'DOOR' })] }), /none of its lines has a name/);
  const held = kernel();
  held.hold('gpiochip1', 1, 'spi0 CS0');
  t.regex(
    await refusal(t, held, { outputs: [output()], inputs: [input()] }),
    /red: the line 1 of the GPIO chip .* is taken by spi0 CS0\n {2}Stop what holds it/,
  );
  const denied = kernel();
  denied.denied.add('/dev/gpiochip0').add('/dev/gpiochip1');
  t.regex(await refusal(t, denied, { outputs: [output()] }), /may not be opened by this user\n.*usermod -aG gpio/);
  const partly = kernel();
  partly.denied.add('/dev/gpiochip0');
  t.regex(await refusal(t, partly, { outputs: [output()] }), /\/dev\/gpiochip0 may not be opened/);
  t.regex(await refusal(t, new FakeKernel([]), { outputs: [output()] }), /nor any other.*\n.*`sysfs` or `simulated`/);
  const twins = new FakeKernel([soc, { ...soc, path: '/dev/gpiochip4', name: 'gpiochip4' }]);
  t.regex(
    await refusal(t, twins, { outputs: [output()] }),
    /2 GPIO chips are labelled pinctrl-bcm2711: gpiochip0, gpiochip4/,
  );
  const linked = new FakeKernel([soc, { ...soc, path: '/dev/gpiochip4' }]);
  const { lines } = await opened([output()], [], linked);
  await lines.close();
});
