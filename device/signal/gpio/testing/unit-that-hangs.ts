import { systemClock } from '../../../kernel/clock.ts';
import { systemTimer } from '../../../kernel/timer.ts';
import { GpioLines } from '../gpio-lines.ts';
import { processKeeperLink } from '../keeper-link.ts';

/**
 * A unit that lights its beacon, on line 0 of the chip `bench`, says so, and then hangs for ever. With the argument `real` the chip is
 * the kernel's, without it is the keeper's own.
 */
const openLink =
  process.argv[2] === 'real'
    ? processKeeperLink()
    : processKeeperLink(new URL('./keeper-on-fake-wires.ts', import.meta.url));
const lines = await GpioLines.open(
  {
    outputs: [{ name: 'beacon', chip: 'bench', line: 0, activeLow: false, safe: false, drive: 'push-pull' }],
    inputs: [],
  },
  {
    clock: systemClock,
    timer: systemTimer,
    random: Math.random,
    onFault: (fault) => console.error(fault.message),
    openLink,
  },
);
await lines.set('beacon', true);
process.stdout.write('lit', () => {
  for (;;);
});
