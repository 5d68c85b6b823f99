import { readdirSync, writeSync } from 'node:fs';
import { Libc } from '../../kernel/linux/libc.ts';
import { type FromKeeper, toPlain } from './keeper-messages.ts';
import { LineKeeper } from './line-keeper.ts';
import { outliveSignals } from './outlive-signals.ts';

/**
 * The program of the process that holds the lines: it speaks with the unit over standard input and output and ends when that does.
 *
 * It waits in poll(2) and nowhere else, so its event loop never turns; signals that would end it are taken by handlers that never
 * run. systemd with `KillMode=control-group` sends the signal that stops a service, and the one of its watchdog (SIGABRT), to every
 * process of it at once: the keeper stays, and the end of the unit ends it. With `KillMode=mixed` it is killed as soon as the unit
 * has ended, which is a race.
 */
const INPUT = 0;
const OUTPUT = 1;

function run(): void {
  outliveSignals();
  const keeper = new LineKeeper({
    calls: Libc.open(),
    devices: gpioDevices,
    input: INPUT,
    output: OUTPUT,
    now: () => Number(process.hrtime.bigint()) / 1e6,
  });
  while (keeper.step());
  keeper.flush();
}

function gpioDevices(): string[] {
  return readdirSync('/dev')
    .filter((name) => /^gpiochip[0-9]+$/.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => `/dev/${name}`);
}

try {
  run();
  process.exit(0);
} catch (error) {
  const refusal: FromKeeper = { kind: 'refused', fault: toPlain(error) };
  try {
    writeSync(OUTPUT, `${JSON.stringify(refusal)}\n`);
  } catch {
    // Nobody is there to be told.
  }
  process.exit(1);
}
