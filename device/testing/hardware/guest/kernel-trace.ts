import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One thing that the kernel did, seconds of its monotonic clock. */
export type TracedEvent =
  | { readonly kind: 'line'; readonly at: number; readonly line: number; readonly level: boolean }
  | { readonly kind: 'watchdog'; readonly at: number; readonly what: 'start' | 'ping' | 'stop' };

const root = '/sys/kernel/tracing';

/** Begins to note what is written to lines and watchdogs (tracepoints `gpio:gpio_value` and `watchdog:*`), whoever does it. */
export function startTrace(): void {
  if (!existsSync(join(root, 'trace'))) execFileSync('mount', ['-t', 'tracefs', 'tracefs', root]);
  writeFileSync(join(root, 'trace_clock'), 'mono');
  writeFileSync(join(root, 'trace'), '');
  for (const group of ['gpio', 'watchdog']) writeFileSync(join(root, 'events', group, 'enable'), '1');
}

/** Everything since the start, oldest first. Lines are numbered as in /sys/class/gpio; what is read from a line is left out. */
export function readTrace(): readonly TracedEvent[] {
  return readFileSync(join(root, 'trace'), 'utf8').split('\n').flatMap(eventOf);
}

function eventOf(text: string): TracedEvent[] {
  const [, at = '', name = '', rest = ''] = /\s(\d+\.\d+): (\w+): (.*)$/.exec(text) ?? [];
  const set = name === 'gpio_value' ? /^(\d+) set (\d)$/.exec(rest) : null;
  if (set !== null) return [{ kind: 'line', at: Number(at), line: Number(set[1]), level: set[2] === '1' }];
  const what = /^watchdog_(start|ping|stop)$/.exec(name)?.[1] as 'start' | 'ping' | 'stop' | undefined;
  return what === undefined ? [] : [{ kind: 'watchdog', at: Number(at), what }];
}
