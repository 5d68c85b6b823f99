#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { WriteStream } from 'node:tty';
import { systemClock } from '../../device/kernel/clock.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import type { FleetIo, Sink } from './fleet/fleet-io.ts';
import { runFleet } from './fleet/program.ts';
import { addSimulate } from './fleet/simulate.ts';

// A reader that goes away (`| head`) ends what goes on for ever, quietly.
const stop = new AbortController();
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());

// A second signal ends the program where it stands.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());

const sink = (stream: WriteStream): Sink => ({
  write: (text) => {
    stream.write(text);
  },
  terminal: stream.isTTY === true,
  get columns() {
    return stream.isTTY === true ? stream.columns : undefined;
  },
});

async function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal: stop.signal });
  } catch (error) {
    // Ctrl-C and Ctrl-D at the question, or a signal meanwhile.
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    process.stderr.write('\n');
    return undefined;
  } finally {
    lines.close();
  }
}

/** As other programs do: `EDITOR` may hold arguments, so a shell reads it. */
function edit(editor: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

const io: FleetIo = {
  out: sink(process.stdout),
  err: sink(process.stderr),
  ask: process.stdin.isTTY === true ? ask : undefined,
  edit,
  environment: process.env,
  clock: systemClock,
  timer: systemTimer,
  newId: randomUUID,
  signal: stop.signal,
};
process.exitCode = await runFleet(process.argv.slice(2), io, [addSimulate]);
