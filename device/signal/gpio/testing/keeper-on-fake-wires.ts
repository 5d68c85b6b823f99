import { writeFileSync } from 'node:fs';
import { Libc } from '../../../kernel/linux/libc.ts';
import type { PollAnswer, PollWish, SystemCalls } from '../../../kernel/linux/system-calls.ts';
import { LineKeeper } from '../line-keeper.ts';
import { outliveSignals } from '../outlive-signals.ts';
import { FakeKernel } from './fake-kernel.ts';

/**
 * The keeper's program with real pipes and wires of its own: after each step it writes its process id and the voltage of its first
 * wire into the file `wire` of its working folder.
 */
const libc = Libc.open();
const chip = { path: '/dev/gpiochip0', name: 'gpiochip0', label: 'bench', lines: ['', ''] };
const kernel = new FakeKernel([chip]);
const isPipe = (descriptor: number) => descriptor < 3;

const calls: SystemCalls = {
  open: (path) => kernel.open(path),
  close: (descriptor) => kernel.close(descriptor),
  read: (descriptor, into) => (isPipe(descriptor) ? libc.read(descriptor, into) : kernel.read(descriptor, into)),
  write: (descriptor, from) => libc.write(descriptor, from),
  ioctl: (descriptor, request, argument) => kernel.ioctl(descriptor, request, argument),
  poll: (wanted: readonly PollWish[], wait: number): PollAnswer[] => {
    const wires = kernel.poll(
      wanted.filter(({ descriptor }) => !isPipe(descriptor)),
      0,
    );
    const pipes = wanted.filter(({ descriptor }) => isPipe(descriptor));
    return [...wires, ...libc.poll(pipes, wires.length > 0 ? 0 : wait)];
  },
  datagramSocket: () => libc.datagramSocket(),
  sendTo: (descriptor, address, message) => libc.sendTo(descriptor, address, message),
  adjustTime: (timex) => libc.adjustTime(timex),
};

outliveSignals();
const now = () => Number(process.hrtime.bigint()) / 1e6;
const keeper = new LineKeeper({ calls, devices: kernel.devices, input: 0, output: 1, now });
const show = () => writeFileSync('wire', `${process.pid} ${kernel.voltage('gpiochip0', 0) ? 'high' : 'low'}`);
while (keeper.step()) show();
keeper.flush();
show();
process.exit(0);
